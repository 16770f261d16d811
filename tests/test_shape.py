"""The tall picture: exactly 9:16, the dance in it unchanged but for its scale, the surroundings still."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import FakeModel, plain_start_frame, write_song

from dabfusion.config import PORTRAIT, SQUARE, GenerationOptions
from dabfusion.errors import OptionError
from dabfusion.extras import Extras
from dabfusion.music_encoder.encoder import build_music_encoder
from dabfusion.pipeline import DabFusion
from dabfusion.shape import TALL_HEIGHT, TALL_WIDTH, make_framing, other_shape
from dabfusion.video_reader import probe, read_frames
from preprocess.plates import draw_plate


def test_the_square_stays_as_it_is() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    framing = make_framing(SQUARE, np.zeros((256, 256, 3), np.float32))
    assert framing.size == (256, 256) and np.array_equal(framing.place(frames), frames)


def test_the_tall_picture_holds_the_square_and_nothing_else_moves() -> None:
    plate = draw_plate("wood-floor")
    frames = np.stack([plate, plate])
    frames[1, 60:240, 100:150] = (1, 0, 0)
    frames = (frames * 255 + 0.5).astype(np.uint8)
    framing = make_framing(PORTRAIT, plate)
    tall = framing.place(frames)
    assert tall.shape == (2, TALL_HEIGHT, TALL_WIDTH, 3) and TALL_WIDTH * 16 == TALL_HEIGHT * 9
    outside = np.ones(TALL_HEIGHT, bool)
    outside[framing.top : framing.top + TALL_WIDTH] = False
    assert np.array_equal(tall[0, outside], tall[1, outside])
    back = cv2.resize(tall[1, framing.top : framing.top + TALL_WIDTH], (256, 256), interpolation=cv2.INTER_AREA)
    error = np.abs(back[12:-12].astype(int) - frames[1, 12:-12])
    assert np.median(error) <= 1 and error.mean() < 3


@pytest.mark.parametrize("name", ["wood-floor", "dark-stage"])
def test_no_seam_shows_between_the_plate_and_its_continuation(name: str) -> None:
    plate = draw_plate(name)
    framing = make_framing(PORTRAIT, plate)
    tall = framing.place((plate[None] * 255 + 0.5).astype(np.uint8))[0].astype(float)
    steps = np.abs(np.diff(tall, axis=0)).mean((1, 2))
    for seam in (framing.top, framing.top + TALL_WIDTH):
        around = np.r_[steps[seam - 30 : seam - 2], steps[seam + 2 : seam + 30]]
        assert steps[seam - 2 : seam + 2].max() <= max(1.5, 1.1 * around.max())


@pytest.mark.parametrize("shape", [SQUARE, PORTRAIT])
def test_fine_frames_make_twice_the_picture(shape: str) -> None:
    coarse, fine = make_framing(shape, draw_plate("wood-floor")), make_framing(shape, draw_plate("wood-floor", 512))
    assert fine.size == (2 * coarse.size[0], 2 * coarse.size[1]) and fine.top == 2 * coarse.top
    small, large = (f.place((draw_plate("wood-floor", s)[None] * 255 + 0.5).astype(np.uint8))[0]
                    for f, s in ((coarse, 256), (fine, 512)))  # fmt: skip
    assert large.shape == (fine.size[1], fine.size[0], 3)
    shrunk = cv2.resize(large, coarse.size, interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - small).mean() < 2


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(OptionError, match="no shape"):
        make_framing("round", np.zeros((256, 256, 3), np.float32))


@pytest.mark.parametrize("size", [256, 512])
def test_both_shapes_come_from_one_dance(tmp_path: Path, size: int) -> None:
    song = write_song(tmp_path / "song.wav")
    music = build_music_encoder().encode_file(song)
    seen: list[np.ndarray] = []
    extras = Extras(tmp_path / "tall.mp4", seen.append, {"person": 2})
    options, out = GenerationOptions(length=1, mark=False, size=size), tmp_path / "square.mp4"
    result = DabFusion(FakeModel()).generate(plain_start_frame(), music, song, out, options, extras=extras)
    assert result.other_video == tmp_path / "tall.mp4" and other_shape(SQUARE) == PORTRAIT
    square, tall = probe(result.video), probe(result.other_video)
    assert (square.width, square.height, tall.width, tall.height) == tuple(
        size // 256 * v for v in (256, 256, TALL_WIDTH, TALL_HEIGHT)
    )
    assert square.frame_count == tall.frame_count == sum(map(len, seen)) == 30
    assert '"person": 2' in tall.metadata["comment"] and '"shape": "portrait"' in tall.metadata["comment"]
    assert f'"size": {size}' in square.metadata["comment"] and seen[0].shape[1:] == (size, size, 3)
    frames, _ = read_frames(result.video)
    assert np.abs(frames.astype(int) - np.concatenate(seen)).mean() < 4
