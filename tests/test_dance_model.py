"""The dance model's seam: right shapes, an untouched plate, the same frames for the same seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.transform import Rotation

from dabfusion import dance_model
from dabfusion.checkpoint import open_checkpoint, save_checkpoint
from dabfusion.config import STYLES, GenerationOptions
from dabfusion.contact_shadow import contact_shadow
from dabfusion.dance_model import (
    Sizes,
    TrainedDancer,
    build_parts,
    crisp,
    drawn_window,
    load_dance_model,
    near_person,
    pieces,
)
from dabfusion.errors import CheckpointError
from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.stiff_parts import with_stiff_parts
from dabfusion.flow_diffusion.model import FlowDiffusionConfig, build_flow_diffusion
from dabfusion.known_front import DRAWING, PERSON
from dabfusion.shown_side import with_shown_side
from dabfusion.skeleton import BONES, CODE_SIZE, forward_kinematics, rotations_of
from preprocess.start_frame import FinePicture, StartFrame

TINY = Sizes((8, 8, 8, 8), 16, (8, 8, 8, 8), 4, 4, 1)
UPPER, LOWER = (
    tuple(BONES.index(f"{side}{part}") for side in ("Left", "Right") for part in parts)
    for parts in (("UpLeg", "Leg", "Arm", "ForeArm"), ("Leg", "Foot", "ForeArm", "Hand"))
)  # both ends of limbs
DANCE = FlowDiffusionConfig(STYLES, width=32, depth=1, heads=2, window=20)


def write_tiny(folder: Path) -> None:
    torch.manual_seed(0)
    reader, codec, generator = build_parts(TINY)
    reader.mean_offsets.copy_(torch.randn(24, 3) * 0.1)
    diffusion = build_flow_diffusion(DANCE)
    with torch.no_grad():  # an untrained denoiser says 0 to everything
        for weights in diffusion.parameters():
            weights.normal_(0, 0.1)
    parts = {"body_reader": reader, "codec": codec, "generator": generator, "flow_diffusion": diffusion}
    config = {"flow_autoencoder": TINY.__dict__, "flow_diffusion": DANCE.__dict__}
    save_checkpoint(folder, config, {name: part.state_dict() for name, part in parts.items()})


@pytest.fixture(scope="module")
def dancer(tmp_path_factory: pytest.TempPathFactory) -> TrainedDancer:
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny(folder)
    return load_dance_model(open_checkpoint(folder), torch.device("cpu"))


@pytest.fixture(scope="module")
def start_frame() -> StartFrame:
    person = np.zeros((256, 256, 4), np.float32)
    person[60:240, 100:150] = (0.8, 0.3, 0.2, 1.0)
    plate = np.random.default_rng(0).random((256, 256, 3)).astype(np.float32)
    return StartFrame(person, plate, np.zeros((17, 3), np.float32), np.float32([[1, 0, 0], [0, 1, 0]]))


def make(dancer: TrainedDancer, start_frame: StartFrame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    body = dancer.read_body(start_frame)
    music = np.zeros((20, 16), np.float32)
    codes = dancer.sample_codes(body, music, GenerationOptions(seed=seed, steps=3), lambda *_: None, lambda: False)
    return codes, np.concatenate(list(dancer.frames(start_frame, body, codes)))


def test_only_a_figure_in_which_nobody_is_recognised_lies_in_its_plane(
    dancer: TrainedDancer, start_frame: StartFrame
) -> None:
    def depth(frame: StartFrame) -> float:
        body = dancer.read_body(frame).body
        away = forward_kinematics(body.code, body.offsets, body.hips)[0, :, 2]
        return float((away[list(LOWER)] - away[list(UPPER)]).abs().mean())

    recognised = replace(start_frame, keypoints=np.full((17, 3), 128, np.float32))
    assert depth(start_frame) < 0.5 * depth(recognised)


def test_a_person_turns_further_than_a_drawing_and_neither_further_than_it_may(
    dancer: TrainedDancer, start_frame: StartFrame
) -> None:
    def farthest_turn(frame: StartFrame) -> float:
        codes, _ = make(dancer, frame, 3)
        _, y, _, w = Rotation.from_matrix(rotations_of(codes)[:, BONES.index("Hips")]).as_quat().T
        turn = 2 * (np.arctan2(y, w) - np.arctan2(y[0], w[0]))
        return float(np.abs(np.angle(np.exp(1j * turn))).max())

    recognised = replace(start_frame, keypoints=np.full((17, 3), 128, np.float32))
    assert farthest_turn(start_frame) <= DRAWING.body.most + 1e-3 < farthest_turn(recognised) <= PERSON.body.most + 1e-3


def test_only_a_drawings_trunk_is_kept_stiff(
    dancer: TrainedDancer, start_frame: StartFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []

    def noted(maps: FlowMaps, flat: bool = False) -> FlowMaps:
        told.append(flat)
        return with_stiff_parts(maps, flat)

    monkeypatch.setattr(dance_model, "with_stiff_parts", noted)
    for keypoints in (start_frame.keypoints, np.full((17, 3), 128, np.float32)):
        shown = replace(start_frame, keypoints=keypoints)
        body = dancer.read_body(shown)
        next(dancer.frames(shown, body, body.code[None].astype(np.float32)))
    assert told == [True, False]


def test_one_frame_for_every_code_and_the_same_for_the_same_seed(
    dancer: TrainedDancer, start_frame: StartFrame
) -> None:
    codes, frames = make(dancer, start_frame, 3)
    again_codes, again = make(dancer, start_frame, 3)
    other_codes, _ = make(dancer, start_frame, 4)
    assert codes.shape == (20, CODE_SIZE)
    assert frames.shape == (20, 256, 256, 3) and frames.dtype == np.uint8
    assert np.array_equal(codes, again_codes) and np.array_equal(frames, again)
    assert np.abs(codes - other_codes).max() > 0.01


def test_the_dance_begins_in_the_pose_of_the_photo(dancer: TrainedDancer, start_frame: StartFrame) -> None:
    body = dancer.read_body(start_frame)
    codes, _ = make(dancer, start_frame, 3)
    assert np.allclose(codes[0], body.code, atol=1e-4)


def test_known_hands_are_drawn_as_the_photo_shows_them(dancer: TrainedDancer, start_frame: StartFrame) -> None:
    body = dancer.read_body(start_frame)
    flat = forward_kinematics(body.body.code, body.body.offsets, body.body.hips)[0, :, :2]
    x, y = ((flat[BONES.index("LeftHand")] * torch.tensor([1, -1]) + 1) * 256).int().tolist()
    cover = np.zeros((2, 512, 512), np.uint8)
    cover[0, max(0, y - 40) : y + 40, max(0, x - 40) : x + 40] = 255
    person = np.tile(np.float32([0.0, 1.0, 0.0, 1.0]), (256, 256, 1))  # all green, and the network is untrained
    shown = replace(start_frame, person=person)
    code = body.code[None].astype(np.float32)
    green = np.uint8([0, 255, 0])
    frames = {known: next(dancer.frames(replace(shown, hands=cover * known), body, code))[0] for known in (0, 1)}
    assert (frames[1] == green).all(-1).sum() > (frames[0] == green).all(-1).sum() + 50


def test_the_plate_stays_untouched_outside_the_drawn_window(dancer: TrainedDancer, start_frame: StartFrame) -> None:
    body = dancer.read_body(start_frame)
    codes, frames = make(dancer, start_frame, 3)
    with torch.inference_mode():
        person = torch.from_numpy(start_frame.person).permute(2, 0, 1)[None]
        tensors = torch.from_numpy(codes[:8])
        with torch.autocast("cpu", torch.bfloat16):
            description = dancer._codec.anchored(dancer._codec.describe(person), body.body)
            maps = dancer._codec.decode(description.repeated(8), body.body.repeated(8), tensors)
        top, left, height, width = drawn_window(maps)
    outside = np.ones((256, 256), bool)
    outside[top : top + height, left : left + width] = False
    plate = (start_frame.plate * 255 + 0.5).astype(np.uint8)
    bright = contact_shadow(body.body, tensors, 256)[:, 0].numpy() > 0.9999
    assert outside.any() and bright.mean() > 0.5
    for frame, lit in zip(frames[:8], bright, strict=True):
        assert np.abs(frame[outside & lit].astype(int) - plate[outside & lit]).max() <= 1


def test_frames_of_256_are_what_the_generator_decodes(dancer: TrainedDancer, start_frame: StartFrame) -> None:
    """To the bit: the layer over the lit plate, put together here in another way."""
    body = dancer.read_body(start_frame)
    codes, frames = make(dancer, start_frame, 3)
    with torch.inference_mode():
        person = torch.from_numpy(start_frame.person).permute(2, 0, 1)[None].contiguous()
        plate = torch.from_numpy(start_frame.plate).permute(2, 0, 1)[None]
        code = torch.from_numpy(with_shown_side(codes, body.code, body.offsets)[:8])
        with torch.autocast("cpu", torch.bfloat16):
            description, encoded = dancer._codec.describe(person), dancer._generator.encode(person)
            anchored = dancer._codec.anchored(description, body.body)
            maps = with_stiff_parts(dancer._codec.decode(anchored.repeated(8), body.body.repeated(8), code))
            top, left, height, width = window = drawn_window(maps)
            layer = dancer._generator.decode(encoded.repeated(8), maps, window).float()
        whole = F.pad(crisp(layer) * near_person(maps, window), (left, 256 - left - width, top, 256 - top - height))
        picture = whole[:, :3] + (1 - whole[:, 3:]) * (plate * contact_shadow(body.body, code, 256))
    assert np.array_equal(frames[:8], (picture.clamp(0, 1) * 255 + 0.5).byte().permute(0, 2, 3, 1).numpy())


def test_fine_frames_show_the_same_dance_and_the_finer_picture(dancer: TrainedDancer, start_frame: StartFrame) -> None:
    start_frame = replace(start_frame, plate=np.full((256, 256, 3), 0.3, np.float32))
    body = dancer.read_body(start_frame)
    codes, frames = make(dancer, start_frame, 3)

    def fine(start: StartFrame) -> np.ndarray:
        return np.concatenate(list(dancer.frames(start, body, codes[:4], 512)))

    plain = fine(start_frame)
    assert plain.shape == (4, 512, 512, 3) and plain.dtype == np.uint8
    small = plain.reshape(4, 256, 2, 256, 2, 3).mean((2, 4))
    assert np.abs(small - frames[:4]).mean() < 4
    person, plate = ((v * 255).astype(np.uint8) for v in start_frame.layers(512))
    striped = person.copy()
    striped[:, ::2, :3] //= 4
    again, other = (fine(replace(start_frame, fine=FinePicture(p, plate))) for p in (person, striped))
    assert np.abs(again.astype(int) - plain).mean() < 2
    assert np.abs(other.astype(int) - again).max() > 20
    usual = dancer.frames(replace(start_frame, fine=FinePicture(striped, plate)), body, codes)
    assert np.array_equal(np.concatenate(list(usual)), frames)


def test_a_shadow_lies_under_a_standing_foot_and_fades_when_it_is_lifted() -> None:
    points, offsets = torch.zeros(1, 24, 2), torch.zeros(1, 24, 3)
    points[0, [15, 22, 18, 23], 1] = 0.5
    offsets[0, [14, 15, 17, 18], 1] = -0.25
    code = torch.zeros(2, CODE_SIZE)
    code[:, : CODE_SIZE - 3] = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(19)
    code[1, -2] = 1.0  # the hips one leg length up: both feet in the air
    shade = contact_shadow(Body(points, code[:1], offsets), code, 256)
    assert float(shade[0, 0, 192, 128]) < 0.75 and float(shade[0, 0, 20, 20]) > 0.999
    assert float(shade[1, 0, 192, 128]) > 0.98


def test_the_window_holds_the_matte_and_is_aligned() -> None:
    matte = torch.zeros(2, 1, 64, 64)
    matte[0, 0, 10:20, 30:33] = 1
    matte[1, 0, 50, 40] = 1
    top, left, height, width = drawn_window(FlowMaps(torch.zeros(2, 2, 64, 64), matte, matte))
    assert all(v % 16 == 0 for v in (top, left, height, width))
    assert top <= 40 - 8 and top + height >= 51 * 4 + 8
    assert left <= 120 - 8 and left + width >= 41 * 4 + 8
    assert drawn_window(FlowMaps(torch.zeros(1, 2, 64, 64), matte[:1] * 0, matte[:1] * 0)) == (0, 0, 16, 16)


def test_nothing_is_drawn_away_from_the_matte() -> None:
    matte = torch.zeros(1, 1, 64, 64)
    matte[0, 0, 20:30, 30:33] = 1
    maps = FlowMaps(torch.zeros(1, 2, 64, 64), matte, matte)
    window = drawn_window(maps)
    keep = near_person(maps, window)
    assert keep.shape == (1, 1, window[2], window[3])
    inside = keep[0, 0, 80 - window[0] : 120 - window[0], 120 - window[1] : 132 - window[1]]
    assert float(inside.min()) == 1
    edge = torch.cat([keep[0, 0, 0], keep[0, 0, -1], keep[0, 0, :, 0], keep[0, 0, :, -1]])
    assert float(edge.max()) == 0


def test_a_config_of_another_version_is_told(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    checkpoint = open_checkpoint(tmp_path)
    broken = type(checkpoint)(checkpoint.folder, {**checkpoint.config, "flow_autoencoder": {"wings": 2}})
    with pytest.raises(CheckpointError, match="wings"):
        load_dance_model(broken, torch.device("cpu"))


def test_crisp_narrows_the_rim_and_keeps_colour_and_extremes():
    alpha = torch.linspace(0, 1, 21).view(1, 1, 1, 21)
    colour = torch.tensor([0.8, 0.4, 0.2]).view(1, 3, 1, 1)
    layer = crisp(torch.cat([alpha * colour, alpha], 1))
    assert layer[0, 3, 0, :6].max() == 0 and layer[0, 3, 0, 15:].min() == 1
    assert layer[0, 3, 0, 10] == pytest.approx(0.5)
    shown = layer[0, 3, 0] > 0.01
    kept = (layer[0, :3, 0] / layer[0, 3:, 0])[:, shown]
    assert torch.allclose(kept, colour[0, :, :, 0].expand_as(kept), atol=1e-5)


def test_what_is_drawn_at_once_has_a_bound_and_no_frame_is_left_out() -> None:
    assert pieces(8, (0, 0, 128, 128)) == [slice(0, 8)]
    assert pieces(8, (0, 0, 256, 256)) == [slice(0, 4), slice(4, 8)]
    assert pieces(7, (16, 0, 240, 256)) == [slice(0, 4), slice(4, 8)]
    for count in range(1, 9):
        for side in (16, 144, 208, 256):
            some = pieces(count, (0, 0, side, side))
            assert [n for part in some for n in range(count)[part]] == list(range(count))
            assert all(len(range(count)[part]) * side * side <= 8 * 40 * 2**10 for part in some)


def test_frames_do_not_depend_on_how_many_are_drawn_at_once(
    dancer: TrainedDancer, start_frame: StartFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole = make(dancer, start_frame, 1)
    monkeypatch.setattr("dabfusion.dance_model._DRAWN_AT_ONCE", 1)  # one by one
    _, single = make(dancer, start_frame, 1)
    assert whole.shape == single.shape and np.abs(whole.astype(int) - single).max() <= 2
