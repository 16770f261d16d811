"""A head's flow is made affine; everything else stays as it was decoded."""

from __future__ import annotations

import pytest
import torch

from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import pixel_grid
from dabfusion.flow_autoencoder.stiff_head import affine_fit, with_stiff_head
from dabfusion.skeleton import BONES, NUM_BONES

HEAD, SIZE = BONES.index("Head"), 32


def affine() -> torch.Tensor:
    """A turn by some degrees with a shift, as flow (1, 2, 32, 32)."""
    slope = torch.tensor([[0.1, -0.3], [0.25, -0.05]])
    return (torch.einsum("ij,jhw->ihw", slope, pixel_grid(SIZE, SIZE)) + torch.tensor([0.2, -0.1])[:, None, None])[None]


def bent_maps(shown: float = 1.0) -> FlowMaps:
    """An affine flow with a bend in it, two people with the head in the upper half."""
    parts = torch.zeros(2, NUM_BONES, SIZE, SIZE)
    parts[:, HEAD, :16, 8:24] = 1
    parts[:, 0, 16:, 8:24] = 1
    bend = 0.05 * torch.sin(9 * pixel_grid(SIZE, SIZE))[None]
    ones = torch.ones(2, 1, SIZE, SIZE)
    return FlowMaps((affine() + bend).repeat(2, 1, 1, 1), shown * ones, ones, parts)


def test_an_affine_flow_is_found_again_whatever_lies_outside_the_weight() -> None:
    weight = torch.zeros(1, 1, SIZE, SIZE)
    weight[..., 3:20, 5:25] = 0.7
    spoilt = torch.where(weight > 0, affine(), torch.full_like(affine(), 9.0))
    torch.testing.assert_close(affine_fit(spoilt, weight), affine(), atol=2e-4, rtol=0)


def test_a_bent_head_is_straightened_and_the_body_is_not_touched() -> None:
    before = bent_maps()
    after = with_stiff_head(before).flow
    head = before.parts[0, HEAD] > 0 if before.parts is not None else None
    assert head is not None
    error = (after - affine()).abs()[:, :, head].amax()
    assert error < 0.6 * (before.flow - affine()).abs()[:, :, head].amax()
    gaps = (after[..., 1:] - after[..., :-1])[:, :, 2:14, 9:22]
    torch.testing.assert_close(gaps, gaps[..., :1, :1].expand_as(gaps), atol=1e-4, rtol=0)  # affine: even steps
    torch.testing.assert_close(after[:, :, ~head], before.flow[:, :, ~head])


def test_a_head_that_the_photo_does_not_show_stays_as_it_was_decoded() -> None:
    before = bent_maps(shown=0.0)
    torch.testing.assert_close(with_stiff_head(before).flow, before.flow)


def test_under_autocast_it_is_as_exact() -> None:
    before = bent_maps()
    with torch.autocast("cpu", torch.bfloat16):
        there = with_stiff_head(before).flow
    torch.testing.assert_close(there, with_stiff_head(before).flow, atol=1e-5, rtol=0)


def test_maps_without_parts_are_refused() -> None:
    ones = torch.ones(1, 1, SIZE, SIZE)
    with pytest.raises(ValueError, match="parts"):
        with_stiff_head(FlowMaps(affine(), ones, ones))
