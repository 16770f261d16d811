"""A body that disagrees with the points that were seen is brought to agree with them."""

from __future__ import annotations

import torch

from dabfusion.flow_autoencoder.body_fit import aimed, evened, fit_body, flattened
from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.skeleton import BONES, CODE_SIZE, NUM_BONES, ROTATION_SIZE, forward_kinematics
from dabfusion.studio.figure import procedural_figure


def test_an_arm_read_as_hanging_is_raised_to_where_it_was_seen() -> None:
    offsets = torch.from_numpy(procedural_figure().offsets)[None]
    rest = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(NUM_BONES)
    true = torch.cat([rest, torch.zeros(CODE_SIZE - ROTATION_SIZE)])[None]
    hips = torch.tensor([[0.0, 0.1, 0.0]])
    seen = forward_kinematics(true, offsets, hips)[..., :2] * torch.tensor([1.0, -1.0])
    guess = true.clone()
    angle = torch.tensor(0.5)  # the left arm read half a radian too low
    for bone in (6, 7, 8):
        guess[0, 6 * bone : 6 * bone + 6] = torch.stack(
            [angle.cos(), -angle.sin(), angle * 0, angle.sin(), angle.cos(), angle * 0]
        )
    before = Body(seen, guess, offsets)
    after = fit_body(before)

    def error(body: Body) -> float:
        placed = forward_kinematics(body.code, body.offsets, body.hips)[..., :2] * torch.tensor([1.0, -1.0])
        return float((placed - seen).norm(dim=-1).max())

    assert error(before) > 0.15
    assert error(after) < 0.25 * error(before)
    assert torch.equal(after.points, before.points)
    assert float((after.code[0, ROTATION_SIZE:]).abs().max()) == 0
    assert float((after.offsets.norm(dim=-1) / offsets.norm(dim=-1).clamp_min(1e-6) - 1)[0, 1:].abs().max()) < 0.25


def test_points_beyond_the_frame_are_placed_by_kinematics_and_pull_nothing() -> None:
    offsets = torch.from_numpy(procedural_figure().offsets)[None]
    rest = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(NUM_BONES)
    true = torch.cat([rest, torch.zeros(CODE_SIZE - ROTATION_SIZE)])[None]
    placed = forward_kinematics(true, offsets, torch.tensor([[0.0, -0.8, 0.0]]))[..., :2] * torch.tensor([1.0, -1.0])
    beyond = placed.abs().amax(-1) > 1
    assert beyond.any() and not beyond.all()
    fitted = fit_body(Body(placed.clamp(-1, 1), true, offsets))
    assert torch.allclose(fitted.points, placed, atol=0.02)
    assert torch.allclose(fitted.code, true, atol=0.05)


def test_an_arm_read_as_hanging_but_seen_raised_is_turned_at_once_and_nothing_else_is() -> None:
    offsets = 0.6 * torch.from_numpy(procedural_figure().offsets)[None]  # all of it inside the frame
    rest = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(NUM_BONES)
    guess = torch.cat([rest, torch.zeros(CODE_SIZE - ROTATION_SIZE)])[None]
    angle = torch.tensor(2.2)  # the left arm, stretched to the side in the guess, is seen raised beyond upright
    true = guess.clone()
    for bone in (6, 7, 8):
        true[0, 6 * bone : 6 * bone + 6] = torch.stack(
            [angle.cos(), angle.sin(), angle * 0, -angle.sin(), angle.cos(), angle * 0]
        )
    hips = torch.tensor([[0.0, 0.1, 0.0]])
    seen = forward_kinematics(true, offsets, hips)[..., :2] * torch.tensor([1.0, -1.0])
    turned = aimed(Body(seen, guess, offsets))
    assert (turned - true).abs().max() < 0.03
    assert torch.allclose(aimed(Body(seen, true, offsets)), true, atol=1e-6)  # what is nearly right is left to the fit
    placed = fit_body(Body(seen, guess, offsets))
    reached = forward_kinematics(placed.code, placed.offsets, hips)[..., :2] * torch.tensor([1.0, -1.0])
    assert float((reached - seen).norm(dim=-1).max()) < 0.02


def small_figure() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Offsets, the code of the rest pose (arms to the sides), and its points in the picture."""
    offsets = 0.6 * torch.from_numpy(procedural_figure().offsets)[None]
    rest = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(NUM_BONES)
    code = torch.cat([rest, torch.zeros(CODE_SIZE - ROTATION_SIZE)])[None]
    hips = torch.tensor([[0.0, 0.1, 0.0]])
    return offsets, code, forward_kinematics(code, offsets, hips)[..., :2] * torch.tensor([1.0, -1.0])


def test_a_drawing_with_short_legs_has_short_legs_and_not_bent_ones() -> None:
    offsets, code, seen = small_figure()
    points, bent = seen.clone(), code.clone()
    thigh, shin, ankle = (BONES.index(f"Left{part}") for part in ("UpLeg", "Leg", "Foot"))
    angle = torch.tensor(1.0)  # the left leg is seen half as long, and read as bent towards the viewer and back
    for bone, turn in ((thigh, -angle), (shin, angle)):
        bent[0, 6 * bone : 6 * bone + 6] = torch.stack(
            [turn * 0 + 1, turn * 0, turn * 0, turn * 0, turn.cos(), turn.sin()]
        )
    for point in (shin, ankle, 22):
        points[:, point] = seen[:, thigh] + 0.54 * (seen[:, point] - seen[:, thigh])
    flat = flattened(Body(points, bent, offsets))
    placed = forward_kinematics(flat.code, flat.offsets, flat.hips)
    assert placed[0, [shin, ankle], 2].abs().max() < 1e-4
    assert torch.allclose(placed[0, ankle, :2] * torch.tensor([1.0, -1.0]), points[0, ankle], atol=1e-3)
    before = forward_kinematics(bent, offsets, flat.hips)
    assert before[0, shin, 2].abs() > 0.1
    right = BONES.index("RightLeg")
    assert torch.allclose(flat.offsets[:, right], offsets[:, right], atol=1e-3)  # what was right stays


def test_an_arm_that_was_read_as_folded_is_straightened_to_its_far_end() -> None:
    _, _, points = small_figure()
    limbs = [k for k in range(points.shape[1]) if k not in (BONES.index("Spine"), BONES.index("Spine2"))]
    assert torch.equal(evened(points)[:, limbs], points[:, limbs])
    shoulder, elbow, wrist = (BONES.index(bone) for bone in ("LeftArm", "LeftForeArm", "LeftHand"))
    folded = points.clone()
    folded[:, elbow], folded[:, wrist], folded[:, 20] = points[:, 20], points[:, elbow], points[:, shoulder] + 0.02
    arm = evened(folded)[0, [shoulder, elbow, wrist, 20]]
    assert torch.allclose(arm[3], points[0, 20])
    assert torch.allclose(
        (arm[1] - arm[0]) / (arm[3] - arm[0]).norm(), 0.45 * (arm[3] - arm[0]) / (arm[3] - arm[0]).norm()
    )
    knee, hip, ankle = (BONES.index(f"Right{part}") for part in ("Leg", "UpLeg", "Foot"))
    low = points.clone()
    low[:, knee] = 0.2 * points[:, hip] + 0.8 * points[:, ankle]
    assert torch.allclose(evened(low)[:, knee], (points[:, hip] + points[:, ankle]) / 2)


def test_a_drawn_back_bends_evenly() -> None:
    _, _, points = small_figure()
    spine, chest, neck = (BONES.index(bone) for bone in ("Spine", "Spine2", "Neck"))
    bunched = points.clone()
    bunched[:, [spine, chest]] = points[:, [0]] + 0.01
    back = evened(bunched)[0, [0, spine, chest, neck]]
    assert torch.allclose(back[1], torch.lerp(back[0], back[3], 0.2)) and torch.allclose(
        back[2], (back[0] + back[3]) / 2
    )
