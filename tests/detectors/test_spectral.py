from __future__ import annotations

import numpy as np
import pytest

from tests.draw_voice import voice
from unmask.detectors import spectral
from unmask.modalities.audio import RATE_HZ, Sound
from unmask.pitch import below
from unmask.voice_findings import NOTHING, USUAL
from unmask.witness import WitnessCard


def measured(sound: Sound) -> dict[str, float]:
    found = spectral.measure(sound)
    assert found is not None
    return dict(found.measured)


def test_every_feature_is_measured_and_has_words_and_a_weight() -> None:
    found = measured(voice())
    assert tuple(found) == tuple(spectral.FEATURES) == tuple(USUAL)
    assert all(np.isfinite(value) for value in found.values())
    card = WitnessCard.shipped(spectral.NAME)
    assert tuple(one.name for one in card.features) == tuple(spectral.FEATURES)
    assert all(usual.low < usual.high for usual in USUAL.values())


def test_it_informs_with_a_probability_a_sentence_and_the_seconds() -> None:
    drawn = voice()
    evidence, curves = spectral.look(Sound(drawn.samples, 10.0))
    assert (evidence.detector, evidence.votes) == ("spectral", False)
    assert evidence.logit is not None
    assert evidence.probability is not None
    assert evidence.region.start_s == pytest.approx(10.0, abs=0.05)
    assert evidence.region.end_s == pytest.approx(12.7, abs=0.05)
    assert {curve.name for curve in curves} == {"pitch", "level of the pauses", "harmonics-to-noise ratio"}


@pytest.mark.parametrize("silence", [Sound(np.zeros(0, np.float32)), Sound(np.zeros(RATE_HZ, np.float32)), voice(1.0)])
def test_where_there_is_too_little_voice_it_abstains_and_says_so(silence: Sound) -> None:
    evidence, curves = spectral.look(silence)
    assert (evidence.logit, evidence.probability, evidence.sentence) == (None, None, spectral.TOO_LITTLE)
    assert curves == []


def test_what_was_drawn_shows_in_the_feature_that_measures_it() -> None:
    plain = measured(voice())
    assert measured(voice(jitter=0.02))["jitter"] > plain["jitter"] + 1
    assert measured(voice(shimmer_db=1.0))["shimmer"] > plain["shimmer"] + 1
    assert measured(voice(breath=0.01))["harmonics"] < plain["harmonics"] - 5
    assert measured(voice(tone_hz=5500))["steady tone"] > plain["steady tone"] + 10
    assert measured(voice(pause=0.0))["digital silence"] > 0.8 > 0.1 > plain["digital silence"]
    assert measured(voice(jitter=0.02, breath=0.02))["phase ties"] < plain["phase ties"] - 0.1


def test_a_file_without_treble_is_not_judged_by_it_and_that_is_told() -> None:
    cut = Sound(below(voice().samples, 5000).astype(np.float32))
    found = measured(cut)
    assert all(np.isnan(found[name]) for name in ("treble", "treble grain", "treble memory"))
    assert "its treble is not judged" in spectral.look(cut)[0].sentence
    assert "treble is not judged" not in spectral.look(voice())[0].sentence


def test_curves_hold_the_pitch_where_there_is_one() -> None:
    _, (pitch, pauses, noise) = spectral.look(Sound(voice(pitch_hz=150).samples, 3.0))
    spoken = [value for value in pitch.values if value is not None]
    assert spoken == pytest.approx([150] * len(spoken), rel=0.02)
    assert 1.5 < len(spoken) * 0.05 < 2.3
    assert None in pitch.values
    assert len(pauses.values) == len(pitch.times_s) == len(noise.values)
    assert pitch.times_s[0] == pytest.approx(3.03, abs=0.05)
    quiet = [value for value in pauses.values if value is not None]
    assert max(quiet) < -10
    both = sum(None not in pair for pair in zip(pitch.values, pauses.values, strict=True))
    assert both <= 4, "a point of a curve may hold the end of a word"


def test_a_sentence_is_said_of_a_human_like_and_of_a_strange_voice() -> None:
    for drawn in (voice(), voice(pause=0.0, tone_hz=5500), voice(breath=0.01, jitter=0.01)):
        said = spectral.look(drawn)[0].sentence
        assert said == NOTHING or "human recordings" in said or "digitally silent" in said
