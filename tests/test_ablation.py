"""The ablation leaves out what it says, and treats every variant alike."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from stage1_packs import write_sliding_pack

from dabfusion.evaluation import ablation_table
from dabfusion.evaluation.ablation import (
    VARIANTS,
    AblationOptions,
    Bench,
    changed,
    compare,
    seen_batches,
    train,
    untrained,
)
from dabfusion.evaluation.ablation_table import HALF, UNTRAINED, cost, differences, means, write
from dabfusion.evaluation.stage1 import Stage1
from dabfusion.flow_autoencoder.body_reader import BodyReader
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.training.pairs import PairPack
from dabfusion.training.perceptual import PerceptualLoss

OPTIONS = AblationOptions(steps=2, batches=2, clips=1, drives=2, held_out=2)


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> PairPack:
    folder = tmp_path_factory.mktemp("pairs")
    write_sliding_pack(folder)
    return PairPack(folder)


@pytest.fixture(scope="module")
def stage1() -> Stage1:
    torch.manual_seed(0)
    widths = (8, 8, 8, 8)
    codec = FlowCodec(widths, appearance=4, fine=4)
    return Stage1(BodyReader(widths, hidden=16).eval(), codec.eval(), Generator(4, blocks=1).eval())


def test_variants_switch_off_what_they_are_called(stage1: Stage1) -> None:
    off = {v.name: (changed(stage1.generator, v).skips, changed(stage1.generator, v).gate) for v in VARIANTS}
    assert off["all of it"] == off["without the perceptual loss"] == (True, True)
    assert off["without skips"] == (False, True)
    assert off["without the gate"] == (True, False)
    copy = changed(stage1.generator, VARIANTS[0])
    assert all(torch.equal(a, b) for a, b in zip(copy.parameters(), stage1.generator.parameters(), strict=True))


def test_every_variant_sees_the_same_and_the_checkpoint_stays_as_it_was(
    stage1: Stage1, pack: PairPack, tmp_path
) -> None:
    before = [p.clone() for p in stage1.generator.parameters()]
    bench = Bench(stage1, seen_batches(stage1, pack, OPTIONS), None, pack, {})
    found = compare(stage1.generator, bench, OPTIONS)
    assert list(found) == [UNTRAINED, *(v.name for v in VARIANTS)]
    assert found["without the perceptual loss"] == found["all of it"]  # there was no such loss to leave out
    assert len({means(rows)["drawing"] for rows in found.values()}) == 4
    assert all(len(rows) == 2 and (HALF in rows[0]) == (name != UNTRAINED) for name, rows in found.items())
    assert means(found["all of it"])[HALF] != means(found["all of it"])["drawing"]
    assert all(torch.equal(a, b) for a, b in zip(before, stage1.generator.parameters(), strict=True))
    write(tmp_path, {"from nothing": found}, {"checkpoint": "tiny"})
    text = (tmp_path / "ablation.md").read_text()
    assert "## Trained from nothing" in text and "true flow" in text
    assert "what helps to learn quickly" in text and "after a few steps to get used to that" not in text
    row = next(line for line in text.splitlines() if line.startswith("| without skips | "))
    kept = json.loads((tmp_path / "ablation.json").read_text())["clips"]["from nothing"]["without skips"]
    assert means(kept) == pytest.approx(means(found["without skips"]), abs=1e-5)
    assert f"| {means(kept)['drawing']:.3f} |" in row
    assert ablation_table.main([str(tmp_path)]) == 0
    assert (tmp_path / "ablation.md").read_text() == text


class Felt(PerceptualLoss):
    """A stand-in that needs no weights and counts its calls."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        self.calls = 0

    def forward(self, drawn: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return (drawn - truth).abs().mean()


def test_one_variant_is_trained_without_the_perceptual_loss(stage1: Stage1, pack: PairPack) -> None:
    felt = Felt()
    found = compare(stage1.generator, Bench(stage1, seen_batches(stage1, pack, OPTIONS), felt, pack, {}), OPTIONS)
    assert felt.calls == 3 * OPTIONS.steps
    assert found["without the perceptual loss"] != found["all of it"]


def test_differences_are_taken_clip_by_clip() -> None:
    control, worse = [{"drawing": 10.0}, {"drawing": 50.0}, {"drawing": 30.0}], [1.0, 2.0, 1.5]
    rows = [{"drawing": row["drawing"] + more} for row, more in zip(control, worse, strict=True)]
    mean, error, clips = differences(rows, control)["drawing"]
    assert (mean, clips) == (pytest.approx(1.5), 3)
    assert error == pytest.approx(0.5 / 3**0.5)  # of the differences: the clips themselves differ by far more
    assert cost((mean, error, clips), 3) == "+1.5000 ± 0.2887 (worse on 3 of 3)"
    assert "not to be told from 0" in cost((0.5, 0.3, 2), 3)


def test_an_untrained_generator_has_the_checkpoints_sizes_and_its_own_weights(stage1: Stage1) -> None:
    fresh = untrained(stage1.generator, seed=5)
    shapes = [p.shape for p in stage1.generator.parameters()]
    assert [p.shape for p in fresh.parameters()] == shapes
    assert not torch.equal(fresh.enter.weight, stage1.generator.enter.weight)
    assert torch.equal(fresh.enter.weight, untrained(stage1.generator, seed=5).enter.weight)


def test_training_moves_the_weights_and_is_the_same_each_time(stage1: Stage1, pack: PairPack) -> None:
    seen = seen_batches(stage1, pack, OPTIONS)
    one, two = (changed(stage1.generator, VARIANTS[0]) for _ in range(2))
    for generator in (one, two):
        train(generator, seen, None, OPTIONS)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    moved = [float((a - b).abs().max()) for a, b in zip(one.parameters(), stage1.generator.parameters(), strict=True)]
    assert np.max(moved) > 1e-5
