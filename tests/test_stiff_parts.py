"""The flow of heads and limbs is made affine; everything else stays as it was decoded."""

from __future__ import annotations

import pytest
import torch

from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import pixel_grid
from dabfusion.flow_autoencoder.stiff_parts import affine_fits, with_stiff_parts
from dabfusion.skeleton import BONES, NUM_BONES

HEAD, SHIN, SIZE = BONES.index("Head"), BONES.index("LeftLeg"), 32
SLOPE = torch.tensor([[0.1, -0.3], [0.25, -0.05]])
SHIFT = torch.tensor([0.2, -0.1])


def affine() -> torch.Tensor:
    """A turn by some degrees with a shift, as flow (1, 2, 32, 32)."""
    return (torch.einsum("ij,jhw->ihw", SLOPE, pixel_grid(SIZE, SIZE)) + SHIFT[:, None, None])[None]


def bent_maps(bone: int = HEAD, shown: float = 1.0) -> FlowMaps:
    """An affine flow with a bend in it, two people with the bone in the upper half and the hips in the lower."""
    parts = torch.zeros(2, NUM_BONES, SIZE, SIZE)
    parts[:, bone, :16, 8:24] = 1
    parts[:, 0, 16:, 8:24] = 1
    bend = 0.05 * torch.sin(9 * pixel_grid(SIZE, SIZE))[None]
    ones = torch.ones(2, 1, SIZE, SIZE)
    return FlowMaps((affine() + bend).repeat(2, 1, 1, 1), shown * ones, ones, parts)


def test_each_part_finds_its_affine_flow_whatever_the_others_do() -> None:
    weight = torch.zeros(1, 2, SIZE, SIZE)
    weight[0, 0, 3:15, 5:25], weight[0, 1, 20:29, 12:20] = 0.7, 0.2
    flow = torch.full_like(affine(), 9.0)  # between them
    flow = torch.where(weight[:, :1] > 0, affine(), torch.where(weight[:, 1:] > 0, 2 * affine(), flow))
    found = affine_fits(flow, weight)[0].float()
    once = torch.cat([SHIFT[:, None], SLOPE], 1)
    torch.testing.assert_close(found, torch.stack([once, 2 * once]), atol=3e-3, rtol=0)


@pytest.mark.parametrize("bone", [HEAD, SHIN])
def test_a_bent_part_is_straightened_and_the_trunk_is_not_touched(bone: int) -> None:
    before = bent_maps(bone)
    after = with_stiff_parts(before).flow
    part = before.parts[0, bone] > 0 if before.parts is not None else None
    assert part is not None
    error = (after - affine()).abs()[:, :, part].amax()
    assert error < 0.6 * (before.flow - affine()).abs()[:, :, part].amax()
    gaps = (after[..., 1:] - after[..., :-1])[:, :, 2:14, 9:22]
    torch.testing.assert_close(gaps, gaps[..., :1, :1].expand_as(gaps), atol=1e-4, rtol=0)  # affine: even steps
    torch.testing.assert_close(after[:, :, ~part], before.flow[:, :, ~part])


def test_a_drawings_trunk_is_one_piece() -> None:
    before = bent_maps()
    assert before.parts is not None
    trunk = before.parts[0, 0] > 0
    before.parts[:, 0, 16:, 8:16], before.parts[:, BONES.index("Spine2"), 16:, 8:16] = 0, 1  # two bones, one piece
    after = with_stiff_parts(before, flat=True).flow
    gaps = (after[..., 1:] - after[..., :-1])[:, :, 18:30, 9:22]
    torch.testing.assert_close(gaps, gaps[..., :1, :1].expand_as(gaps), atol=1e-4, rtol=0)
    off = trunk | (before.parts[0, HEAD] > 0)
    torch.testing.assert_close(after[:, :, ~off], before.flow[:, :, ~off])


def test_a_part_that_the_photo_does_not_show_stays_as_it_was_decoded() -> None:
    before = bent_maps(shown=0.0)
    torch.testing.assert_close(with_stiff_parts(before).flow, before.flow)


def test_under_autocast_it_is_as_exact() -> None:
    before = bent_maps()
    with torch.autocast("cpu", torch.bfloat16):
        there = with_stiff_parts(before).flow
    torch.testing.assert_close(there, with_stiff_parts(before).flow, atol=1e-5, rtol=0)


def test_maps_without_parts_are_refused() -> None:
    ones = torch.ones(1, 1, SIZE, SIZE)
    with pytest.raises(ValueError, match="Parts"):
        with_stiff_parts(FlowMaps(affine(), ones, ones))
