"""Dancers keep to the viewer what the photo shows, and dance on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from turns import about

from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.known_front import DRAWING, PERSON, Freedom, facing_viewer, limited
from dabfusion.skeleton import BONES, NUM_BONES, encode_pose, forward_kinematics, rotations_of

HEAD, TRUNK, HIPS, ARM = (BONES.index(name) for name in ("Head", "Spine2", "Hips", "LeftForeArm"))
STANDING = encode_pose(np.tile(np.eye(3), (NUM_BONES, 1, 1)), np.zeros(3))
both = pytest.mark.parametrize("freedom", [PERSON, DRAWING])


def whole_body(turns: np.ndarray) -> np.ndarray:
    return encode_pose(np.repeat(turns[:, None], NUM_BONES, 1), np.zeros((len(turns), 3)))


def turned(codes: np.ndarray, bone: int) -> np.ndarray:
    """Where a bone's front points, seen from above: (T,) radians."""
    front = rotations_of(codes)[:, bone, :, 2]
    return np.arctan2(front[:, 0], front[:, 2])


@both
def test_a_spin_becomes_a_sway(freedom: Freedom) -> None:
    angles = np.linspace(-np.pi, np.pi, 200)
    codes = facing_viewer(whole_body(about(1, angles)), STANDING, freedom)
    for bone, limit in ((HIPS, freedom.body), (TRUNK, freedom.body), (ARM, freedom.body), (HEAD, freedom.head)):
        turn = turned(codes, bone)
        np.testing.assert_allclose(turn, limited(angles, limit), atol=1e-5)
        assert np.abs(turn).max() <= limit.most
        assert np.abs(np.diff(turn)).max() < 0.04  # nowhere a leap, not even where the back would be seen


def test_a_person_turns_as_they_danced_as_long_as_it_is_little() -> None:
    small = np.linspace(-0.08, 0.08, 9)
    np.testing.assert_allclose(
        turned(facing_viewer(whole_body(about(1, small)), STANDING, PERSON), TRUNK), small, atol=2e-3
    )
    swayed = turned(facing_viewer(whole_body(about(1, small)), STANDING, DRAWING), TRUNK)
    assert np.abs(swayed).max() < 0.4 * np.abs(small).max()


@both
def test_the_head_hardly_nods_and_the_trunk_bends_as_it_did(freedom: Freedom) -> None:
    codes = whole_body(about(0, np.linspace(-0.9, 0.9, 50)))
    before, after = rotations_of(codes), rotations_of(facing_viewer(codes, STANDING, freedom))
    assert np.abs(np.arcsin(after[:, HEAD, 1, 2])).max() <= freedom.nod.most + 1e-6
    np.testing.assert_allclose(after[:, [HIPS, TRUNK, ARM]], before[:, [HIPS, TRUNK, ARM]], atol=1e-5)


@both
def test_the_dancers_own_turn_stays(freedom: Freedom) -> None:
    own = whole_body(about(1, np.array([0.6])))[0]
    np.testing.assert_allclose(facing_viewer(own[None], own, freedom)[0], own, atol=1e-6)
    further = facing_viewer(whole_body(about(1, np.array([0.6 + np.pi / 2]))), own, freedom)
    np.testing.assert_allclose(turned(further, TRUNK), 0.6 + limited(np.array([np.pi / 2]), freedom.body), atol=1e-5)


def test_a_deep_bow_that_passes_the_floor_makes_no_leap() -> None:
    bow = about(1, np.full(120, 0.3)) @ about(0, np.linspace(0, 2.4, 120))  # to 137 degrees, face to the shins
    after = rotations_of(facing_viewer(whole_body(bow), STANDING, PERSON))
    step = np.swapaxes(after[:-1], -1, -2) @ after[1:]
    angle = np.arccos(((np.trace(step, axis1=-2, axis2=-1) - 1) / 2).clip(-1, 1))
    assert angle.max() < 0.05


@both
def test_what_happens_in_the_plane_is_left_alone(freedom: Freedom) -> None:
    rng = np.random.default_rng(0)
    turns = np.tile(np.eye(3), (30, NUM_BONES, 1, 1))
    turns[:, ARM] = about(2, rng.uniform(-2, 2, 30))
    turns[:, HEAD] = about(2, rng.uniform(-0.05, 0.05, 30))
    codes = encode_pose(turns, rng.normal(0, 0.2, (30, 3)))
    after = facing_viewer(codes, STANDING, freedom)
    np.testing.assert_allclose(after, codes, atol=1e-3)
    body, hips = mean_body()[None], torch.zeros(1, 3)
    lifted = forward_kinematics(torch.from_numpy(after), body, hips)[:, ARM + 1]
    assert float(lifted.std(0).max()) > 0.1  # the hand moves


@both
def test_a_head_that_was_read_as_tilted_stays_near_its_tilt(freedom: Freedom) -> None:
    own = whole_body(about(2, np.array([0.7])))[0]
    after = rotations_of(facing_viewer(whole_body(about(2, np.linspace(-0.7, 0.7, 20))), own, freedom))[:, HEAD]
    tilt = np.arctan2(after[:, 1, 0], after[:, 1, 1])
    assert (np.abs(tilt - 0.7) <= freedom.tilt.most + 1e-6).all()
    assert tilt.min() < 0.7 - 0.8 * freedom.tilt.most  # it does move


@both
def test_a_nod_is_a_nod_wherever_the_head_has_turned(freedom: Freedom) -> None:
    nodding = about(1, np.full(40, 1.2)) @ about(0, np.linspace(-0.9, 0.9, 40))
    front = rotations_of(facing_viewer(whole_body(nodding), STANDING, freedom))[:, HEAD, :, 2]
    np.testing.assert_allclose(np.arcsin(front[:, 1]), -limited(np.linspace(-0.9, 0.9, 40), freedom.nod), atol=1e-4)
