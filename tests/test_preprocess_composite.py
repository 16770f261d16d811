"""Placing a figure: synthetic people of known size land on known pixels, and bring no old background along."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from preprocess.composite import (
    FINE,
    FLOOR,
    FRAME,
    HEAD_TO_SHOULDER,
    MAX_ZOOM,
    SHIN,
    STANDING,
    THIGH,
    TORSO,
    measure,
    move_keypoints,
    move_points,
    place,
)
from preprocess.edges import cut_figure, draw_figure, shrink
from preprocess.start_frame import FinePicture, StartFrame

HIP = HEAD_TO_SHOULDER + TORSO  # below the top of the head, in statures
KNEE, ANKLE = HIP + THIGH, HIP + THIGH + SHIN


def _dummy(top: int, stature: int, x: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(mask (H, W), joints (17, 3)) of a standing block of a person; what falls outside the photo is cut off."""
    width, height = size
    mask = np.zeros((height, width), bool)
    mask[top : top + stature, x - stature // 8 : x + stature // 8] = True
    joints = np.zeros((17, 3), np.float32)
    places = {
        0: (0, 0.09), 1: (0.02, 0.07), 2: (-0.02, 0.07),
        5: (0.11, HEAD_TO_SHOULDER), 6: (-0.11, HEAD_TO_SHOULDER),
        11: (0.05, HIP), 12: (-0.05, HIP), 13: (0.05, KNEE), 14: (-0.05, KNEE), 15: (0.05, ANKLE), 16: (-0.05, ANKLE),
    }  # fmt: skip
    for joint, (dx, dy) in places.items():
        place_y = top + dy * stature
        joints[joint] = (x + dx * stature, place_y, 0.9 if place_y < height else 0.1)
    return mask, joints


def _rows(alpha: np.ndarray) -> np.ndarray:
    return np.flatnonzero((alpha > 0.5).any(axis=1))


@pytest.mark.parametrize("stature", [90, 368, 1500])
def test_a_standing_person_is_184_pixels_tall_with_feet_on_240(stature: int) -> None:
    mask, joints = _dummy(40, stature, stature, (2 * stature, stature + 100))
    transform = place(mask, measure(mask, joints))
    pixels = np.full((*mask.shape, 3), 90, np.uint8)
    alpha = cut_figure(pixels, mask, transform, FRAME)[..., 3]
    rows = _rows(alpha)
    assert abs(rows[0] - (FLOOR - STANDING)) <= 1 and abs(rows[-1] + 1 - FLOOR) <= 1
    columns = np.flatnonzero((alpha > 0.5).any(axis=0))
    assert abs((columns[0] + columns[-1] + 1) / 2 - FRAME / 2) <= 1


def test_without_joints_the_mask_alone_decides() -> None:
    mask, _ = _dummy(40, 368, 200, (400, 450))
    transform = place(mask, measure(mask, np.zeros((17, 3), np.float32)))
    assert transform[0, 0] == pytest.approx(STANDING / 368)
    assert move_points(np.array([[200.0, 408.0]]), transform)[0] == pytest.approx([128, FLOOR], abs=0.01)


def test_a_raised_arm_does_not_make_the_person_smaller() -> None:
    mask, joints = _dummy(140, 368, 300, (600, 560))
    mask[60:300, 380:400] = True
    mask[230:250, 300:400] = True
    transform = place(mask, measure(mask, joints))
    assert transform[0, 0] == pytest.approx(STANDING / 368, rel=0.01)


def test_photo_points_go_where_their_pixels_go() -> None:
    mask, joints = _dummy(30, 500, 300, (700, 600))
    transform = place(mask, measure(mask, joints))
    pixels = np.full((600, 700, 3), 40, np.uint8)
    spot = np.array([[290.0, 210.0]])
    cv2.circle(pixels, (290, 210), 9, (255, 255, 255), -1)
    rgba = cut_figure(pixels, mask, transform, FRAME)
    bright = rgba[..., 0] * (rgba[..., 3] > 0.9)
    y, x = np.unravel_index(np.argmax(cv2.GaussianBlur(bright, (0, 0), 2)), bright.shape)
    assert np.abs(move_points(spot, transform)[0] - (x + 0.5, y + 0.5)).max() < 1.0


def test_joints_move_and_unknown_ones_are_zero() -> None:
    _, joints = _dummy(0, 100, 100, (200, 100))
    moved = move_keypoints(joints, np.array([[2.0, 0, 5], [0, 2.0, -7]]))
    assert moved[11] == pytest.approx([2 * joints[11, 0] + 5, 2 * joints[11, 1] - 7, 0.9])
    assert (moved[7:11] == 0).all()


@pytest.mark.parametrize("visible", [0.8, 0.6, 0.35])
def test_cut_off_legs_end_at_the_frames_bottom_edge(visible: float) -> None:
    stature = 600
    mask, joints = _dummy(50, stature, 300, (600, 50 + round(visible * stature)))
    body = measure(mask, joints)
    assert body.cut and body.stature == pytest.approx(stature, rel=0.05)
    transform = place(mask, body)
    alpha = cut_figure(np.full((*mask.shape, 3), 90, np.uint8), mask, transform, FRAME)[..., 3]
    assert alpha[-1].max() > 0.99
    zoom = transform[0, 0] * stature / STANDING
    assert zoom == pytest.approx(min(MAX_ZOOM, 1 / visible), rel=0.06)


def test_a_crouching_person_keeps_their_scale() -> None:
    mask, joints = _dummy(200, 300, 300, (600, 560))  # as seen: 300 pixels; folded legs hide the rest
    for side in (0.05, -0.05):
        knee, ankle = (13, 15) if side > 0 else (14, 16)
        hip = joints[11 if side > 0 else 12]
        joints[knee] = (hip[0] + np.sign(side) * 98, hip[1] + 10, 0.9)
        joints[ankle] = (hip[0] + np.sign(side) * 20, 490, 0.9)
    assert measure(mask, joints).stature > 330


def test_wide_arms_stay_in_the_frame() -> None:
    mask, joints = _dummy(50, 300, 400, (800, 400))
    mask[100:120, 150:650] = True
    rgba = cut_figure(np.full((*mask.shape, 3), 90, np.uint8), mask, place(mask, measure(mask, joints)), FRAME)
    assert rgba[:, [0, -1], 3].max() == 0


def test_no_halo_of_the_old_background_is_left() -> None:
    """A grey figure photographed before vivid green, with a blurred outline as lenses make it."""
    mask, joints = _dummy(60, 400, 250, (500, 500))
    share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2.0)[..., None]
    pixels = (share * np.array([120, 110, 130]) + (1 - share) * np.array([0, 255, 0])).astype(np.uint8)
    rgba = cut_figure(pixels, mask, place(mask, measure(mask, joints)), FRAME)
    seen = rgba[..., 3] > 0.05
    colour = rgba[seen][:, :3] / rgba[seen][:, 3:]
    assert np.abs(colour - np.array([120, 110, 130]) / 255).max() < 0.04


def test_the_finer_figure_has_the_same_place_and_more_detail() -> None:
    mask, joints = _dummy(40, 900, 500, (1000, 1000))
    pixels = np.full((*mask.shape, 3), 60, np.uint8)
    pixels[:, ::6] = pixels[:, 1::6] = pixels[:, 2::6] = 200  # stripes finer than a frame pixel, not than half of one
    transform = place(mask, measure(mask, joints))
    figure = draw_figure(pixels, mask, transform, FRAME)
    coarse, fine = shrink(figure, FRAME), shrink(figure, FINE)
    assert np.array_equal(coarse, cut_figure(pixels, mask, transform, FRAME))
    assert np.abs(fine.reshape(FRAME, 2, FRAME, 2, 4).mean((1, 3)) - coarse).max() < 1e-5
    contrast = [picture[picture[..., 3] > 0.999][:, :3].std() for picture in (coarse, fine)]
    assert contrast[1] > 1.5 * contrast[0]


def test_layers_are_the_finer_picture_or_enlarged() -> None:
    person, plate = np.zeros((256, 256, 4), np.float32), np.full((256, 256, 3), 0.4, np.float32)
    person[100:, :, :] = (0.5, 0.25, 0.0, 0.5)
    plain = StartFrame(person, plate, np.zeros((17, 3), np.float32), np.eye(2, 3))
    assert plain.layers(256) == (person, plate)
    enlarged, behind = plain.layers(512)
    assert enlarged.shape == (512, 512, 4) and behind.shape == (512, 512, 3)
    assert enlarged[400, 9] == pytest.approx([0.5, 0.25, 0, 0.5]) and behind[9, 9] == pytest.approx([0.4] * 3)
    fine = FinePicture(np.full((512, 512, 4), 255, np.uint8), np.zeros((512, 512, 3), np.uint8))
    rich = StartFrame(person, plate, np.zeros((17, 3), np.float32), np.eye(2, 3), fine=fine)
    assert rich.layers(256)[0] is person and rich.layers(512)[0].min() == 1 and rich.layers(512)[1].max() == 0
    assert rich.composite_at(512).min() == 1 and np.array_equal(rich.composite, plain.composite)


def test_the_composite_is_person_over_plate() -> None:
    person = np.zeros((256, 256, 4), np.float32)
    person[100:, :, :] = (0.5, 0.25, 0.0, 0.5)
    plate = np.full((256, 256, 3), 0.4, np.float32)
    frame = StartFrame(person, plate, np.zeros((17, 3), np.float32), np.eye(2, 3))
    assert frame.composite[0, 0] == pytest.approx([0.4] * 3)
    assert frame.composite[200, 0] == pytest.approx([0.7, 0.45, 0.2])
