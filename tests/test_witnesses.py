from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.draw_burst import burst, syllables, voice
from tests.draw_burst import face as drawn_face
from unmask.burst import PLACES
from unmask.detectors import lipsync
from unmask.faces import Face
from unmask.modalities.audio import RATE_HZ, Sound
from unmask.witnesses import NAMES, TOO_SHORT, Frame, look, look_at_lips


def wav(path: Path, sound: Sound) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=RATE_HZ, layout="mono")
        piece = av.AudioFrame.from_ndarray(sound.samples[None], format="flt", layout="mono")
        piece.sample_rate = RATE_HZ
        container.mux(stream.encode(piece))
        container.mux(stream.encode())
    return path


def frames(count: int = 3) -> list[Frame]:
    marks = PLACES.astype(np.float32)
    own = Face(np.array([20, 16, 92, 108], np.float32), marks, 0.9)
    return [(number / 2, Image.fromarray(drawn_face()), [own]) for number in range(count)]


def test_all_three_speak_about_the_person_and_none_votes(tmp_path: Path) -> None:
    evidence, curves = look(wav(tmp_path / "a.wav", voice()), burst(opening=syllables), frames(), 2)
    assert [one.detector for one in evidence] == list(NAMES)
    assert all(one.sentence and not one.votes and one.region.track == 2 for one in evidence)
    assert all(one.logit is not None and one.probability is not None for one in evidence)
    motion, light, lips = evidence
    assert motion.region.start_s == 0.0
    assert motion.region.end_s == pytest.approx(3.96)
    assert (light.region.start_s, light.region.end_s) == (0.0, 1.0)
    assert "moves with the sound" in lips.sentence
    assert {curve.detector for curve in curves} == {"motion", "lipsync"}


def test_without_sound_only_the_lips_are_not_judged(tmp_path: Path) -> None:
    evidence, curves = look(tmp_path / "absent.mp4", burst(), frames(), 1)
    assert [one.logit is None for one in evidence] == [False, False, True]
    assert (evidence[2].sentence, evidence[2].probability) == (lipsync.NO_SOUND, None)
    assert {curve.detector for curve in curves} == {"motion"}


def test_where_nobody_speaks_it_is_said(tmp_path: Path) -> None:
    noise = Sound(np.random.default_rng(0).normal(0, 0.1, RATE_HZ * 4).astype(np.float32))
    evidence, _ = look(wav(tmp_path / "a.wav", noise), burst(), frames(), 1)
    assert evidence[2].sentence == lipsync.NO_SPEECH


def test_a_person_who_is_seen_too_shortly_is_judged_by_light_alone(tmp_path: Path) -> None:
    evidence, curves = look(tmp_path / "absent.mp4", None, frames(1), None)
    assert [one.detector for one in evidence] == list(NAMES)
    assert [one.sentence == TOO_SHORT for one in evidence] == [True, False, True]
    assert evidence[1].logit is not None
    assert curves == []


def test_without_anything_to_look_at_all_three_abstain(tmp_path: Path) -> None:
    evidence, curves = look(tmp_path / "absent.mp4", None, [], 1)
    assert [one.logit for one in evidence] == [None, None, None]
    assert all(one.sentence.startswith("not judged") for one in evidence)
    assert curves == []


def test_lips_alone_say_what_they_say_among_all(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", voice())
    everything, _ = look(path, burst(opening=syllables), frames(), 2)
    (lips,), curves = look_at_lips(path, burst(opening=syllables), 2)
    assert lips == everything[2]
    assert {curve.detector for curve in curves} == {"lipsync"}
    (silent,), curves = look_at_lips(tmp_path / "absent.mp4", burst(), 1)
    assert (silent.sentence, silent.probability, curves) == (lipsync.NO_SOUND, None, [])
    (short,), _ = look_at_lips(path, None, 1)
    assert (short.sentence, short.logit, short.region.track) == (TOO_SHORT, None, 1)
