"""The flow predictor's report measures what it says, on runs as their training leaves them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from stage1_packs import write_sliding_pack

from dabfusion.errors import UserError
from dabfusion.evaluation.flow_predictor_report import (
    STILL,
    Counts,
    batches,
    blindness,
    build,
    load_run,
    measure,
    measured_row,
    sheet,
    still,
)
from dabfusion.evaluation.stage1 import Stage1
from dabfusion.flow_autoencoder.body_reader import BodyReader
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.flow_predictor import FlowPredictorConfig
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.training.pairs import PairBatch, PairPack
from dabfusion.training.train_flow_predictor import TrainingOptions, train

TINY = FlowPredictorConfig(64, 4, 4, "translation", (8, 12), (12, 16))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_sliding_pack(tmp_path_factory.mktemp("pairs") / "pack", clips=2)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "exact"
    train(folder, out, TINY, TrainingOptions("exact", 0.01, clips=1, drives=1))
    return out


def half_truth(batch: PairBatch) -> FlowMaps:
    return FlowMaps(0.5 * batch.flow, batch.visible, batch.coverage)


def coarse_truth(batch: PairBatch) -> FlowMaps:
    """The truth of a pack whose people slide as a whole, on another grid."""
    level = batch.flow.flatten(2).sum(-1) / (batch.coverage.flatten(2) > 0).sum(-1)
    flow = level[..., None, None].expand(-1, -1, 32, 32)
    return FlowMaps(flow, torch.ones(len(flow), 1, 32, 32), torch.ones(len(flow), 1, 32, 32))


def test_errors_are_those_of_known_flows_on_any_grid(folder: Path) -> None:
    seen = batches(PairPack(folder), clips=8)
    nothing = measure(still, seen)["epe"]
    assert nothing > 20
    assert measure(half_truth, seen)["epe"] == pytest.approx(nothing / 2, rel=1e-3)
    assert measure(coarse_truth, seen)["epe"] < 0.05


def test_calling_everything_visible_is_accurate_but_not_balanced(folder: Path) -> None:
    batch = batches(PairPack(folder), clips=2)[0]
    hidden = torch.zeros_like(batch.visible)
    hidden[..., ::4] = 1  # a quarter of all columns
    batch = PairBatch(**{**vars(batch), "visible": 1 - hidden, "coverage": torch.ones_like(batch.coverage)})
    blind, right, wrong = Counts(), Counts(), Counts()
    blind.add(torch.ones_like(hidden), batch)
    right.add(1 - hidden, batch)
    wrong.add(hidden, batch)
    assert (blind.accuracy, blind.balanced) == (pytest.approx(0.75), pytest.approx(0.5))
    assert (right.accuracy, right.balanced) == (1, 1)
    assert (wrong.accuracy, wrong.balanced) == (0, 0)


def test_a_run_is_loaded_with_its_averaged_weights_and_told_as_it_was_trained(run: Path, folder: Path) -> None:
    found = load_run(run)
    assert found.mode == "exact" and found.config == TINY
    steps = json.loads((run / "progress.json").read_text())["steps"]
    assert f"{steps} steps of 1 x 1 pairs" in found.told and "motion translation" in found.told
    batch = batches(PairPack(folder), clips=1)[0]
    maps = found(batch)
    assert maps.flow.shape == (4, 2, 16, 16)
    averaged = load_file(run / "ema.safetensors")
    kept = found.predictor.state_dict()
    assert len(kept) > 10 and all(torch.equal(value, averaged[f"predictor.{name}"]) for name, value in kept.items())
    with pytest.raises(UserError, match="no run"):
        load_run(run.parent)


def test_report_has_a_row_for_each_way_and_a_picture(run: Path, folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    widths = (8, 8, 8, 8)
    codec = FlowCodec(widths, appearance=4, fine=4)
    stage1 = Stage1(BodyReader(widths, hidden=16).eval(), codec.eval(), Generator(4, blocks=1).eval())
    report = build([load_run(run)], stage1, "0123", PairPack(folder), 2, tmp_path)
    names = [row.name for row in report.summary]
    assert names == [STILL, "flow predictor, exact", "codec of the default model"]
    errors = [row.readings["end-point error, px of 256"].value for row in report.summary]
    assert len({round(e, 3) for e in errors if e is not None}) == 3
    assert (tmp_path / "samples.jpg").stat().st_size > 1000
    assert Image.open(tmp_path / "samples.jpg").size == (5 * 256, 2 * 256)
    assert "0123" in report.markdown() and np.isfinite([e for e in errors if e is not None]).all()


def test_sheet_shows_the_start_as_each_flow_moves_it(folder: Path, tmp_path: Path) -> None:
    pack = PairPack(folder)
    batch = pack.collate([pack.clip(0, np.array([0]))], np.random.default_rng(0), augment=False)
    sheet({"true": coarse_truth, "still": still}, batch, tmp_path / "sheet.png")
    start, truth, moved, unmoved = np.split(np.asarray(Image.open(tmp_path / "sheet.png"), float), 4, axis=1)
    assert np.abs(unmoved - start).mean() < 1 < 10 < np.abs(truth - start).mean()
    assert np.abs(moved - truth).mean() < 0.3 * np.abs(truth - start).mean()


def test_blind_occlusion_maps_are_named() -> None:
    blind, seeing = ({"epe": 9.0, "accuracy": 0.82, "balanced": balanced} for balanced in (0.502, 0.8))
    rows = [measured_row(STILL, blind, 4), measured_row("one", blind, 4), measured_row("other", seeing, 4)]
    (note,) = blindness(rows)
    assert note.endswith(": one.")
    assert blindness(rows[2:]) == []
