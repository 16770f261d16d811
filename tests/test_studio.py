"""Studio's drawings against what geometry says they must be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from stage1_packs import renderer_or_skip, sliding_clip, write_sliding_pack

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.geometry import warp
from dabfusion.studio import cli, dataset
from dabfusion.studio.dance import Dance
from dabfusion.studio.dataset import ARRAYS, PackOptions, pose_pool, write_pack
from dabfusion.studio.figure import Build, procedural_figure, resize
from dabfusion.studio.pose_pool import facing, sample_pose, sample_standing
from dabfusion.studio.preview import dance_frames, write_preview
from dabfusion.studio.renderer import GROUND, STANDING_HEIGHT, Look, Pose
from dabfusion.studio.sheet import flow_colours, sheet_rows
from dabfusion.training.pairs import PairPack
from dabfusion.video import probe

FLAT = Look(shading=0.0, camera=1e4)  # no shading, no perspective
REST = np.tile(np.eye(3), (19, 1, 1))


@pytest.fixture(scope="module")
def renderer():
    return renderer_or_skip()


@pytest.fixture(scope="module")
def pool():
    return pose_pool(PackOptions(None, None))


def standing(renderer):
    """Dresses the procedural figure; its hips' position with the soles on the ground, and its leg."""
    offsets = renderer.dress(procedural_figure(), Build.natural())
    probe_view = renderer.reference(Pose(REST, np.zeros(3)), FLAT)
    leg = float(np.linalg.norm(offsets, axis=1)[[14, 15, 17, 18]].sum() / 2)
    return np.array([0, GROUND - probe_view.points[:, 1].min(), 0.0]), leg


def test_figure_stands_as_tall_as_asked(renderer):
    hips, _ = standing(renderer)
    alpha = renderer.frame(Pose(REST, hips), FLAT)[..., 3]
    rows = np.flatnonzero(alpha.max(1) > 128)
    assert abs((rows[-1] - rows[0] + 1) - 184) <= 8
    assert abs(rows[-1] - 240) <= 8


def test_unmoved_figure_has_no_flow_and_is_all_visible(renderer):
    hips, _ = standing(renderer)
    reference = renderer.reference(Pose(REST, hips), FLAT)
    drawing = renderer.drive(Pose(REST, hips), reference, FLAT)
    person = drawing.coverage > 0
    assert person.sum() > 150
    assert np.abs(drawing.flow).max() < 1e-4
    assert drawing.visible[person].min() > 0.99
    assert np.array_equal(drawing.rgba, reference.rgba)


def test_shifted_figure_has_the_shift_as_flow(renderer):
    hips, _ = standing(renderer)
    reference = renderer.reference(Pose(REST, hips), FLAT)
    drawing = renderer.drive(Pose(REST, hips + np.array([0.25, 0.125, 0])), reference, FLAT)  # right and up
    person = drawing.coverage > 0
    assert (
        np.abs(drawing.flow[person] - [-0.25, 0.125]).max() < 1e-3
    )  # backward: from the left and, y being down, from below
    assert np.abs(drawing.flow[~person]).max() == 0


def test_turned_figure_hides_what_the_start_frame_showed(renderer):
    hips, _ = standing(renderer)
    reference = renderer.reference(Pose(REST, hips), FLAT)
    drawing = renderer.drive(Pose(np.diag([-1.0, 1, -1]) @ REST, hips), reference, FLAT)
    inside = drawing.coverage > 0.99
    assert drawing.visible[inside].mean() < 0.1


def test_exact_flow_warps_the_start_frame_to_the_driving_frame(renderer, pool):
    hips, leg = standing(renderer)
    rng = np.random.default_rng(4)
    reference = renderer.reference(Pose(sample_standing(pool, rng, yaw=0.0)[0], hips), FLAT)
    start = torch.from_numpy(reference.rgba.copy()).permute(2, 0, 1)[None].float() / 255
    errors = []
    for _ in range(4):
        pose, _ = sample_pose(pool, rng, yaw=0.2, variation=0.3)
        drawing = renderer.drive(Pose(pose, hips + rng.normal(0, 0.1, 3) * leg), reference, FLAT)
        truth = torch.from_numpy(drawing.rgba.copy()).permute(2, 0, 1)[None].float() / 255
        flow = torch.from_numpy(drawing.flow).permute(2, 0, 1)[None]
        seen = torch.from_numpy((drawing.visible * drawing.coverage > 0.99).astype(np.float32))[None, None]
        slope = (
            (flow - F.avg_pool2d(flow, 7, 1, 3)).abs().amax(1, keepdim=True)
        )  # not across a silhouette or a limb's edge
        inside = (-F.max_pool2d(-seen, 7, 1, 3)) * (slope < 0.004)
        mask = F.interpolate(inside, (256, 256)).expand_as(truth).bool()
        assert mask[0, 0].sum() > 500
        warped = (warp(start, flow) - truth)[mask].square().mean()
        assert -10 * np.log10(float(warped)) > 24  # dB
        errors.append([float((picture - truth)[mask].square().sum()) for picture in (warp(start, flow), start)])
    moved, still = np.sum(errors, 0)
    assert moved < 0.25 * still


def test_points_are_where_they_are_drawn(renderer):
    hips, _ = standing(renderer)
    pose = REST.copy()
    pose[6:9] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]  # left arm straight up
    drawing = renderer.drive(Pose(pose, hips), renderer.reference(Pose(REST, hips), FLAT), FLAT)
    hand = drawing.points[8]
    column, row = int((hand[0] + 1) * 128), int((1 - hand[1]) * 128)
    assert drawing.rgba[row, column, 3] > 128
    assert hand[1] > drawing.points[4, 1]  # above the head's joint
    assert hand[0] > 0  # the dancer's left is the picture's right


def test_builds_change_proportions_but_not_height():
    figure = procedural_figure()
    plain, _ = resize(figure, Build.natural(), STANDING_HEIGHT)
    long_legs = np.ones(19, np.float32)
    long_legs[[13, 14, 16, 17]] = 1.3
    other, _ = resize(figure, Build(long_legs), STANDING_HEIGHT)
    ratio = [np.linalg.norm(o[14]) / np.linalg.norm(o[2]) for o in (plain, other)]
    assert ratio[1] == pytest.approx(1.3 * ratio[0], rel=1e-5)

    def tall(offsets):
        return -offsets[14, 1] - offsets[15, 1] - offsets[22, 1] + offsets[[1, 2, 3, 4, 19], 1].sum()

    assert tall(other) == pytest.approx(tall(plain), rel=0.06)


def test_sampled_poses_are_rotations_that_face_as_asked(pool):
    rng = np.random.default_rng(0)
    for yaw in (-1.0, 0.0, 2.5):
        for rotation, _ in (sample_pose(pool, rng, yaw=yaw, variation=1.0), sample_standing(pool, rng, yaw=yaw)):
            assert np.allclose(rotation @ rotation.transpose(0, 2, 1), np.eye(3), atol=1e-4)
            assert np.linalg.det(rotation) == pytest.approx(np.ones(19), abs=1e-4)
            assert np.cos(facing(rotation) - yaw) > 0.999


def test_pack_is_reproducible_by_seed_and_readable(tmp_path, monkeypatch, renderer):
    monkeypatch.setattr(dataset, "CLIPS_PER_SHARD", 1)
    monkeypatch.setattr(dataset, "Renderer", lambda: renderer)
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_pack(PackOptions(None, None, seed=seed), tmp_path / name, 1)
    a, b, c = (PairPack(tmp_path / n).clip(0, np.arange(8)) for n in "abc")
    assert set(a) == set(ARRAYS)
    for name, (shape, dtype) in ARRAYS.items():
        assert a[name].shape == shape and a[name].dtype == dtype
        assert np.array_equal(a[name], b[name]), name
    assert not np.array_equal(a["drive_code"], c["drive_code"])
    assert (a["coverage"].reshape(8, -1) > 0).sum(1).min() > 60  # somebody in every frame
    before = (tmp_path / "a" / "0000" / "flow.npy").stat().st_mtime_ns
    write_pack(PackOptions(None, None, seed=3), tmp_path / "a", 1)
    assert (tmp_path / "a" / "0000" / "flow.npy").stat().st_mtime_ns == before  # what is there is kept


def test_colours_of_flow_tell_direction_and_absence():
    flow = np.zeros((2, 2, 2), np.float32)
    flow[0, 0], flow[0, 1] = (0.6, 0), (-0.6, 0)
    colours = flow_colours(flow, np.array([[1, 1], [1, 0]], np.float32))
    assert colours[1, 1] == pytest.approx([1, 1, 1])  # nobody
    assert colours[1, 0] == pytest.approx([0.95] * 3)  # still
    assert np.abs(colours[0, 0] - colours[0, 1]).max() > 0.5


def test_sheet_shows_the_warped_start_as_the_drive():
    rows = sheet_rows(sliding_clip(np.random.default_rng(1)), 2)
    assert rows.shape == (512, 1280, 3) and rows.dtype == np.uint8
    drive, warped = (rows[:256, 256 * k : 256 * (k + 1)].astype(int) for k in (1, 2))
    assert np.abs(drive - warped).mean() < 6
    assert np.abs(drive - rows[:256, :256]).mean() > 8  # and not as the start


def test_command_line_makes_a_sheet_and_says_where(tmp_path, capsys):
    write_sliding_pack(tmp_path / "pack", clips=2)
    out = tmp_path / "sheet.png"
    assert (
        cli.main(["sheet", "--pairs", str(tmp_path / "pack"), "--out", str(out), "--clips", "2", "--drives", "1"]) == 0
    )
    assert capsys.readouterr().out.strip().splitlines()[-1] == str(out)
    assert Image.open(out).size == (2 * 1280, 256)


def test_command_line_refuses_what_is_not_there(tmp_path):
    with pytest.raises(UserError, match="is not there"):
        cli.main(["pairs", "--out", str(tmp_path / "p"), "--avatars", str(tmp_path / "nobody")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no \.glb people"):
        cli.main(["pairs", "--out", str(tmp_path / "p"), "--avatars", str(tmp_path / "empty")])
    with pytest.raises(UserError, match="share from 0 to 1"):
        cli.main(["people", "--out", str(tmp_path / "p"), "--drawings", "2"])
    assert not (tmp_path / "p").exists()


def short_dance(frames):
    """Standing on the ground, stepping right by a tenth of a leg each frame."""
    root = np.zeros((frames, 3), np.float32)
    root[:, 0], root[:, 1] = 0.1 * np.arange(frames), 1.185
    time = np.arange(int(frames / 30 * 22050)) / 22050
    return Dance(
        rotation=np.tile(REST.astype(np.float32), (frames, 1, 1, 1)), root=root, beat_times=np.array([0.1]),
        tempo=120.0, style="house",
        energy=np.ones(frames, np.float32), counts=np.arange(frames), source="authored", move_names=(),
        audio=(0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), sample_rate=22050,
    )  # fmt: skip


def test_preview_stands_on_the_ground_and_marks_the_beat(renderer):
    plate = np.full((256, 256, 3), 1.0, np.float32)
    frames = list(dance_frames(renderer, procedural_figure(), short_dance(8), plate, mark_beats=True))
    dark = [np.abs(f.astype(int) - 255).max(-1) > 110 for f in (frames[0], frames[7])]
    soles = [np.flatnonzero(d[:, 60:].any(1))[-1] for d in dark]
    assert all(abs(row - 240) <= 8 for row in soles)
    middle = [np.flatnonzero(d[60:].any(0)).mean() for d in dark]
    assert middle[1] - middle[0] > 10  # went right
    red = [f[10, 10, 0] - int(f[10, 10, 1]) > 100 for f in frames]
    assert red == [False] * 3 + [True] * 3 + [False] * 2


def test_preview_is_a_film_with_sound(tmp_path, renderer):
    path = tmp_path / "dance.mp4"
    write_preview(path, renderer, procedural_figure(), short_dance(15), np.ones((256, 256, 3), np.float32))
    info = probe(path)
    assert (info.frame_count, info.fps, info.width) == (15, 30, 256)
    assert info.audio_duration == pytest.approx(0.5, abs=1 / 30)
