"""The ablation leaves out what it says, and treats every variant alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from stage1_packs import write_sliding_pack

from dabfusion.evaluation.ablation import VARIANTS, AblationOptions, ablate, changed, markdown, seen_batches, train
from dabfusion.evaluation.stage1 import Stage1
from dabfusion.flow_autoencoder.body_reader import BodyReader
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.training.pairs import PairPack

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


def test_every_variant_sees_the_same_and_the_checkpoint_stays_as_it_was(stage1: Stage1, pack: PairPack) -> None:
    before = [p.clone() for p in stage1.generator.parameters()]
    figures = ablate(stage1, (pack, pack), None, None, OPTIONS)
    assert list(figures) == ["as it is, not trained on", *(v.name for v in VARIANTS)]
    assert figures["without the perceptual loss"] == figures["all of it"]  # there was no such loss to leave out
    assert len({row["drawing"] for row in figures.values()}) == 4
    assert all(torch.equal(a, b) for a, b in zip(before, stage1.generator.parameters(), strict=True))
    text = markdown(figures, {"checkpoint": "tiny"})
    assert "| without skips | " in text and "true flow" in text


def test_training_moves_the_weights_and_is_the_same_each_time(stage1: Stage1, pack: PairPack) -> None:
    seen = seen_batches(stage1, pack, OPTIONS)
    one, two = (changed(stage1.generator, VARIANTS[0]) for _ in range(2))
    for generator in (one, two):
        train(generator, seen, None, OPTIONS)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    moved = [float((a - b).abs().max()) for a, b in zip(one.parameters(), stage1.generator.parameters(), strict=True)]
    assert np.max(moved) > 1e-5
