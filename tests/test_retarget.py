"""Published capture formats to takes: tiny skeletons written here, whose joints are where we put them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from dabfusion.errors import UserError
from dabfusion.studio import cli
from dabfusion.studio.body import OFFSETS, body_points, point
from dabfusion.studio.capture_files import Capture, read_amc, read_asf, read_bvh
from dabfusion.studio.chain import chain, joined, standing, take_style, trimmed
from dabfusion.studio.dance import chained_dance
from dabfusion.studio.grid import plan_song
from dabfusion.studio.motion import FPS, Motion, facing, load_takes
from dabfusion.studio.retarget import retarget
from dabfusion.training.dance_data import is_held_out

ARM = """
HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Arm
  {
    OFFSET 1 0 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 2 0 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 0 0 0 0 0 0 0 0
5 6 7 90 0 0 90 0 0
"""

ASF = """:version 1.10
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name upper
     direction 0 -1 0
     length 2
     axis 0 0 90 XYZ
    dof rx ry
    limits (-160.0 20.0)
           (-70.0 70.0)
  end
  begin
     id 2
     name lower
     direction 1 0 0
     length 3
     axis 0 0 0 XYZ
    dof rz
    limits (-10.0 170.0)
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""
AMC = """:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
upper 90 0
lower 0
2
root 0 0 0 0 90 0
upper 0 0
lower 90
"""


def test_bvh_joints_are_where_their_rotations_put_them() -> None:
    capture = read_bvh(ARM, "arm")
    assert capture.joints == ("Hips", "Arm", "Arm end") and capture.fps == pytest.approx(30, rel=1e-4)
    np.testing.assert_allclose(capture.positions[0], [[0, 0, 0], [1, 0, 0], [3, 0, 0]], atol=1e-9)
    # The hips turn x to y; the arm turns once more: from +y to -x.
    np.testing.assert_allclose(capture.positions[1], [[5, 6, 7], [5, 7, 7], [3, 7, 7]], atol=1e-9)
    with pytest.raises(UserError, match="whole BVH"):
        read_bvh(ARM[: ARM.index("Frames")], "cut")
    with pytest.raises(UserError):
        read_bvh(ARM.rsplit(" ", 1)[0], "short")


def test_amc_bones_turn_about_their_own_axes() -> None:
    capture = read_amc(AMC, read_asf(ASF), "two")
    at = dict(zip(capture.joints, np.moveaxis(capture.positions, 1, 0), strict=True))
    # Its axis is turned by 90 degrees about z, so rx is a rotation about the world's y, which leaves -y alone.
    np.testing.assert_allclose(at["lower"][0], [1, 0, 3], atol=1e-9)
    np.testing.assert_allclose(at["lower end"][0], [1, 0, 0], atol=1e-9)  # x turned about y by 90 degrees is -z
    # The root turned by 90 degrees about y; the lower bone bends to +y.
    np.testing.assert_allclose(at["lower"][1], [0, -2, 0], atol=1e-9)
    np.testing.assert_allclose(at["lower end"][1], [0, 1, 0], atol=1e-9)
    with pytest.raises(UserError, match="no frames"):
        read_amc(":DEGREES\n", read_asf(ASF), "none")


NAMES = {
    "Spine": "Spine", "Spine2": "Spine2", "Neck": "Neck", "Head": "Head", "Shoulder": "Shoulder", "Arm": "Arm",
    "ForeArm": "ForeArm", "Hand": "Hand", "UpLeg": "UpLeg", "Leg": "Leg", "Foot": "Foot", "Toes": "ToeBase",
}  # fmt: skip


def standing_dance(frames: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Our own dancer with bent arms and knees, turning slowly: rotations and hips."""
    from dabfusion.studio.dance import sample_dance

    dance = sample_dance(12, seconds=frames / FPS, style="middle-hip-hop")
    return dance.rotation.astype(np.float64), dance.root.astype(np.float64)


def captured(rotation: np.ndarray, root: np.ndarray, z_up: bool = False, scale: float = 90.0) -> Capture:
    """What a capture of this dance would hold: joints by name, heads with some rest of their own."""
    points = body_points(rotation, root) * scale
    names, columns = [], []
    for ours, theirs in NAMES.items():
        for side in ("",) if ours in ("Spine", "Spine2", "Neck", "Head") else ("Left", "Right"):
            names.append(side + theirs)
            columns.append(point(side + ours))
    turn = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) if z_up else np.eye(3)
    rest = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    heads = turn @ rotation[:, point("Head")] @ rest
    return Capture(
        "own", tuple(names), points[:, columns] @ turn.T, np.repeat(heads[:, None], len(names), 1), float(FPS)
    )


@pytest.mark.parametrize("z_up", [False, True])
def test_our_own_dance_comes_back(z_up: bool) -> None:
    rotation, root = standing_dance()
    found, hips = retarget(captured(rotation, root, z_up))
    before, after = body_points(rotation, root - [root[0, 0], 0, root[0, 2]]), body_points(found, hips)
    for name in ("LeftHand", "RightHand", "LeftForeArm", "RightFoot", "LeftLeg", "Neck", "Spine2"):
        gap = np.linalg.norm(before[:, point(name)] - after[:, point(name)], axis=-1)
        assert gap.max() < 0.08, name  # leg lengths; shoulders and pelvis are simplified
    way = (found[:, point("LeftForeArm")] * rotation[:, point("LeftForeArm")]).sum((1, 2))
    assert np.median(np.degrees(np.arccos(((way - 1) / 2).clip(-1, 1)))) < 45  # forearms' twist is a guess
    assert np.abs(np.linalg.det(found) - 1).max() < 1e-6


def test_left_stays_left_and_the_face_looks_forward() -> None:
    rotation = np.tile(np.eye(3), (30, 19, 1, 1))
    found, hips = retarget(captured(rotation, np.tile([0.0, 1.185, 0.0], (30, 1))))
    points = body_points(found, hips)[0]
    assert points[point("LeftHand"), 0] > 0.5 > -0.5 > points[point("RightHand"), 0]
    assert (found[:, point("Head"), 2, 2] > 0.99).all() and (found[:, point("Hips"), 2, 2] > 0.95).all()
    toes = found[0, point("LeftFoot")] @ OFFSETS[point("LeftToes")]
    assert toes[2] > 0.1 and abs(toes[0]) < 0.05


def test_a_neck_at_the_last_joint_of_the_spine_tells_no_direction() -> None:
    dance = captured(*standing_dance(30))
    index = {name: k for k, name in enumerate(dance.joints)}
    places = dance.positions.copy()
    places[:, index["Spine"]] = dance.positions[:, index["Spine2"]]
    places[:, index["Spine2"]] = places[:, index["Neck"]]
    found, _ = retarget(Capture("cgspeed", dance.joints, places, dance.rotations, dance.fps))
    np.testing.assert_allclose(found, retarget(dance)[0], atol=1e-6)


def test_a_missing_joint_is_named() -> None:
    whole = captured(*standing_dance(10))
    names = tuple(n if n != "LeftArm" else "Tail" for n in whole.joints)
    with pytest.raises(UserError, match="LeftArm"):
        retarget(Capture("odd", names, whole.positions, whole.rotations, 30.0))


def walker(name: str, seed: int) -> Motion:
    """Seven seconds that stand, dance and stand."""
    from dabfusion.studio.dance import sample_dance

    dance = sample_dance(seed, seconds=5, style="house")
    still = [np.repeat(dance.rotation[k : k + 1], 30, 0) for k in (0, -1)]
    stay = [np.repeat(dance.root[k : k + 1], 30, 0) for k in (0, -1)]
    rotation = np.concatenate([still[0], dance.rotation, still[1]]).astype(np.float64)
    return Motion(name, rotation, np.concatenate([stay[0], dance.root, stay[1]]), np.empty(0))


def test_takes_lead_into_each_other() -> None:
    first, second = (trimmed(walker(f"break_85_{n:02d}", n)) for n in (3, 14))
    assert 4.0 < first.duration < 6.0
    both = joined(first, second)
    assert len(both.root) == len(first.root) + len(second.root) - 12
    points = body_points(both.rotation, both.root)
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1).max(1)
    join = len(first.root) - 12
    assert step[join - 1 : join + 13].max() < 0.35  # leg lengths a frame: no jump
    assert abs(facing(both, join + 12) - facing(both, join)) < 120
    long = chain([first, second], 12, np.random.default_rng(0))
    assert long.duration >= 12 and len(long.beats) > 8 and take_style(long.name) == "break"


def test_only_what_is_danced_on_the_feet_is_chained() -> None:
    take = walker("break_85_12", 3)
    assert [part.duration for part in standing(take)] == [take.duration]
    lying, root = take.rotation.copy(), take.root.copy()
    lying[90:120] = lying[90:120] @ np.diag([1.0, -1.0, -1.0])  # on the hands
    root[80:90, 1] = 0.7  # on the way down, where nothing can follow
    root[150:153, 1] = 0.3  # on the floor, and but a second later down again
    root[190:, 1] = 0.3
    parts = standing(Motion("break_85_12", lying, root, np.empty(0)))
    assert [round(part.duration * FPS) for part in parts] == [80]
    np.testing.assert_array_equal(parts[0].rotation, take.rotation[:80])
    floor = Motion("break_85_04", take.rotation, take.root * [1, 0.2, 1], np.empty(0))
    with pytest.raises(ValueError, match="on their feet"):
        chained_dance(5, seconds=8, takes=[floor], song=plan_song("house", 3), start=20.0)


def test_a_chained_dance_is_on_its_song() -> None:
    takes = [walker(f"street-jazz_93_0{n}", n) for n in (1, 2)]
    song = plan_song("house", 3)
    dance = chained_dance(5, seconds=8, takes=takes, song=song, start=20.0)
    assert dance.style == "street-jazz" and dance.source == "captured" and dance.rotation.shape == (240, 19, 3, 3)
    assert np.allclose(np.diff(dance.beat_times), 60 / song.tempo)
    again = chained_dance(5, seconds=8, takes=takes, song=song, start=20.0)
    np.testing.assert_array_equal(dance.rotation, again.rotation)


def test_held_out_takes() -> None:
    assert is_held_out("salsa_60_12") and is_held_out("ballet-jazz_005_01 ballet-jazz_005_04")
    assert not is_held_out("salsa_60_13; toprock") and not is_held_out("break_85_12")


def test_the_command_unpacks_an_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = captured(*standing_dance(90))
    archive = tmp_path / "raw.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("modern/01_01.bvh", as_bvh(whole))
        packed.writestr("modern/thing.fbx", b"Kaydara")
        packed.writestr("modern/thing.npy", b"NUMPY")
    assert cli.main(["retarget", "--zip", str(archive), "--out", str(tmp_path / "takes")]) == 0
    said = capsys.readouterr()
    assert said.out.strip().endswith("takes") and "thing.npy: not a BVH, AMC or FBX" in said.err
    assert "modern/thing.fbx: thing is not a binary FBX" in said.err
    take = load_takes(tmp_path / "takes")[0]
    assert take.name == "ballet-jazz_01_01" and take.duration == pytest.approx(3.0, abs=0.1)
    with pytest.raises(UserError, match="polka"):
        cli.main(["retarget", "--zip", str(archive), "--out", str(tmp_path), "--style", "modern=polka"])


def as_bvh(capture: Capture) -> str:
    """The capture as a BVH file of a flat tree: every joint hangs from the root and moves by itself."""
    lines = ["HIERARCHY", "ROOT Root", "{", "OFFSET 0 0 0", "CHANNELS 3 Xposition Yposition Zposition"]
    channels = "CHANNELS 3 Xposition Yposition Zposition"
    for name in capture.joints:
        lines += [f"JOINT {name}", "{", "OFFSET 0 0 0", channels, "End Site", "{", "OFFSET 0 1 0", "}", "}"]
    lines += ["}", "MOTION", f"Frames: {len(capture.positions)}", f"Frame Time: {1 / capture.fps:.7f}"]
    flat = capture.positions.reshape(len(capture.positions), -1)
    rows = np.concatenate([np.zeros((len(flat), 3)), flat], 1)
    return "\n".join([*lines, *(" ".join(f"{v:.5f}" for v in row) for row in rows)])
