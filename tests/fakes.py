"""Stand-ins that need no weights: a photo stage that cuts out a rectangle, and a dancer that moves pixels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from dabfusion.config import FRAME_SIZE, GenerationOptions
from dabfusion.errors import Cancelled
from dabfusion.music_encoder.embedding import MusicEmbedding
from dabfusion.music_encoder.encoder import build_music_encoder
from dabfusion.pipeline import DabFusion
from dabfusion.services import Services
from dabfusion.skeleton import CODE_SIZE, NUM_BONES, ROTATION_SIZE
from preprocess.background import make_plate
from preprocess.brush import paint
from preprocess.composite import FRAME, measure, place
from preprocess.edges import cut_figure
from preprocess.person import Person
from preprocess.photo import Photo, read_photo
from preprocess.plates import DEFAULT_PLATE
from preprocess.segment import Cutout, Point
from preprocess.start_frame import StartFrame
from preprocess.stroke import Stroke

BPM = 120


@dataclass(frozen=True)
class FakeBody:
    """Bones of unit length straight up."""

    offsets: np.ndarray
    hips: np.ndarray


class FakeModel:
    """Nods to the beat: the hips' height follows the beat's phase, frames are the composite shifted by it."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause  # seconds per batch of frames

    def read_body(self, start_frame: StartFrame) -> FakeBody:
        return FakeBody(np.tile(np.float32([0, 0.2, 0]), (24, 1)), np.zeros(3, np.float32))

    def sample_codes(
        self,
        body: FakeBody,
        features: np.ndarray,
        options: GenerationOptions,
        progress: Callable[[str, int, int], None],
        should_stop: Callable[[], bool],
    ) -> np.ndarray:
        noise = np.random.default_rng(options.seed).normal(0, 0.002, len(features)).cumsum()
        codes = np.zeros((len(features), CODE_SIZE), np.float32)
        codes[:, :ROTATION_SIZE] = np.tile(np.float32([1, 0, 0, 0, 1, 0]), NUM_BONES)
        codes[:, ROTATION_SIZE + 1] = 0.15 * features[:, 1] + noise  # cosine of the beat's phase
        for step in range(options.steps):
            if should_stop():
                raise Cancelled
            progress("dance", step + 1, options.steps)
        return codes

    def frames(self, start_frame: StartFrame, body: FakeBody, codes: np.ndarray, size: int) -> Iterator[np.ndarray]:
        picture = (np.clip(start_frame.composite_at(size), 0, 1) * 255 + 0.5).astype(np.uint8)
        shifts = np.rint(codes[:, ROTATION_SIZE + 1] * 40 * size / FRAME_SIZE).astype(int)
        for k in range(0, len(codes), 16):
            time.sleep(self.pause)
            yield np.stack([np.roll(picture, shift, axis=0) for shift in shifts[k : k + 16]])


class FakePhotos:
    """Two people side by side; each click inside grows the mask."""

    def find_people(self, photo: Photo) -> list[Person]:
        width, height = photo.size
        left = Person(np.float32([0.1 * width, 0.1 * height, 0.5 * width, 0.95 * height]), 0.9)
        right = Person(np.float32([0.55 * width, 0.2 * height, 0.9 * width, 0.95 * height]), 0.8)
        return [left, right]

    def cut_out(self, photo: Photo, person: Person, points: Sequence[Point] = ()) -> Cutout:
        mask = np.zeros(photo.pixels.shape[:2], bool)
        x1, y1, x2, y2 = person.box.astype(int)
        mask[y1:y2, x1:x2] = True
        for x, y, inside in points:
            mask[max(0, int(y) - 20) : int(y) + 20, max(0, int(x) - 20) : int(x) + 20] = inside
        return Cutout(mask, 0.9)

    def compose(
        self, photo: Photo, person: Person, cutout: Cutout, background: str | Path = DEFAULT_PLATE, asked: bool = False
    ) -> StartFrame:
        body = measure(cutout.mask, person.keypoints)
        transform = place(cutout.mask, body)
        return StartFrame(
            cut_figure(photo.pixels, cutout.mask, transform, FRAME),
            make_plate(background, photo, cutout.mask, transform),
            np.zeros((17, 3), np.float32),
            transform,
            ("The legs are cut off, so the feet are guessed.",) if asked else (),
        )

    def start_frame(
        self,
        photo: Photo | Path,
        person: int | None = None,
        points: Sequence[Point] = (),
        background: str | Path = DEFAULT_PLATE,
        strokes: Sequence[Stroke] = (),
    ) -> StartFrame:
        photo = read_photo(photo)
        chosen = self.find_people(photo)[(person or 1) - 1]
        return self.compose(photo, chosen, paint(self.cut_out(photo, chosen, points), strokes), background)


def fake_services(pause: float = 0.0) -> Services:
    """Fake photo stage and model, real song stage and pipeline."""
    return Services(FakePhotos(), build_music_encoder(), DabFusion(FakeModel(pause)), hear_house)


def hear_house(music: MusicEmbedding) -> tuple[str, float]:
    """House, the surer the nearer to 120 beats a minute."""
    return "house", max(0.0, 0.7 - abs(music.tempo - BPM) / 100)


def write_photo(path: Path) -> Path:
    """A picture (320, 400) of two coloured blocks on a gradient."""
    rows, columns = np.mgrid[0:400, 0:320]
    pixels = np.stack([rows * 0.5, columns * 0.6, rows * 0 + 90], -1).astype(np.uint8)
    pixels[40:380, 32:160] = (200, 60, 60)
    pixels[80:380, 176:288] = (60, 90, 200)
    Image.fromarray(pixels).save(path)
    return path


def write_song(path: Path, seconds: float = 6.0) -> Path:
    """A click track at BPM over a quiet tone."""
    rate = 22050
    times = np.arange(int(seconds * rate)) / rate
    click = np.exp(-((times * BPM / 60) % 1) * 30) * np.sin(2 * np.pi * 900 * times)
    soundfile.write(path, (0.7 * click + 0.05 * np.sin(2 * np.pi * 220 * times)).astype(np.float32), rate)
    return path


def plain_start_frame() -> StartFrame:
    """A grey block on black."""
    person = np.zeros((FRAME_SIZE, FRAME_SIZE, 4), np.float32)
    person[60:240, 96:160] = (0.5, 0.5, 0.5, 1)
    plate = np.zeros((FRAME_SIZE, FRAME_SIZE, 3), np.float32)
    return StartFrame(person, plate, np.zeros((17, 3), np.float32), np.eye(2, 3, dtype=np.float32))
