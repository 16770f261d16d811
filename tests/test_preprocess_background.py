"""Backgrounds: the drawn studios, colours, own pictures, and the photo's own with the figure filled in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preprocess.background import make_plate, own_background
from preprocess.errors import PhotoError
from preprocess.inpaint import fill_hole
from preprocess.photo import Photo
from preprocess.plates import DEFAULT_PLATE, PLATES, draw_plate

_IDENTITY = np.array([[1.0, 0, 0], [0, 1.0, 0]])


def _photo(pixels: np.ndarray) -> Photo:
    return Photo(pixels, None, (pixels.shape[1], pixels.shape[0]))


@pytest.mark.parametrize("name", PLATES)
def test_studios_are_pictures_and_the_same_every_time(name: str) -> None:
    plate = draw_plate(name)
    assert plate.shape == (256, 256, 3) and plate.dtype == np.float32
    assert plate.min() >= 0 and plate.max() <= 1 and plate.std() > 0.01
    assert (plate == draw_plate(name)).all()


@pytest.mark.parametrize("name", PLATES)
def test_finer_studios_are_the_same_pictures(name: str) -> None:
    fine = draw_plate(name, 512)
    assert fine.shape == (512, 512, 3) and fine.dtype == np.float32
    assert np.abs(fine.reshape(256, 2, 256, 2, 3).mean((1, 3)) - draw_plate(name)).mean() < 0.0006


@pytest.mark.parametrize("choice", ["original", "own", "#336699"])
def test_finer_plates_have_the_same_place(choice: str, tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:600, 0:800]
    pixels = np.stack([rows * 0.4, columns * 0.3, 127 + 120 * np.sin(columns / 15)], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "own.png")
    mask = np.zeros((600, 800), bool)
    mask[150:500, 350:450] = True
    transform = np.array([[0.4, 0, -30.0], [0, 0.4, 5.0]])
    where = str(tmp_path / "own.png") if choice == "own" else choice
    coarse, fine = (make_plate(where, _photo(pixels), mask, transform, side) for side in (256, 512))
    assert coarse.shape == (256, 256, 3) and fine.shape == (512, 512, 3)
    assert np.abs(fine.reshape(256, 2, 256, 2, 3).mean((1, 3)) - coarse).mean() < 0.01


def test_there_are_several_different_studios() -> None:
    drawn = [draw_plate(name) for name in PLATES]
    gaps = [np.abs(a - b).mean() for k, a in enumerate(drawn) for b in drawn[:k]]
    assert len(PLATES) >= 6 and min(gaps) > 0.02 and DEFAULT_PLATE in PLATES


def test_colours_and_files(tmp_path: Path) -> None:
    photo, mask = _photo(np.zeros((64, 64, 3), np.uint8)), np.zeros((64, 64), bool)
    assert make_plate("#336699", photo, mask, _IDENTITY)[9, 9] == pytest.approx([0.2, 0.4, 0.6])
    assert make_plate("white", photo, mask, _IDENTITY).min() == 1
    halves = np.zeros((300, 600, 3), np.uint8)
    halves[:, 300:] = 255
    Image.fromarray(halves).save(tmp_path / "own.png")
    plate = make_plate(tmp_path / "own.png", photo, mask, _IDENTITY)
    assert plate.shape == (256, 256, 3) and plate[:, :126].max() < 0.02 and plate[:, 130:].min() > 0.98
    with pytest.raises(PhotoError, match="white-studio"):
        make_plate("no such thing", photo, mask, _IDENTITY)


def test_what_is_known_stays_and_a_stripe_continues_through_the_hole() -> None:
    picture = np.full((96, 96, 3), 0.8, np.float32)
    picture[40:56] = (0.1, 0.2, 0.7)
    hole = np.zeros((96, 96), bool)
    hole[20:76, 38:58] = True
    broken = np.where(hole[..., None], np.float32(0.0), picture)
    filled = fill_hole(broken, hole)
    far = np.zeros_like(hole)
    far[:, :30] = far[:, 66:] = True
    assert (filled[far] == picture[far]).all()
    assert np.abs(filled - picture)[hole].mean() < 0.06


def test_own_background_loses_the_figure() -> None:
    rng = np.random.default_rng(1)
    pixels = (rng.uniform(100, 120, (256, 256, 1)) * np.ones(3)).astype(np.uint8)
    mask = np.zeros((256, 256), bool)
    mask[60:240, 100:150] = True
    pixels[mask] = (255, 0, 0)
    plate = own_background(_photo(pixels), mask, _IDENTITY)
    redness = plate[..., 0] - plate[..., 1]
    assert redness.max() < 0.1 and abs(float(plate.mean()) - 110 / 255) < 0.03
