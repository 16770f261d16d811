"""Repeated dances are told from made up ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dabfusion.evaluation import novelty
from dabfusion.evaluation.novelty import FRAMES, Known, measure_novelty, packed_points, points_of, windows_of
from dabfusion.skeleton import encode_pose, mirror_rotation
from dabfusion.studio.dance import sample_dance
from dabfusion.training.dance_data import PackedDance, pack_dance, write_pack


def packed(seed: int, style: str = "house") -> PackedDance:
    return pack_dance(sample_dance(seed, seconds=8.0, style=style), seed)


@pytest.fixture(scope="module")
def trained() -> list[PackedDance]:
    return [packed(seed, style) for seed, style in ((1, "house"), (2, "waack"), (3, "krump"), (4, "lock"))]


@pytest.fixture(scope="module")
def known(trained: list[PackedDance]) -> Known:
    return Known.of([packed_points(d) for d in trained])


def codes_of(seed: int, style: str, mirror: bool = False) -> np.ndarray:
    """Codes (F, 117) at 30 a second of the dance of that seed."""
    dance = sample_dance(seed, seconds=8.0, style=style)
    away = dance.root - dance.root[0]
    turns = mirror_rotation(dance.rotation) if mirror else dance.rotation
    return encode_pose(turns.astype(np.float32), away * np.float32([-1 if mirror else 1, 1, 1]))


@pytest.mark.parametrize("mirror", [False, True])
def test_a_dance_of_training_is_found_wherever_it_begins_and_mirrored(known: Known, mirror: bool) -> None:
    codes = codes_of(2, "waack", mirror)[16:]  # 8 code frames later
    found = known.nearest(windows_of(points_of(codes[::2]), FRAMES))
    assert len(found) == 3 and float(found.max()) < 0.01


def test_another_dance_is_further_and_ones_own_dance_can_be_left_out(known: Known, trained: list[PackedDance]) -> None:
    other = known.nearest(windows_of(points_of(codes_of(77, "ballet-jazz")[::2]), FRAMES))
    assert float(other.min()) > 0.02
    own = windows_of(packed_points(trained[2]), FRAMES)
    assert float(known.nearest(own).max()) < 0.005 < float(known.nearest(own, 2).min())


def test_the_distance_is_what_all_windows_compared_would_give(known: Known) -> None:
    query = windows_of(points_of(codes_of(5, "lock")[::2]), FRAMES)
    every = torch.cat([windows_of(p, 2) for p in known.points])
    slow = torch.stack([novelty.distances(every, q).min() for q in query])
    either = torch.stack([novelty.distances(every, q).min() for q in novelty.mirrored(query)])
    torch.testing.assert_close(known.nearest(query), torch.minimum(slow, either), rtol=0.05, atol=1e-4)


def test_a_model_that_repeats_is_seen_in_the_report(trained: list[PackedDance]) -> None:
    pack = [*trained, packed(25)]  # every 25th seed is held out
    repeated, own = [codes_of(2, "waack"), codes_of(3, "krump")], [codes_of(91, "pop"), codes_of(92, "break")]
    share = {}
    for name, made in (("repeats", repeated), ("makes up", own)):
        rows = {row.name: row for row in measure_novelty(pack, made, 2)}
        assert len(rows) == 4 and rows["held-out dances, captured takes among them"].count == 1
        (limit,) = (key for key in rows["generated"].readings if key.startswith("nearer"))
        share[name] = rows["generated"].readings[limit].value
    assert share["repeats"] == 1.0 and share["makes up"] is not None and share["makes up"] < 0.5


def test_the_command_writes_its_report(
    tmp_path: Path, trained: list[PackedDance], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pack(tmp_path / "dances" / "dances_0.npz", [*trained, packed(25)])
    made = [codes_of(91, "pop")]
    monkeypatch.setattr(novelty, "dance_in_styles", lambda *_: (made, ["pop"]))
    out = tmp_path / "report"
    assert novelty.main(["--dances", str(tmp_path / "dances"), "--count", "1", "--out", str(out)]) == 0
    text = (out / "novelty.md").read_text(encoding="utf-8")
    assert "4 dances" in text and "| generated | 1 |" in text
