"""Warping and the ellipsoid body against truths that need no model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.flow_autoencoder.capsules import propose, start_surface
from dabfusion.flow_autoencoder.geometry import crop, extend_flow, pixel_grid, scale_window, warp, warp_visible
from dabfusion.skeleton import (
    CODE_SIZE,
    MIRRORED,
    encode_pose,
    forward_kinematics,
    leg_length,
    mirror_rotation,
    quaternion_to_matrix,
    rotation_from_6d,
)
from dabfusion.studio.figure import procedural_figure
from dabfusion.training.pairs import mirror_code

POINT_MIRROR = [*MIRRORED, 19, 21, 20, 23, 22]


def random_code(seed: int, amount: float = 0.5) -> torch.Tensor:
    """A pose (117,) of random turns by about ``amount`` radians."""
    rng = np.random.default_rng(seed)
    quaternion = np.concatenate([rng.normal(0, amount / 2, (19, 3)), np.ones((19, 1))], -1)
    return torch.from_numpy(encode_pose(quaternion_to_matrix(quaternion), rng.normal(0, 0.2, 3)))


def standing_body(code: torch.Tensor | None = None) -> Body:
    """The procedural figure in the frame, its hips at the centre; one person."""
    offsets = torch.from_numpy(procedural_figure().offsets)[None] * 0.8
    if code is None:
        code = torch.from_numpy(encode_pose(np.tile(np.eye(3), (19, 1, 1)), np.zeros(3)))
    code = code[None].clone()
    code[:, -3:] = 0
    placed = forward_kinematics(code, offsets, torch.zeros(1, 3))
    return Body(placed[..., :2] * torch.tensor([1.0, -1.0]), code, offsets)


def test_identity_flow_returns_the_input():
    picture = torch.rand(2, 3, 24, 32)
    assert torch.allclose(warp(picture, torch.zeros(2, 2, 6, 8)), picture, atol=1e-5)


@pytest.mark.parametrize(("right", "down"), [(3, 0), (0, 5), (-4, 2)])
def test_flow_of_a_translated_picture_is_the_translation(right, down):
    picture = torch.rand(1, 3, 32, 40)
    moved = torch.roll(picture, (down, right), (2, 3))  # content moves right and down; it came from the left and above
    flow = torch.tensor([-2 * right / 40, -2 * down / 32])[None, :, None, None].expand(1, 2, 32, 40)
    inside = (slice(None), slice(None), slice(6, -6), slice(6, -6))
    assert torch.allclose(warp(picture, flow)[inside], moved[inside], atol=1e-5)


def test_nothing_comes_from_outside_the_frame():
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0] = 3.0
    assert warp(torch.ones(1, 1, 8, 8), flow).abs().max() == 0


def test_warp_of_a_window_is_the_window_of_the_warp():
    picture, flow = torch.rand(1, 3, 32, 32), 0.2 * torch.randn(1, 2, 8, 8)
    window = (8, 4, 12, 20)
    assert torch.allclose(warp(picture, flow, window), crop(warp(picture, flow), window), atol=1e-6)


def test_occlusion_multiplies_what_is_warped():
    picture, flow = torch.rand(1, 3, 16, 16), 0.1 * torch.randn(1, 2, 4, 4)
    shown = torch.zeros(1, 1, 4, 4)
    shown[..., 2:] = 1
    masked = warp_visible(picture, flow, shown)
    assert masked[..., :4].abs().max() == 0
    assert torch.allclose(masked[..., 12:], warp(picture, flow)[..., 12:])


def test_windows_must_fit_the_coarser_grid():
    assert scale_window((8, 16, 32, 64), 4) == (2, 4, 8, 16)
    with pytest.raises(ValueError, match="aligned"):
        scale_window((8, 6, 32, 64), 4)


def test_extend_flow_keeps_what_is_known_and_reaches_outwards():
    flow, weight = torch.randn(1, 2, 16, 16), torch.zeros(1, 1, 16, 16)
    weight[..., 6:9, 5:12] = 0.4
    known = (weight > 0).expand_as(flow)
    flow = flow * known
    out = extend_flow(flow, weight, steps=2)
    assert torch.equal(out[known], flow[known])
    assert out[..., 4:11, 3:14].abs().amin(1).min() > 0  # two cells further in each direction
    assert out[..., 0:3, :].abs().max() == 0


def test_extending_a_constant_flow_continues_it():
    weight = torch.zeros(1, 1, 12, 12)
    weight[..., 5:7, 5:7] = 1
    flow = torch.tensor([0.3, -0.2])[None, :, None, None] * weight
    out = extend_flow(flow, weight, steps=3)
    reached = out.abs().sum(1) > 0
    assert reached.sum() == 8 * 8
    assert torch.allclose(out[:, 0][reached], torch.tensor(0.3), atol=1e-6)


def test_pixel_grid_is_where_grid_sample_looks():
    x, y = pixel_grid(2, 4)
    assert torch.allclose(x[0], torch.tensor([-0.75, -0.25, 0.25, 0.75]))
    assert torch.allclose(y[:, 0], torch.tensor([-0.5, 0.5]))


def test_rotation_survives_the_six_numbers():
    code = random_code(3)
    matrix = rotation_from_6d(code[:-3].unflatten(0, (19, 6)))
    assert torch.allclose(matrix @ matrix.transpose(-1, -2), torch.eye(3).expand(19, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(matrix), torch.ones(19), atol=1e-5)
    again = torch.from_numpy(encode_pose(matrix.numpy(), code[-3:].numpy()))
    assert torch.allclose(again, code, atol=1e-5)


def test_kinematics_of_the_t_pose_are_the_rest_joints():
    figure = procedural_figure()
    code = torch.from_numpy(encode_pose(np.tile(np.eye(3), (19, 1, 1)), np.zeros(3)))
    placed = forward_kinematics(code, torch.from_numpy(figure.offsets), torch.from_numpy(figure.joints[0]))
    assert np.allclose(placed.numpy(), figure.joints, atol=1e-5)


def test_hip_displacement_is_in_leg_lengths():
    body = standing_body()
    code = body.code.clone()
    code[:, -3:] = torch.tensor([0.5, -0.25, 0.1])
    shift = (
        forward_kinematics(code, body.offsets, body.hips) - forward_kinematics(body.code, body.offsets, body.hips)
    )[0]
    assert torch.allclose(shift, leg_length(body.offsets) * torch.tensor([0.5, -0.25, 0.1]), atol=1e-5)


def test_mirrored_code_is_the_mirror_image_of_the_body():
    code, body = random_code(5), standing_body()
    flip = torch.tensor([-1.0, 1.0, 1.0])
    placed = forward_kinematics(code, body.offsets[0], torch.zeros(3))
    mirrored = forward_kinematics(mirror_code(code), body.offsets[0, POINT_MIRROR] * flip, torch.zeros(3))
    assert torch.allclose(mirrored, placed[POINT_MIRROR] * flip, atol=1e-5)
    assert torch.allclose(mirror_code(mirror_code(code)), code, atol=1e-6)


def test_mirrored_code_agrees_with_mirrored_rotations():
    code = random_code(8)
    matrix = rotation_from_6d(code[:-3].unflatten(0, (19, 6))).numpy()
    wanted = encode_pose(mirror_rotation(matrix), code[-3:].numpy() * [-1, 1, 1])
    assert np.allclose(mirror_code(code).numpy(), wanted, atol=1e-5)
    assert code.shape == (CODE_SIZE,)


def test_ellipsoids_of_an_unmoved_body_propose_no_flow():
    body = standing_body(random_code(2, 0.3))
    proposal = propose(body, body.code, 32)
    on_body = proposal.hit > 0.7
    assert on_body.sum() > 50
    assert proposal.flows.abs().amax(2)[on_body].max() < 1e-4


def test_ellipsoids_of_a_shifted_body_propose_the_shift():
    body = standing_body()
    code = body.code.clone()
    code[:, -3] = 0.3  # to the right of the picture
    proposal = propose(body, code, 32)
    on_body = proposal.hit > 0.7
    shift = 0.3 * float(leg_length(body.offsets)[0])
    assert torch.allclose(proposal.flows[:, :, 0][on_body], torch.tensor(-shift), atol=1e-4)
    assert proposal.flows[:, :, 1][on_body].abs().max() < 1e-4


def test_a_turned_body_shows_its_back():
    body = standing_body()
    half_turn = np.tile(np.diag([-1.0, 1.0, -1.0]), (19, 1, 1))
    proposal = propose(body, torch.from_numpy(encode_pose(half_turn, np.zeros(3)))[None], 32)
    inside = proposal.hit[:, 1] > 0.7  # the trunk
    assert inside.any()
    assert proposal.front[:, 1][inside].max() < 0.2
    assert propose(body, body.code, 32).front[:, 1][inside].median() > 0.5


def test_the_surface_is_where_the_body_is():
    surface = start_surface(standing_body(), 32)[0, 0]
    assert surface[16, 16] > 0  # the hips' front
    assert surface[0, 0] == -1
