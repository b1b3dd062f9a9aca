"""The file itself as a witness."""

from __future__ import annotations

from unmask.detectors import provenance
from unmask.provenance.account import finding


def test_an_editor_is_one_suspicious_thing_however_many_fields_name_it() -> None:
    fields = [finding("edited", f"XMP, step {i}", "Adobe Photoshop saved it", f"Photoshop {i}") for i in range(6)]
    assert provenance.suspicions(fields) == ["edited"]
    assert provenance.suspicions([*fields, finding("time-in-future", "EXIF", "it lies in the future")]) == [
        "edited",
        "time in future",
    ]
    assert provenance.suspicions([finding("camera-named", "EXIF", "it names the device")]) == []
