"""Stage 2: denoisers, guidance, sampling, losses, and a tiny model trained and sampled end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dabfusion.config import CODE_FPS
from dabfusion.errors import Cancelled, CheckpointError
from dabfusion.flow_diffusion import Condition, FlowDiffusion, FlowDiffusionConfig, build_flow_diffusion
from dabfusion.flow_diffusion.loss import CodeLoss, LossWeights, noise_loss, snr_weight
from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.flow_diffusion.model import WEIGHTS_FILE
from dabfusion.flow_diffusion.normalise import CodeNormaliser, proper_codes
from dabfusion.flow_diffusion.sampling import add_noise, guided, sample, seeded_noise, signal_shares
from dabfusion.flow_diffusion.unet3d import UNet3d, UNet3dConfig
from dabfusion.skeleton import CODE_SIZE, encode_pose, leg_length

TINY = FlowDiffusionConfig(("house", "krump"), width=32, depth=2, heads=2, window=12)
TINY_UNET = UNet3dConfig(maps=3, latent=4, music_size=5, width=8, multiples=(1, 2), heads=2, head_size=8, groups=4)


def condition(windows: int, frames: int) -> Condition:
    g = torch.Generator().manual_seed(3)
    return Condition.given(
        torch.randn(windows, CODE_SIZE, generator=g),
        torch.ones(windows, dtype=torch.bool),
        torch.randn(windows, frames, 16, generator=g),
        torch.zeros(windows, dtype=torch.long),
    )


def awake(model: FlowDiffusion) -> FlowDiffusion:
    """The model with its zero-started layers moved, so that every input can reach the output."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


@pytest.mark.parametrize("frames", [7, 12, 30])
def test_denoiser_takes_windows_of_any_length(frames: int) -> None:
    model = build_flow_diffusion(TINY)
    out = model(torch.randn(3, frames, CODE_SIZE), torch.tensor([0, 500, 999]), condition(3, frames))
    assert out.shape == (3, frames, CODE_SIZE)
    assert torch.isfinite(out).all()


def test_hidden_conditions_do_not_reach_the_output() -> None:
    model = awake(build_flow_diffusion(TINY))
    x, t = torch.randn(1, 12, CODE_SIZE), torch.tensor([300])
    one = condition(1, 12)
    other = Condition.given(one.start + 1, one.at_start, one.music + 1, one.style + 1)
    blind = [c.without(model.no_style, start=True) for c in (one, other)]
    torch.testing.assert_close(model(x, t, blind[0]), model(x, t, blind[1]))
    for hide in ("music", "style", "start"):
        kept = {"music": False, "style": False, "start": False, hide: True}
        changed = (model(x, t, one) - model(x, t, one.without(model.no_style, **kept))).abs().max()
        assert changed > 1e-4, hide


def test_dropping_hides_each_condition_independently_at_its_rate() -> None:
    many = condition(4000, 1)
    dropped = many.dropped(2, 0.1, torch.Generator().manual_seed(0))
    hidden = torch.stack([~dropped.has_start, ~dropped.has_music, dropped.style == 2]).float()
    assert ((hidden.mean(1) - 0.1).abs() < 0.02).all()
    assert abs(float((hidden[0] * hidden[1]).mean()) - 0.01) < 0.006


def test_guidance_goes_past_the_condition_by_its_scale() -> None:
    told, untold = torch.tensor([3.0]), torch.tensor([1.0])
    assert guided(told, untold, 1.0) == 3.0
    assert guided(told, untold, 0.0) == 1.0
    assert guided(told, untold, 2.5) == 6.0


def test_guided_denoiser_combines_told_and_untold_passes() -> None:
    model = awake(build_flow_diffusion(TINY))
    c, x, t = condition(2, 9), torch.randn(2, 9, CODE_SIZE), torch.full((2,), 400.0)
    told, untold = model(x, t, c), model(x, t, c.without(model.no_style))
    torch.testing.assert_close(model.guided_denoiser(c, 3.0)(x, 400.0), 3 * told - 2 * untold, atol=1e-4, rtol=1e-4)


def test_style_is_guided_apart_from_the_music_where_there_is_one() -> None:
    model = awake(build_flow_diffusion(TINY))
    c, x, t = condition(2, 9), torch.randn(2, 9, CODE_SIZE), torch.full((2,), 400.0)
    heard = model(x, t, c.without(model.no_style, music=False))
    told, untold = model(x, t, c), model(x, t, c.without(model.no_style))
    expected = untold + 2 * (heard - untold) + 5 * (told - heard)
    torch.testing.assert_close(model.guided_denoiser(c, 2.0, 5.0)(x, 400.0), expected, atol=1e-4, rtol=1e-4)
    auto = c.without(model.no_style, music=False)
    usual = model.guided_denoiser(auto, 2.0)(x, 400.0)
    torch.testing.assert_close(model.guided_denoiser(auto, 2.0, 5.0)(x, 400.0), usual)


@pytest.mark.parametrize("steps", [10, 20, 50])
@pytest.mark.parametrize("predicts", ["sample", "epsilon"])
def test_sampler_recovers_a_gaussian_with_its_exact_denoiser(steps: int, predicts: str) -> None:
    mean, std = 1.5, 0.4
    abar = signal_shares()

    def exact(x: torch.Tensor, t: float) -> torch.Tensor:
        a = abar[int(t)]
        x0 = mean + std**2 * a.sqrt() / (a * std**2 + 1 - a) * (x - a.sqrt() * mean)
        return x0 if predicts == "sample" else (x - a.sqrt() * x0) / (1 - a).sqrt()

    drawn = sample(exact, seeded_noise((20_000,), 0)[None, None], steps, predicts=predicts)
    assert abs(drawn.mean() - mean) < 0.02
    assert abs(drawn.std() - std) < (0.06 if steps == 10 else 0.03)


def test_dynamic_thresholding_bounds_what_a_wild_denoiser_says() -> None:
    noise = seeded_noise((1, 3, 4, 8, 8), 0)
    wild = sample(lambda x, t: x * 0 + 5 * noise.sign(), noise, 10, threshold=0.9)
    tame = sample(lambda x, t: x * 0 + 0.5 * noise.sign(), noise, 10, threshold=0.9)
    assert wild.abs().max() <= 1.0 + 1e-5
    torch.testing.assert_close(tame, 0.5 * noise.sign(), atol=1e-4, rtol=1e-3)


def test_sampler_reports_progress_and_stops_when_told() -> None:
    seen: list[tuple[int, int]] = []
    sample(lambda x, t: x * 0, torch.randn(1, 2, 3), 5, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 5) for k in range(1, 6)]
    with pytest.raises(Cancelled):
        sample(lambda x, t: x * 0, torch.randn(1, 2, 3), 5, should_stop=lambda: True)


@pytest.mark.parametrize("steps", [0, 1001])
def test_sampler_refuses_impossible_step_counts(steps: int) -> None:
    with pytest.raises(ValueError, match="steps"):
        sample(lambda x, t: x, torch.randn(1, 2, 3), steps)


def test_normaliser_is_undone_exactly_and_centres() -> None:
    codes = torch.randn(500, CODE_SIZE) * 0.5 + 2
    normaliser = CodeNormaliser()
    normaliser.fit(codes)
    assert normaliser(codes).mean(0).abs().max() < 1e-4
    assert (normaliser(codes).std(0) - 1).abs().max() < 1e-3
    torch.testing.assert_close(normaliser.undo(normaliser(codes)), codes)


def test_proper_codes_are_rotations_and_leave_rotations_alone() -> None:
    six = proper_codes(torch.randn(4, CODE_SIZE))[:, :114].reshape(4, 19, 2, 3)
    gram = six @ six.transpose(-1, -2)
    torch.testing.assert_close(gram, torch.eye(2).expand_as(gram), atol=1e-5, rtol=0)
    again = proper_codes(torch.cat([six.reshape(4, 114), torch.zeros(4, 3)], -1))
    torch.testing.assert_close(again[:, :114], six.reshape(4, 114), atol=1e-5, rtol=0)


def test_mean_body_is_one_leg_long_and_symmetric() -> None:
    body = mean_body()
    assert leg_length(body) == pytest.approx(1.0)
    left, right = body[[5, 6, 7, 8, 13, 14, 15, 20, 22]], body[[9, 10, 11, 12, 16, 17, 18, 21, 23]]
    torch.testing.assert_close(left * torch.tensor([-1.0, 1, 1]), right)


def test_code_loss_knows_truth_and_sees_a_sliding_foot() -> None:
    still = torch.from_numpy(encode_pose(np.tile(np.eye(3), (1, 10, 19, 1, 1)), np.zeros((1, 10, 3))))
    loss = CodeLoss(mean_body(), CODE_FPS, LossWeights())
    ones, zeros = torch.ones(CODE_SIZE), torch.zeros(CODE_SIZE)
    assert loss(still, still, ones, zeros, torch.ones(1)).total == pytest.approx(0.0, abs=1e-9)
    sliding = still.clone()
    sliding[..., -3] = torch.arange(10) * 0.1  # leg lengths a frame: 1.5 a second
    found = loss(sliding, still, ones, zeros, torch.ones(1))
    assert found.contact == pytest.approx(1.5**2 / 3, rel=1e-3)
    assert found.position == pytest.approx(12 * 0.285 / 3, rel=1e-3)


def test_snr_weights_fall_with_noise_and_stay_clipped() -> None:
    weight = snr_weight(signal_shares(), torch.tensor([0, 300, 500, 999]))
    assert weight[0] == 5 and weight[3] == pytest.approx(0.25)
    assert weight[0] >= weight[1] > weight[2] > weight[3]


def test_a_saved_model_loads_strictly_and_equal(tmp_path: Path) -> None:
    model = awake(build_flow_diffusion(TINY))
    model.save(tmp_path, {"steps": 1})
    loaded = FlowDiffusion.load(tmp_path)
    assert loaded.config == TINY
    x, t, c = torch.randn(1, 5, CODE_SIZE), torch.tensor([10]), condition(1, 5)
    torch.testing.assert_close(loaded(x, t, c), model(x, t, c))
    (tmp_path / WEIGHTS_FILE).unlink()
    with pytest.raises(CheckpointError, match="missing"):
        FlowDiffusion.load(tmp_path)


def test_unet_keeps_shapes_and_hides_music() -> None:
    torch.manual_seed(0)
    net = UNet3d(TINY_UNET)
    a, z0 = torch.randn(2, 3, 4, 8, 8), torch.randn(2, 4, 8, 8)
    t, music = torch.tensor([1, 900]), torch.randn(2, 4, 5)
    shown, hidden = torch.tensor([True, True]), torch.tensor([False, False])
    out = net(a, t, z0, music, shown)
    assert out.shape == a.shape
    assert (out - net(a, t, z0, music + 1, shown)).abs().max() > 1e-5
    assert (out - net(a, t, z0 + 1, music, shown)).abs().max() > 1e-5
    torch.testing.assert_close(net(a, t, z0, music, hidden), net(a, t, z0, music + 1, hidden))
    with pytest.raises(ValueError, match="multiples"):
        net(a[..., :7], t, z0[..., :7], music, shown)


def test_unet_learns_to_predict_the_noise_of_one_clip() -> None:
    torch.manual_seed(0)
    net, abar = UNet3d(TINY_UNET), signal_shares()
    a0, z0 = torch.randn(1, 3, 2, 4, 4).tanh().expand(8, -1, -1, -1, -1), torch.randn(1, 4, 4, 4).expand(8, -1, -1, -1)
    music, shown = torch.zeros(8, 2, 5), torch.ones(8, dtype=torch.bool)
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    losses = []
    for _ in range(40):
        t, noise = torch.randint(300, 1000, (8,)), torch.randn_like(a0)
        loss = noise_loss(net(add_noise(a0, noise, t, abar), t, z0, music, shown), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])


def test_whole_bodies_at_rest_are_held_to_it() -> None:
    """A drift of the whole body costs where the truth stands still, and not as unrest where it moves."""
    still = torch.zeros(1, 30, CODE_SIZE)
    still[..., :114] = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(19)
    moving, drift = still.clone(), torch.zeros_like(still)
    moving[..., -3], drift[..., -3] = torch.linspace(0, 3, 30), torch.linspace(0, 1, 30)
    loss = CodeLoss(mean_body(), CODE_FPS, LossWeights())
    one, zero = torch.ones(CODE_SIZE), torch.zeros(CODE_SIZE)
    rests = [loss(x + drift, x, one, zero, torch.ones(1)).rest.item() for x in (still, moving)]
    assert rests[0] > 0.05 and rests[1] == 0
