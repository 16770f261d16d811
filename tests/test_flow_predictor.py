"""The learned flow predictor: geometry of its regions, its contracts, and that it learns with and without labels."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from stage1_packs import write_sliding_pack

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.flow_predictor import (
    FlowPredictorConfig,
    blob_difference,
    build_flow_predictor,
    region_flows,
)
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_autoencoder.geometry import pixel_grid
from dabfusion.flow_autoencoder.regions import Regions, principal_axes, relative_affine
from dabfusion.training import train_flow_predictor
from dabfusion.training.frame_pairs import equivariance_loss, exact_loss, frame_pairs, label_free_step
from dabfusion.training.pairs import PairPack
from dabfusion.training.predictor_run import load_predictor_run
from dabfusion.training.predictor_sources import evaluate
from dabfusion.training.train_flow_predictor import TrainingOptions, train

TINY = FlowPredictorConfig(64, 4, 4, "pca", (8, 12), (12, 16))
WHOLE = FlowPredictorConfig(64, 3, 4, "first-order", (8, 12), (12, 16), residual=False)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return write_sliding_pack(tmp_path_factory.mktemp("pairs") / "pack", clips=2)


def batch_of(folder, drives=4):
    pack = PairPack(folder)
    return pack.collate([pack.clip(i, np.arange(drives)) for i in range(2)], np.random.default_rng(0), False)


def rotation(angle):
    c, s = np.cos(angle), np.sin(angle)
    return torch.tensor([[c, -s], [s, c]], dtype=torch.float32)


def regions(centre, affine):
    affine = affine[None, None]
    return Regions(torch.tensor(centre)[None, None], affine @ affine.transpose(-1, -2), affine)


def test_principal_axes_rebuild_the_covariance():
    torch.manual_seed(0)
    root = 0.2 * torch.randn(50, 2, 2)
    covariance = root @ root.transpose(-1, -2) + 1e-3 * torch.eye(2)
    axes = principal_axes(covariance)
    assert torch.allclose(axes @ axes.transpose(-1, -2), covariance, atol=2e-4)
    assert (axes[..., 0].norm(dim=-1) >= axes[..., 1].norm(dim=-1) - 1e-6).all()
    assert (torch.linalg.det(axes) > 0).all()


def test_gradient_of_a_round_region_is_finite():
    covariance = (0.01 * torch.eye(2)[None]).requires_grad_()
    principal_axes(covariance).square().sum().backward()
    assert torch.isfinite(covariance.grad).all()


@pytest.mark.parametrize("angle", [0.0, 0.6, -1.1, 1.4])
def test_turned_region_gives_the_turn(angle):
    shape = torch.diag(torch.tensor([0.3, 0.1]))
    reference = rotation(0.4) @ shape
    drive = rotation(0.4 + angle) @ shape
    found = relative_affine(
        regions([0.0, 0.0], principal_axes(reference @ reference.T)),
        regions([0.0, 0.0], principal_axes(drive @ drive.T)),
        False,
    )
    assert torch.allclose(
        found[0, 0], rotation(-angle), atol=1e-3
    )  # backward: from the driving region to the reference


def test_each_region_proposes_its_own_affine_motion():
    turn = rotation(0.3)
    reference, drive = regions([0.2, -0.1], torch.eye(2)), regions([-0.3, 0.4], turn)
    flow = region_flows(reference, drive, 16, signed=True)
    assert flow.shape == (1, 2, 2, 16, 16)
    assert flow[:, 0].abs().max() == 0  # the background stands still
    cells = pixel_grid(16, 16)
    wanted = (
        torch.einsum("ij,jhw->ihw", turn.T, cells - torch.tensor([-0.3, 0.4])[:, None, None])
        + torch.tensor([0.2, -0.1])[:, None, None]
        - cells
    )
    assert torch.allclose(flow[0, 1], wanted, atol=1e-5)


def test_blobs_are_light_at_the_drive_and_dark_at_the_reference():
    spread = 0.1 * torch.eye(2)
    blobs = blob_difference(regions([-0.5, 0.0], spread), regions([0.5, 0.0], spread), 32)[0, 1, 0]
    assert blobs[16, 24] > 0.9 and blobs[16, 8] < -0.9 and abs(blobs[2, 2]) < 1e-3


@pytest.mark.parametrize("config", [TINY, WHOLE])
def test_maps_keep_the_contract(config):
    predictor = build_flow_predictor(config)
    x = torch.rand(2, config.channels, 64, 64)
    maps = predictor(x, x.flip(-1))
    assert maps.flow.shape == (2, 2, 16, 16) and maps.occlusion.shape == maps.matte.shape == (2, 1, 16, 16)
    assert maps.parts.shape == (2, 5, 16, 16) and torch.allclose(maps.parts.sum(1), torch.ones(2, 16, 16), atol=1e-5)
    assert maps.occlusion.min() >= 0 and maps.occlusion.max() <= 1
    if config.channels == 3:
        assert maps.matte.min() == 1  # whole frames have no matte of their own


def test_same_frame_twice_does_not_flow():
    x = torch.rand(1, 4, 64, 64)
    assert build_flow_predictor(TINY)(x, x).flow.abs().max() < 1e-5


def test_unknown_motion_is_refused():
    with pytest.raises(ValueError, match="motion"):
        build_flow_predictor(FlowPredictorConfig(motion="quadratic"))


def test_pairs_carry_the_truth_on_the_predictors_grid(pack):
    batch = batch_of(pack)
    person = frame_pairs(batch, TINY, np.random.default_rng(0))
    assert person.x_ref.shape == (8, 4, 64, 64) and person.flow.shape == (8, 2, 16, 16)
    inside = (person.coverage > 0).expand_as(person.flow)
    wanted = batch.flow.flatten(2).sum(-1) / (batch.coverage.flatten(2) > 0).sum(-1)
    assert torch.allclose(person.flow[inside], wanted[..., None, None].expand_as(person.flow)[inside], atol=1e-3)
    whole = frame_pairs(batch, WHOLE, np.random.default_rng(0))
    assert whole.x_ref.shape == (8, 3, 64, 64) and whole.weight.min() == 1
    behind = (whole.coverage < 0.01).expand_as(whole.flow)
    assert whole.flow[behind].abs().max() == 0
    still = (batch.start[0:1, 3:] == 0) & (batch.drive[0:1, 3:] == 0)
    plate = torch.nn.functional.interpolate(still.float(), (64, 64), mode="area") == 1
    assert torch.allclose(
        (whole.x_ref[0:1] * plate), (whole.x_drive[0:1] * plate), atol=1e-5
    )  # the plate does not move


def test_equivariance_is_zero_for_a_detector_that_follows_the_picture():
    """A detector that takes the centre of brightness follows the picture; one that looks at a fixed place does not."""

    class Centre(torch.nn.Module):
        def forward(self, x):
            grid = pixel_grid(*x.shape[-2:]).flatten(1)
            heat = x[:, :1].flatten(2) / x[:, :1].flatten(2).sum(-1, keepdim=True)
            centre = heat @ grid.T
            away = grid - centre[..., None]
            return Regions(
                centre, torch.einsum("bkn,bkin,bkjn->bkij", heat, away, away), torch.eye(2).expand(len(x), 1, 2, 2)
            )

    class Fixed(torch.nn.Module):
        def forward(self, x):
            return Regions(
                torch.full((len(x), 1, 2), 0.4),
                0.01 * torch.eye(2).expand(len(x), 1, 2, 2),
                torch.eye(2).expand(len(x), 1, 2, 2),
            )

    cells = pixel_grid(64, 64)
    frame = torch.exp(-((cells - torch.tensor([0.1, -0.05])[:, None, None]) ** 2).sum(0) / (2 * 0.15**2))[
        None, None
    ].repeat(8, 1, 1, 1)
    losses = []
    for detector in (Centre(), Fixed()):
        predictor = build_flow_predictor(TINY)
        predictor.detector = detector
        losses.append(float(equivariance_loss(predictor, frame, detector(frame), np.random.default_rng(0))))
    assert losses[0] < 0.02 < losses[1]


def test_exact_mode_learns_below_zero_flow(pack):
    torch.manual_seed(0)
    predictor, pairs = build_flow_predictor(TINY), frame_pairs(batch_of(pack), TINY, np.random.default_rng(0))
    optimiser = torch.optim.Adam(predictor.parameters(), 5e-3)
    for _ in range(60):
        loss, _ = exact_loss(predictor(pairs.x_ref, pairs.x_drive), pairs)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    figures = evaluate(predictor.eval(), PairPack(pack), TINY, clips=2)
    assert figures["still_epe_px"] > 20
    assert figures["epe_px"] < 0.6 * figures["still_epe_px"]
    assert figures["occlusion_accuracy"] > 0.9 and figures["visible_share"] > 0.99


@pytest.mark.parametrize("config", [TINY, WHOLE])
def test_label_free_loss_falls_on_one_batch(pack, config):
    torch.manual_seed(0)
    predictor, generator = build_flow_predictor(config), Generator(4, parts=0, blocks=1)
    pairs = frame_pairs(batch_of(pack, 2), config, np.random.default_rng(0))
    model = torch.nn.ModuleList([predictor, generator])
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    losses = []
    for _ in range(25):
        loss, figures = label_free_step(predictor, generator, pairs, None, 0.5, np.random.default_rng(0))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
    assert set(figures) == {"drawing", "photometric", "equivariance"}
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_training_command_resumes_and_refuses_another_runs_folder(pack, tmp_path, monkeypatch):
    monkeypatch.setitem(train_flow_predictor.PRESETS, "tiny", TINY)
    arguments = [
        "--pairs",
        str(pack),
        "--held-out",
        str(pack),
        "--out",
        str(tmp_path / "run"),
        "--preset",
        "tiny",
        "--mode",
        "exact",
    ]
    arguments += ["--clips", "1", "--drives", "1", "--minutes", "0.02"]
    assert train_flow_predictor.main(arguments) == 0
    steps = int(read_progress(tmp_path / "run")["steps"])
    assert steps >= 1
    assert train_flow_predictor.main(arguments) == 0
    assert read_progress(tmp_path / "run")["steps"] > steps
    held_out = (tmp_path / "run" / "held_out.csv").read_text().splitlines()
    assert held_out[0].split(",")[:4] == ["step", "minutes", "epe_px", "still_epe_px"] and len(held_out) == 3
    with pytest.raises(UserError, match="another"):
        train(pack, tmp_path / "run", WHOLE, TrainingOptions("exact", 0.01))
    with pytest.raises(UserError, match="mode"):
        TrainingOptions("supervised")


def test_a_label_free_run_gives_predictor_and_generator_with_averaged_weights(pack, tmp_path):
    run = tmp_path / "run"
    train(pack, run, WHOLE, TrainingOptions(minutes=1e-6, clips=1, drives=1, generator_channels=4))
    parts = dict(zip(("predictor", "generator"), load_predictor_run(run), strict=True))
    kept = {f"{name}.{k}": v for name, part in parts.items() for k, v in part.state_dict().items()}
    averaged, last = load_file(run / "ema.safetensors"), load_file(run / "last.safetensors")
    assert kept.keys() == averaged.keys() and all(torch.equal(kept[k], v) for k, v in averaged.items())
    assert any(not torch.equal(averaged[k], v) for k, v in last.items())  # the two can be told apart
    for part in parts.values():
        assert not part.training and not any(p.requires_grad for p in part.parameters())
    x = torch.rand(1, 3, 64, 64)
    maps = parts["predictor"](x, x.flip(-1))
    picture = torch.cat([x, torch.ones_like(x[:, :1])], 1)
    assert parts["generator"].decode(parts["generator"].encode(picture), maps).shape == (1, 4, 64, 64)


def test_what_is_no_label_free_run_is_refused(pack, tmp_path):
    with pytest.raises(UserError, match="no run"):
        load_predictor_run(tmp_path)
    exact, broken = tmp_path / "exact", tmp_path / "broken"
    train(pack, exact, TINY, TrainingOptions("exact", 1e-6, clips=1, drives=1))
    with pytest.raises(UserError, match="label-free"):
        load_predictor_run(exact)
    train(pack, broken, TINY, TrainingOptions(minutes=1e-6, clips=1, drives=1, generator_channels=4))
    config = json.loads((broken / "config.json").read_text())
    config["flow_predictor"]["regions"] += 1
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="do not fit"):
        load_predictor_run(broken)
    (broken / "config.json").write_text("{}")
    with pytest.raises(UserError, match="no run"):
        load_predictor_run(broken)


def read_progress(folder):
    return json.loads((folder / "progress.json").read_text())
