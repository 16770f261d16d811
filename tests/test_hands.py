"""Hands move as one piece, hide behind the body, and leave nothing behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from turns import about

from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import pixel_grid
from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.hands import Hands, arms_over_trunk
from dabfusion.skeleton import BONES, NUM_BONES, encode_pose, forward_kinematics

SIZE, GRID, LEG = 256, 128, 0.6
LEFT_ARM = tuple(BONES.index(name) for name in ("LeftArm", "LeftForeArm", "LeftHand"))
RIGHT_ARM = tuple(BONES.index(name) for name in ("RightArm", "RightForeArm", "RightHand"))
HIPS, WRIST, TIP = 0, BONES.index("LeftHand"), NUM_BONES + 1
WINDOW = (0, 0, SIZE, SIZE)


def pose(left: np.ndarray | None = None, right: np.ndarray | None = None) -> torch.Tensor:
    """Code (1, 117) of a T-pose with arms turned by (3, 3)."""
    rotation = np.tile(np.eye(3), (1, NUM_BONES, 1, 1))
    for bones, turn in ((LEFT_ARM, left), (RIGHT_ARM, right)):
        if turn is not None:
            rotation[:, list(bones)] = turn
    return torch.from_numpy(encode_pose(rotation, np.zeros((1, 3))))


def turn(axis: int, angle: float) -> np.ndarray:
    return about(axis, np.array([angle]))[0]


def places(code: torch.Tensor) -> torch.Tensor:
    """(24, 2) points in image axes."""
    return forward_kinematics(code, LEG * mean_body()[None], torch.zeros(1, 3))[0, :, :2] * torch.tensor([1.0, -1.0])


@pytest.fixture
def hands() -> Hands:
    """The left hand of a body in T-pose: a red bar from the wrist to the fingertips, green at the thumb's side."""
    wrist, tip = places(pose())[[WRIST, TIP]]
    x, y = pixel_grid(SIZE, SIZE)
    bar = ((x > wrist[0]) & (x < tip[0]) & ((y - wrist[1]).abs() < 0.03)).float()
    above = (y < wrist[1]).float()
    picture = torch.stack([bar * (1 - above), bar * above, 0 * bar, bar])[None]
    masks = torch.stack([bar, 0 * bar])[None]
    return Hands(masks, picture, Body(torch.zeros(1, 24, 2), pose(), LEG * mean_body()[None]))


def maps(bone: int | None, rows: slice = slice(None), columns: slice = slice(None)) -> FlowMaps:
    """Nothing moves, all is shown; ``bone`` covers part of the picture."""
    parts = torch.zeros(1, NUM_BONES, GRID, GRID)
    if bone is not None:
        parts[:, bone, rows, columns] = 1
    return FlowMaps(torch.zeros(1, 2, GRID, GRID), torch.ones(1, 1, GRID, GRID), parts.sum(1, keepdim=True), parts)


def middle(alpha: torch.Tensor) -> torch.Tensor:
    """Centre of gravity (2,) of alpha (H, W)."""
    return (pixel_grid(*alpha.shape) * alpha).sum((1, 2)) / alpha.sum()


def over_nothing(hands: Hands, code: torch.Tensor, seen: FlowMaps) -> torch.Tensor:
    return hands.laid_over(torch.zeros(1, 4, SIZE, SIZE), WINDOW, seen, code, hands.gone(code))[0]


def test_in_the_photos_pose_the_hand_is_where_it_was(hands: Hands) -> None:
    drawn = over_nothing(hands, pose(), maps(None))
    wrist, tip = places(pose())[[WRIST, TIP]]
    torch.testing.assert_close(middle(drawn[3]), (wrist + tip) / 2, atol=0.01, rtol=0)
    assert drawn[3].max() > 0.99


@pytest.mark.parametrize("angle", [-1.2, 0.7, 1.5, 2.5])
def test_a_raised_hand_is_between_wrist_and_fingertips_and_keeps_its_sides(hands: Hands, angle: float) -> None:
    code = pose(left=turn(2, angle))
    drawn = over_nothing(hands, code, maps(None))
    wrist, tip = places(code)[[WRIST, TIP]]
    torch.testing.assert_close(middle(drawn[3]), (wrist + tip) / 2, atol=0.012, rtol=0)
    thumb = middle(drawn[1]) - middle(drawn[0])  # from the red half to the green one
    along = tip - wrist
    assert float(along[0] * thumb[1] - along[1] * thumb[0]) < 0  # still on the same side of the hand


def test_a_hand_that_points_at_the_viewer_is_short_but_not_nothing(hands: Hands) -> None:
    whole = over_nothing(hands, pose(), maps(None))[3].sum()
    short = over_nothing(hands, pose(left=turn(1, -1.4)), maps(None))[3].sum()
    assert 0.25 * whole < short < 0.6 * whole


def test_behind_the_body_it_is_not_seen_and_in_front_it_is(hands: Hands) -> None:
    everywhere = maps(HIPS)
    behind, in_front = pose(left=turn(1, 0.8)), pose(left=turn(1, -0.8))
    assert over_nothing(hands, behind, everywhere)[3].max() == 0
    assert over_nothing(hands, in_front, everywhere)[3].max() > 0.99
    assert over_nothing(hands, behind, maps(LEFT_ARM[2]))[3].max() > 0.99  # where it covers itself, nothing hides it


def test_only_the_window_is_drawn(hands: Hands) -> None:
    full = over_nothing(hands, pose(), maps(None))
    rows, columns = torch.nonzero(full[3].amax(1))[:, 0], torch.nonzero(full[3].amax(0))[:, 0]
    window = int(rows[0]) + 2, int(columns[0]) + 4, 32, 32
    part = hands.laid_over(torch.zeros(1, 4, 32, 32), window, maps(None), pose(), torch.ones(1, 2))[0]
    torch.testing.assert_close(part, full[:, window[0] : window[0] + 32, window[1] : window[1] + 32])
    assert part[3].max() > 0.99
    elsewhere = torch.rand(1, 4, 16, 16)
    torch.testing.assert_close(
        hands.laid_over(elsewhere, (240, 0, 16, 16), maps(None), pose(), torch.ones(1, 2)), elsewhere
    )


def test_nobody_copies_a_hand_from_where_it_is_not_any_more(hands: Hands) -> None:
    wrist, tip = places(pose())[[WRIST, TIP]]
    column, row = (((wrist + tip) / 2 + 1) * GRID / 2).int().tolist()

    def shown(code: torch.Tensor, bone: int) -> torch.Tensor:
        return hands.uncovered(maps(bone), code, hands.gone(code)).occlusion[0, 0]

    raised = pose(left=turn(2, 1.2))
    assert shown(raised, HIPS)[row, column] < 0.05  # a hip that would show the hand is painted
    assert shown(raised, LEFT_ARM[2])[row, column] > 0.95  # the hand itself is copied from there
    assert shown(pose(), HIPS).min() > 0.95  # the hand has not left
    assert shown(raised, HIPS)[:, : GRID // 2].min() > 0.99  # the other side of the picture


def test_under_autocast_hands_are_uncovered_as_exactly(hands: Hands) -> None:
    raised = pose(left=turn(2, 0.06))
    exact = hands.uncovered(maps(HIPS), raised, hands.gone(raised)).occlusion
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(hands.uncovered(maps(HIPS), raised, hands.gone(raised)).occlusion, exact)


def test_a_hand_that_is_not_known_is_the_mirror_image_of_the_other(hands: Hands) -> None:
    still = over_nothing(hands, pose(), maps(None))
    assert still[3][:, : SIZE // 2].max() == 0  # where the photo shows it, whatever that is, stays
    code = pose(right=turn(2, 0.9), left=turn(2, -0.9))  # both arms down, as in a mirror
    drawn = over_nothing(hands, code, maps(None))
    torch.testing.assert_close(drawn, drawn.flip(-1), atol=0.05, rtol=0)
    wrist, tip = places(code)[[BONES.index("RightHand"), NUM_BONES + 2]]
    right = torch.cat([drawn[3][:, : SIZE // 2], torch.zeros(SIZE, SIZE // 2)], 1)
    torch.testing.assert_close(middle(right), (wrist + tip) / 2, atol=0.012, rtol=0)


def test_two_known_hands_are_each_their_own() -> None:
    flat = places(pose())
    x, y = pixel_grid(SIZE, SIZE)
    bars = [((x - flat[tip][0]).abs() < 0.1) & ((y - flat[tip][1]).abs() < 0.03) for tip in (TIP, TIP + 1)]
    masks = torch.stack(bars).float()[None]
    picture = torch.stack([bars[0].float(), bars[1].float(), 0 * x * y, (bars[0] | bars[1]).float()])[None]
    both = Hands(masks, picture, Body(torch.zeros(1, 24, 2), pose(), LEG * mean_body()[None]))
    drawn = over_nothing(both, pose(left=turn(2, 0.5), right=turn(2, -0.5)), maps(None))
    assert drawn[0][:, : SIZE // 2].max() == 0 and drawn[1][:, SIZE // 2 :].max() == 0
    assert drawn[0].max() > 0.99 and drawn[1].max() > 0.99


def test_what_the_photo_shows_in_place_of_an_unknown_hand_is_not_copied(hands: Hands) -> None:
    lowered = pose(right=turn(2, 0.9))

    def shown(bone: int, code: torch.Tensor) -> torch.Tensor:
        return hands.uncovered(maps(bone), code, hands.gone(code)).occlusion

    assert shown(RIGHT_ARM[2], lowered).max() < 0.01
    assert shown(RIGHT_ARM[2], pose()).min() > 0.99  # it has not left
    assert shown(RIGHT_ARM[1], lowered).min() > 0.99  # a forearm is a forearm


def test_a_hand_that_has_left_its_place_stays_what_it_has_become(hands: Hands) -> None:
    dance = torch.cat([pose(), pose(right=turn(2, 0.9)), pose(), pose(left=turn(2, 0.9))])
    assert hands.gone(dance).tolist() == [[0, 0], [0, 1], [0, 1], [1, 1]]


ACROSS, BEHIND = turn(1, -2.2), turn(1, 2.2)  # a stretched arm led across the trunk, in front of it and behind it


def standing_in(code: torch.Tensor) -> Body:
    return Body(places(code)[None], code, LEG * mean_body()[None])


def test_only_an_arm_in_front_of_the_trunk_lies_across_it() -> None:
    found = arms_over_trunk(standing_in(pose(left=ACROSS)), GRID)
    assert found.shape == (1, 4, GRID, GRID)
    left_hand, right_hand, left_forearm, right_forearm = found[0].sum((1, 2)).tolist()
    assert left_hand + left_forearm > 20 and right_hand == right_forearm == 0
    mirrored = arms_over_trunk(standing_in(pose(right=turn(1, 2.2))), GRID)
    torch.testing.assert_close(mirrored[:, [1, 0, 3, 2]].flip(-1), found, atol=0, rtol=0)
    assert arms_over_trunk(standing_in(pose()), GRID).sum() == 0
    assert arms_over_trunk(standing_in(pose(left=BEHIND)), GRID).sum() == 0


def test_a_sleeve_is_not_printed_on_the_trunk_once_its_arm_has_left() -> None:
    crossed, nothing = pose(left=ACROSS), torch.zeros(1, 2, SIZE, SIZE)
    picture, body, trunk = torch.rand(1, 4, SIZE, SIZE), standing_in(crossed), maps(HIPS)
    hands = Hands(nothing, picture, body, limbs=True)
    lay = arms_over_trunk(body, GRID).amax(1, keepdim=True) > 0
    left = hands.uncovered(trunk, pose(), torch.zeros(1, 2)).occlusion
    assert left[lay].max() < 0.05
    far = torch.nn.functional.max_pool2d(lay.float(), 5, 1, 2) == 0
    assert left[far].min() == 1
    assert hands.uncovered(trunk, crossed, torch.zeros(1, 2)).occlusion[lay].min() > 0.95  # still there
    unasked = Hands(nothing, picture, body).uncovered(trunk, pose(), torch.zeros(1, 2))
    assert unasked.occlusion.min() == 1
