"""Start frames of every kind and the reader that learns from them: poses, packs, hints, points beyond the frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from stage1_packs import renderer_or_skip

from dabfusion.checkpoint import open_checkpoint, save_checkpoint
from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.body_reader import COCO_JOINTS, BodyReader
from dabfusion.skeleton import BONES, encode_pose, forward_kinematics
from dabfusion.studio import people as studio_people
from dabfusion.studio.dataset import PackOptions, pose_pool
from dabfusion.studio.drawn_figures import draw_flat_figure, sample_flat_body
from dabfusion.studio.figure import procedural_figure
from dabfusion.studio.people import ARRAYS
from dabfusion.studio.photo_poses import sample_photo_pose
from dabfusion.studio.pose_pool import PosePool, axis_angle, set_arm, turn
from dabfusion.training import export, train_reader
from dabfusion.training.detected import HINT_MIRROR, detected_points, face_of
from dabfusion.training.people import PeoplePack, badly_cut

TINY = (8, 12)
STILL = np.tile(np.eye(3), (19, 1, 1))
OFFSETS = torch.from_numpy((procedural_figure().offsets * 0.8).astype(np.float32))
WRISTS = {"left": BONES.index("LeftHand"), "right": BONES.index("RightHand")}


@pytest.fixture(scope="module")
def pool() -> PosePool:
    return pose_pool(PackOptions(None, None), stride=40)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, pool: PosePool) -> Path:
    renderer = renderer_or_skip()
    folder = tmp_path_factory.mktemp("people") / "pack"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studio_people, "PEOPLE_PER_SHARD", 10)
        patch.setattr(studio_people, "Renderer", lambda: renderer)
        patch.setattr(studio_people, "people_poses", lambda options: pool)
        studio_people.write_people(PackOptions(None, None, seed=3, drawings=0.0), folder, 10)
        studio_people.write_people(PackOptions(None, None, seed=3, drawings=1.0), folder.with_name("drawn"), 10)
        studio_people.write_people(PackOptions(None, None, seed=3, drawings=0.5), folder.with_name("mixed"), 40)
    return folder


def placed(rotation: np.ndarray) -> torch.Tensor:
    code = torch.from_numpy(encode_pose(rotation, np.zeros(3))).float()
    return forward_kinematics(code, OFFSETS, torch.zeros(3))


def test_photo_poses_are_rotations_of_every_kind(pool: PosePool) -> None:
    rng, across, sitting = np.random.default_rng(0), 0, 0
    for _ in range(200):
        rotation, _ = sample_photo_pose(pool, rng)
        assert np.allclose(rotation @ rotation.transpose(0, 2, 1), np.eye(3), atol=1e-4)
        assert np.linalg.det(rotation) == pytest.approx(np.ones(19), abs=1e-4)
        points = placed(rotation[0].T @ rotation)  # facing the viewer
        across += int(points[WRISTS["left"], 0] < points[WRISTS["right"], 0] and points[WRISTS["left"], 2] > 0)
        sitting += int((rotation[0].T @ rotation[BONES.index("LeftUpLeg")])[2, 1] < -0.8)
    assert across > 3 and sitting > 5


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_a_twist_leads_either_forearm_inwards(side: str, sign: int) -> None:
    hands = []
    for twist in (0.0, 1.2):
        rotation = STILL.copy()
        set_arm(rotation, side, np.array([0.2, -1.0, 0.0]), twist, 1.5)
        hands.append(float(placed(rotation)[WRISTS[side], 0]) * sign)
    assert hands[1] < hands[0] - 0.05


def test_a_pack_is_made_once_and_read_as_it_was_written(pack: Path) -> None:
    read = PeoplePack(pack)
    assert len(read) == 10
    batch = read.collate(np.arange(10), None)
    assert batch.start.shape == (10, 4, 128, 128) and batch.keypoints.shape == (10, 17, 3)
    shown = batch.start[:, 3]
    inside = batch.body.points.abs().amax(-1) < 0.95
    cells = ((batch.body.points + 1) * 64).long().clamp(0, 127)
    on = torch.nn.functional.max_pool2d(shown[:, None], 9, 1, 4)[:, 0]
    held = on[torch.arange(10)[:, None], cells[..., 1], cells[..., 0]] > 0.5
    assert held[inside].float().mean() > 0.95  # points lie on the person
    assert (~inside).any()  # and some beyond the frame
    again = read.batch(np.random.default_rng(5), 4)
    assert torch.equal(again.start, read.batch(np.random.default_rng(5), 4).start)
    assert float(again.start.min()) >= 0 and float((again.start[:, :3] - again.start[:, 3:]).max()) < 1e-3


def test_a_share_of_a_pack_is_drawn_and_the_people_beside_stay_the_same(pack: Path) -> None:
    people, drawn, mixed = (PeoplePack(pack.with_name(name)) for name in (pack.name, "drawn", "mixed"))
    assert len(mixed) == 40
    whole = mixed.collate(np.arange(40), None)
    assert 5 <= int(whole.drawn.sum()) <= 35
    assert not people.collate(np.arange(10), None).drawn.any()
    all_drawn = drawn.collate(np.arange(10), None)
    assert all_drawn.drawn.all() and not all_drawn.keypoints.any()  # no detector knows drawings
    assert whole.keypoints[~whole.drawn][..., 2].any(1).all()
    rng = np.random.default_rng(0)
    hinted = [drawn.batch(rng, 10).keypoints[..., 2].any(1).float().mean() for _ in range(40)]
    assert 0.02 < float(np.mean(hinted)) < 0.2  # but now and then one finds a person in them
    for n in range(10):
        source = drawn if whole.drawn[n] else people
        assert torch.equal(whole.start[n], source.collate(np.array([n]), None).start[0])


def test_readers_are_measured_on_drawings_apart(pack: Path) -> None:
    torch.manual_seed(0)
    reader = BodyReader(TINY, hidden=16).eval()
    figures = {
        name: train_reader.evaluate(reader, PeoplePack(pack.with_name(name))) for name in (pack.name, "drawn", "mixed")
    }
    assert not any(name.startswith("drawn_") for name in figures[pack.name])
    assert all(name.startswith("drawn_") for name in figures["drawn"])
    assert {*figures["mixed"]} == {*figures[pack.name], *figures["drawn"]}
    assert figures["drawn"]["drawn_points_px"] > 5


def test_drawn_figures_stand_where_their_points_say() -> None:
    for seed in range(30):
        one = draw_flat_figure(np.random.default_rng(seed))
        again = draw_flat_figure(np.random.default_rng(seed))
        assert all(np.array_equal(one[name], again[name]) for name in one)
        assert {name: value.shape for name, value in one.items()} == {n: shape for n, (shape, _) in ARRAYS.items()}
        assert (one["start_rgba"][..., :3] <= one["start_rgba"][..., 3:]).all()  # premultiplied
        code, offsets, points = (torch.from_numpy(one[n]) for n in ("start_code", "offsets", "start_points"))
        assert torch.allclose(forward_kinematics(code, offsets, points[0]), points, atol=1e-5)
        body_plane = [n for n in range(24) if n not in (22, 23)]  # all but the toes
        assert points[body_plane, 2].abs().max() < 1e-6
        alpha = torch.from_numpy(one["start_rgba"][..., 3].astype(np.float32) / 255)
        near = torch.nn.functional.max_pool2d(alpha[None, None], 7, 1, 3)[0, 0]
        x, y = ((points[:22, 0] + 1) * 128).long(), ((1 - points[:22, 1]) * 128).long()
        inside = (x >= 0) & (x < 256) & (y >= 0) & (y < 256)
        assert near[y[inside], x[inside]].min() > 0.5, seed  # every point up to the finger tips lies on the figure


def test_drawn_figures_are_of_many_proportions() -> None:
    bodies = [sample_flat_body(np.random.default_rng(seed)) for seed in range(200)]
    heads = [float(b.points[19, 1] - b.points[4, 1]) / float(np.ptp(b.points[[4, 19, 22, 23], 1])) for b in bodies]
    assert min(heads) < 0.2 and max(heads) > 0.4
    wrists = np.array([b.points[WRISTS["left"]] - b.points[6] for b in bodies])
    assert (wrists[:, 1] > 0).mean() > 0.08 and (wrists[:, 1] < 0).mean() > 0.5  # arms up, arms down
    assert all(np.ptp(b.points[:, 1]) < 1.95 for b in bodies)


def test_no_people_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="studio people"):
        PeoplePack(tmp_path)


def test_mirrored_batches_agree_with_their_pictures(pack: Path) -> None:
    """A mirrored person's hints are the mirrored points, left and right exchanged."""
    batch = PeoplePack(pack).collate(np.arange(10), None)
    joints = batch.body.points[:, [p for _, p in COCO_JOINTS]]
    mirrored = batch.keypoints[:, HINT_MIRROR][:, :12, :2] * torch.tensor([-1.0, 1.0])
    other_side = joints[:, HINT_MIRROR[:12]] * torch.tensor([-1.0, 1.0])
    assert torch.allclose(mirrored, other_side, atol=1e-5)
    names = ["nose", "left eye", "right eye", "left ear", "right ear"]
    assert [names[i - 12] for i in HINT_MIRROR[12:]] == ["nose", "right eye", "left eye", "right ear", "left ear"]


def test_faces_are_where_the_head_looks() -> None:
    rotations = np.stack([STILL, STILL, STILL])
    rotations[1, 4] = turn(1.2)  # to the dancer's left, the picture's right
    rotations[2, 4] = axis_angle(np.array([0, 0, 1.0]), 0.4)
    codes = torch.from_numpy(np.stack([encode_pose(r, np.zeros(3)) for r in rotations])).float()
    points = forward_kinematics(codes, OFFSETS.expand(3, -1, -1), torch.zeros(3, 3))
    face, seen = face_of(points, codes, OFFSETS.expand(3, -1, -1))
    nose, left_eye, right_eye, left_ear, right_ear = face.unbind(1)
    assert seen[0].all() and seen[1].tolist() == [True, False, True, False, True]
    assert left_eye[0, 0] > nose[0, 0] > right_eye[0, 0] and left_ear[0, 0] > left_eye[0, 0]
    assert nose[1, 0] > nose[0, 0] + 0.05
    assert left_ear[2, 1] > right_ear[2, 1]  # a head tilted to its right lifts its left ear
    hints = detected_points(points, codes, OFFSETS.expand(3, -1, -1), torch.full((3,), 1e4), None)
    assert hints[1, 12:, 2].tolist() == [1, 0, 1, 0, 1]


def test_some_hints_are_missing_and_the_others_a_little_off(pack: Path) -> None:
    read, rng = PeoplePack(pack), np.random.default_rng(0)
    plain = read.collate(np.arange(10), None).keypoints
    body = {k: torch.from_numpy(np.asarray(v)) for k, v in read._shards["0000"].items()}
    values = (body["start_points"], body["start_code"], body["offsets"], body["camera"])
    drawn = torch.stack([detected_points(*values, rng) for _ in range(40)])
    known = plain[..., 2] > 0
    share = drawn[:, known][..., 2].mean()
    assert 0.4 < share < 0.7
    off = (drawn[..., :2] - plain[..., :2])[:, known]
    assert 0.008 < off.std() < 0.016 and off.mean().abs() < 0.002


def test_bad_cuts_add_or_take_and_leave_most_pictures_alone() -> None:
    picture = torch.zeros(4, 128, 128)
    picture[:, 20:120, 50:80] = 0.8
    picture[3] = (picture[3] > 0).float()
    rng = np.random.default_rng(0)
    areas = np.array([float(badly_cut(picture, rng)[3].sum()) for _ in range(300)])
    whole = float(picture[3].sum())
    assert 0.7 < (areas == whole).mean() < 0.9
    assert (areas > whole).mean() > 0.05 and (areas < whole).mean() > 0.04
    assert float(badly_cut(torch.zeros(4, 128, 128), rng).abs().sum()) == 0


def test_only_points_at_the_edge_can_lie_beyond_the_frame() -> None:
    torch.manual_seed(0)
    reader = BodyReader(TINY, hidden=16).eval()
    with torch.no_grad():
        reader.beyond.bias.fill_(0.5)
        reader.heat.weight.zero_()
        free = reader(torch.zeros(1, 4, 256, 256), torch.zeros(1, 17, 3)).points
        reader.heat.weight.normal_(0, 30)
        picture = torch.zeros(1, 4, 256, 256)
        picture[:, :, -8:, -8:] = 1
        sharp = reader(picture, torch.zeros(1, 17, 3)).points
    assert free.abs().max() < 0.05  # an even map's mean is the middle, where nothing is added
    assert sharp.max() > 1


def test_the_reader_learns_people_and_a_run_goes_on(pack: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    batch = PeoplePack(pack).collate(np.arange(10), None)
    reader = BodyReader(TINY, hidden=32)
    optimiser, losses = torch.optim.Adam(reader.parameters(), 3e-3), []
    for _ in range(12):
        loss, _ = train_reader.step(reader, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    figures = train_reader.misread(batch.body, batch.body)
    assert figures["points_px"] == 0 and figures["beyond_px"] == 0 and figures["turn_deg"] < 0.1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_reader, "BodyReader", lambda: BodyReader(TINY, hidden=32))
        for _ in range(2):
            train_reader.train(pack, tmp_path / "run", pack, None, minutes=1e-4, batch=2)
    assert (tmp_path / "run" / "ema.safetensors").exists()
    rows = (tmp_path / "run" / "held_out.csv").read_text("utf-8").splitlines()
    assert len(rows) == 2 and "plain_head_deg" in rows[0]


def test_another_reader_is_put_into_a_checkpoint_and_its_other_parts_stay(tmp_path: Path) -> None:
    old, new = BodyReader(TINY, hidden=16), BodyReader(TINY, hidden=16)
    other = {"weight": torch.arange(4.0)}
    config, parts = {"preset": "x", "training": {"data": "d"}}, {"body_reader": old.state_dict(), "codec": other}
    save_checkpoint(tmp_path / "base", config, parts)
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(UserError, match="no averaged weights"):
        export.export_reader(run, tmp_path / "base", tmp_path / "out")
    save_file({k: v.contiguous() for k, v in new.state_dict().items()}, run / "ema.safetensors")
    (run / "progress.json").write_text('{"steps": 7, "minutes": 1.5}', "utf-8")
    export.main(["--reader", str(run), "--base", str(tmp_path / "base"), "--out", str(tmp_path / "out")])
    made = open_checkpoint(tmp_path / "out")
    made.load_into(old, "body_reader")
    assert torch.allclose(old.head[0].weight, new.head[0].weight, atol=1e-3)
    assert torch.equal(made.tensors("codec")["weight"], other["weight"])
    assert made.config["training"]["body_reader"]["steps"] == 7 and made.config["training"]["data"] == "d"
    with pytest.raises(SystemExit):
        export.main(["--reader", str(run), "--out", str(tmp_path / "out")])
