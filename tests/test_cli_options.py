from __future__ import annotations

import pytest

from unmask.cli_options import of_members
from unmask.errors import UsageError


def test_weights_are_read_by_name() -> None:
    assert of_members(["texture=2", "face=0.5"]) == {"texture": 2.0, "face": 0.5}
    assert of_members(None) == {}


@pytest.mark.parametrize("word", ["texture", "texture=", "texture=much"])
def test_a_weight_without_a_number_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a member"):
        of_members([word])
