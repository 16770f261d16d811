"""Arms keep the side to the viewer that the photo shows, and go where they went."""

from __future__ import annotations

import numpy as np
import torch
from turns import about

from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.shown_side import with_shown_side
from dabfusion.skeleton import BONES, CARRIER, NUM_BONES, encode_pose, forward_kinematics, rotations_of

FOREARM, SHIN = BONES.index("LeftForeArm"), BONES.index("LeftLeg")
OFFSETS = mean_body().numpy()
FRAMES = 90


def posed(bone: int, turns: np.ndarray) -> np.ndarray:
    """Codes of a T-pose with one bone turned."""
    rotation = np.tile(np.eye(3), (len(turns), NUM_BONES, 1, 1))
    rotation[:, bone] = turns
    return encode_pose(rotation, np.zeros((len(turns), 3)))


START = posed(FOREARM, np.eye(3)[None])[0]


def shown(codes: np.ndarray, bone: int = FOREARM) -> np.ndarray:
    """How much the side that the T-pose shows of a bone faces the viewer, -1 to 1, beside the most that it can."""
    matrix = rotations_of(codes)[:, bone]
    along = matrix @ (OFFSETS[CARRIER.index(bone)] / np.linalg.norm(OFFSETS[CARRIER.index(bone)]))
    return matrix[:, 2, 2] / np.sqrt((1 - along[:, 2] ** 2).clip(1e-6))


def test_an_arm_that_turns_about_its_length_is_not_seen_to_turn() -> None:
    codes = posed(FOREARM, about(0, np.linspace(0, 4 * np.pi, FRAMES)))  # the left arm points along x
    made = with_shown_side(codes, START, OFFSETS)
    assert shown(codes).min() < -0.99
    np.testing.assert_allclose(shown(made)[:-10], 1, atol=0.02)  # at the end the curve has nowhere to go on to
    assert shown(made).min() > 0.85


def test_no_point_of_the_body_moves() -> None:
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 0.08, (FRAMES, NUM_BONES, 3)), 0)
    turns = np.stack([about(0, w[:, 0]) @ about(1, w[:, 1]) @ about(2, w[:, 2]) for w in walk.transpose(1, 0, 2)], 1)
    codes = encode_pose(turns, rng.normal(0, 0.1, (FRAMES, 3)))
    made = with_shown_side(codes, codes[0], OFFSETS)
    places = [
        forward_kinematics(torch.from_numpy(c), torch.from_numpy(OFFSETS)[None], torch.zeros(1, 3))
        for c in (codes, made)
    ]
    np.testing.assert_allclose(places[0], places[1], atol=1e-4)
    assert np.abs(made - codes).max() > 0.1
    np.testing.assert_allclose(made[0], codes[0], atol=1e-3)  # the photo itself


def test_an_arm_that_swings_through_the_line_of_sight_does_not_flip() -> None:
    turns = about(1, np.linspace(-0.3, -np.pi + 0.3, FRAMES)) @ about(0, np.full(FRAMES, 0.05))
    codes = posed(FOREARM, turns)
    made = with_shown_side(codes, START, OFFSETS)
    matrix = rotations_of(made)[:, FOREARM]
    trace = np.einsum("fij,fij->f", matrix[1:], matrix[:-1])
    steps = np.arccos(((trace - 1) / 2).clip(-1, 1))
    assert np.degrees(steps).max() < 25
    assert shown(made)[[0, -1]].min() > 0.9 and shown(codes)[-1] < -0.9  # it ends with the known side to the viewer


def test_a_single_frame_shows_the_known_side() -> None:
    turned = posed(FOREARM, about(0, np.array([2.0])))
    np.testing.assert_allclose(shown(with_shown_side(turned, START, OFFSETS)), 1, atol=1e-5)
    np.testing.assert_allclose(with_shown_side(START[None], START, OFFSETS)[0], START, atol=1e-6)


def test_legs_are_left_alone_and_no_frames_give_none() -> None:
    codes = posed(SHIN, about(1, np.linspace(0, 3, FRAMES)))
    np.testing.assert_allclose(with_shown_side(codes, START, OFFSETS), codes, atol=1e-5)
    assert with_shown_side(codes[:0], START, OFFSETS).shape == (0, 117)
