"""Frames at twice the size: what is copied comes from the finer picture, what is painted or torn stays as it was."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from dabfusion.fine_frames import enlarge, refine, squeeze, trust
from dabfusion.flow_autoencoder.generator import Drawn
from dabfusion.flow_autoencoder.geometry import crop, pixel_grid

FRAME, FINE = 256, 512
WHOLE = (0, 0, FRAME, FRAME)


def stripes() -> torch.Tensor:
    """An opaque person (1, 4, 512, 512) of stripes one pixel wide: grey to a frame of 256."""
    person = torch.ones(1, 4, FINE, FINE)
    person[:, :3, :, ::2] = 0
    return person


def drawn(gate: float) -> Drawn:
    """What a frame of 256 shows of :func:`stripes`, with painted red under it."""
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(-1, -1, FRAME, FRAME)
    one = torch.ones(1, 1, FRAME, FRAME)
    return Drawn(red, gate * one, one, F.avg_pool2d(stripes(), 2))


def turned(angle: float, size: int = 128) -> torch.Tensor:
    """Flow (1, 2, size, size) of a picture that is turned."""
    grid = pixel_grid(size, size)
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (torch.einsum("ij,jhw->ihw", turn, grid) - grid)[None]


def test_what_is_copied_is_the_finer_picture_itself() -> None:
    fine, window = refine(drawn(1.0), torch.zeros(1, 2, 128, 128), stripes(), WHOLE)
    assert window == (0, 0, FINE, FINE)
    assert torch.allclose(fine.layer, stripes(), atol=1e-4)


def test_what_is_painted_is_only_enlarged() -> None:
    fine, _ = refine(drawn(0.0), torch.zeros(1, 2, 128, 128), stripes(), WHOLE)
    assert torch.equal(fine.layer, enlarge(drawn(0.0).layer))


def test_a_half_open_gate_shows_half_of_the_detail() -> None:
    fine, _ = refine(drawn(0.5), torch.zeros(1, 2, 128, 128), stripes(), WHOLE)
    green = fine.layer[0, 1, 100]
    assert float(green[::2].max()) < 1e-4 and float(green[1::2].min()) == pytest.approx(0.5, abs=1e-4)


def test_a_window_is_the_same_part_of_the_whole() -> None:
    flow = turned(0.3)
    window = (32, 64, 96, 128)
    one = drawn(0.7)
    part = Drawn(*(crop(v, window) for v in (one.painted, one.gate, one.alpha, one.copied)))
    whole, _ = refine(one, flow, stripes(), WHOLE)
    cut, fine = refine(part, flow, stripes(), window)
    assert fine == (64, 128, 192, 256)
    assert torch.allclose(cut.layer[..., 2:-2, 2:-2], crop(whole.layer, fine)[..., 2:-2, 2:-2], atol=1e-5)


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0, math.pi])
def test_turning_squeezes_nothing(angle: float) -> None:
    flow = turned(angle)
    inner = squeeze(flow)[..., 2:-2, 2:-2]
    assert torch.allclose(inner, torch.full_like(inner, 2**0.5), atol=1e-3)
    assert float(trust(flow)[..., 4:-4, 4:-4].min()) == 1


def test_what_is_halved_in_size_or_torn_is_not_trusted() -> None:
    grid = pixel_grid(128, 128)[None]
    assert float(squeeze(grid)[..., 2:-2, 2:-2].mean()) == pytest.approx(2 * 2**0.5, abs=1e-3)
    assert float(trust(grid)[..., 4:-4, 4:-4].max()) < 1e-3
    assert float(trust(-0.5 * grid)[..., 4:-4, 4:-4].min()) == 1  # enlarged: the finer picture is needed most
    torn = torch.zeros(1, 2, 128, 128)
    torn[:, 0, :, 64:] = 0.5
    assert float(trust(torn)[..., 62:66].max()) == 0 and float(trust(torn)[..., :58].min()) == 1


def test_where_the_flow_tears_the_copy_stays_as_it_was() -> None:
    torn = torch.zeros(1, 2, 128, 128)
    torn[:, 0, :, 64:] = 0.5
    fine, _ = refine(drawn(1.0), torn, stripes(), WHOLE)
    assert float((fine.layer[..., 252:260] - enlarge(drawn(1.0).layer)[..., 252:260]).abs().max()) < 1e-5
    assert torch.allclose(fine.layer[..., :200], stripes()[..., :200], atol=1e-4)
