"""Drawings keep their front to the viewer, and dance on."""

from __future__ import annotations

import numpy as np
import torch
from turns import about

from dabfusion.flat_figures import MOST_NODDED, MOST_TURNED, facing_viewer
from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.skeleton import BONES, NUM_BONES, encode_pose, forward_kinematics, rotations_of

HEAD, TRUNK, HIPS, ARM = (BONES.index(name) for name in ("Head", "Spine2", "Hips", "LeftForeArm"))
STANDING = encode_pose(np.tile(np.eye(3), (NUM_BONES, 1, 1)), np.zeros(3))


def whole_body(turns: np.ndarray) -> np.ndarray:
    return encode_pose(np.repeat(turns[:, None], NUM_BONES, 1), np.zeros((len(turns), 3)))


def test_a_spin_becomes_a_sway() -> None:
    angles = np.linspace(-np.pi, np.pi, 200)
    front = rotations_of(facing_viewer(whole_body(about(1, angles)), STANDING))[..., 2]  # (T, 19, 3)
    turned = np.arctan2(front[..., 0], front[..., 2])
    np.testing.assert_allclose(turned, np.tile(MOST_TURNED * np.sin(angles)[:, None], (1, NUM_BONES)), atol=1e-5)
    assert np.abs(np.diff(turned, axis=0)).max() < 0.01  # nowhere a jump, not even where the back would be seen


def test_the_head_hardly_nods_and_the_trunk_bends_as_it_did() -> None:
    codes = whole_body(about(0, np.linspace(-0.9, 0.9, 50)))
    before, after = rotations_of(codes), rotations_of(facing_viewer(codes, STANDING))
    assert np.abs(np.arcsin(after[:, HEAD, 1, 2])).max() <= MOST_NODDED + 1e-6
    np.testing.assert_allclose(after[:, [HIPS, TRUNK, ARM]], before[:, [HIPS, TRUNK, ARM]], atol=1e-5)


def test_the_figures_own_turn_stays() -> None:
    own = whole_body(about(1, np.array([0.6])))[0]
    np.testing.assert_allclose(facing_viewer(own[None], own)[0], own, atol=1e-6)
    twice = facing_viewer(whole_body(about(1, np.array([0.6 + np.pi / 2]))), own)
    front = rotations_of(twice)[0, TRUNK, :, 2]
    np.testing.assert_allclose(np.arctan2(front[0], front[2]), 0.6 + MOST_TURNED, atol=1e-5)


def test_what_happens_in_the_plane_is_left_alone() -> None:
    rng = np.random.default_rng(0)
    turns = np.tile(np.eye(3), (30, NUM_BONES, 1, 1))
    turns[:, ARM] = about(2, rng.uniform(-2, 2, 30))
    codes = encode_pose(turns, rng.normal(0, 0.2, (30, 3)))
    np.testing.assert_allclose(facing_viewer(codes, STANDING), codes, atol=1e-6)
    body, hips = mean_body()[None], torch.zeros(1, 3)
    lifted = forward_kinematics(torch.from_numpy(facing_viewer(codes, STANDING)), body, hips)[:, ARM + 1]
    assert float(lifted.std(0).max()) > 0.1  # the hand moves
