"""The manner of a genre: it comes with the dance, not with the photo's pose, and it can be told."""

from __future__ import annotations

import numpy as np

from dabfusion.studio.body import body_points, point
from dabfusion.studio.dance import sample_dance
from dabfusion.studio.grid import TEMPOS
from dabfusion.studio.manner import MANNERS, posture


def test_every_genre_has_a_manner_of_its_own() -> None:
    assert {*MANNERS} == {*TEMPOS}
    assert len({(m.groove, m.up, m.crouch, m.lean, m.chin, m.hands, m.sway) for m in MANNERS.values()}) == len(MANNERS)


def test_a_manner_begins_with_the_dance() -> None:
    counts = np.linspace(0, 16, 200)
    added = posture(MANNERS["krump"], counts, begin=5.0, amount=1.0)
    before, after = counts <= 5, counts >= 8.0
    for values in added.values():
        assert np.abs(values[before]).max() == 0
    np.testing.assert_allclose(added["chest"][after, 0], MANNERS["krump"].lean)
    np.testing.assert_allclose(added["hips"][after, 1], -MANNERS["krump"].crouch)
    assert np.abs(np.diff(added["chest"][:, 0])).max() < 1.0  # degrees a frame: nobody jumps into it


def test_krump_is_lower_and_waack_has_higher_hands() -> None:
    def mean(style: str, name: str) -> float:
        heights = []
        for seed in range(6):
            dance = sample_dance(seed, seconds=8, style=style)
            points = body_points(dance.rotation, dance.root)[90:]
            heights.append(points[:, point(name), 1].mean())
        return float(np.mean(heights))

    assert mean("krump", "Hips") < mean("waack", "Hips") - 0.03
    assert mean("waack", "LeftHand") > mean("la-hip-hop", "LeftHand") + 0.05
