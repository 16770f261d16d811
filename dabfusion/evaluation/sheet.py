"""Contact sheets: strips of frames at equal times, one video a row, side by side with what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

TILE = 128  #: px, height of a frame on the sheet
CAPTION = 16  #: px above each row
COLUMNS = 6  #: frames of each video


@dataclass(frozen=True)
class Strip:
    """One video on a sheet: its caption, and its pictures (N, H, W, 3) uint8 in order."""

    caption: str
    pictures: Sequence[np.ndarray]


def take_frames(frames: np.ndarray, count: int = COLUMNS) -> list[np.ndarray]:
    """``count`` frames at equal times from the first to the last of (F, H, W, 3)."""
    return [frames[round(float(i))] for i in np.linspace(0, len(frames) - 1, count)]


def draw_sheet(rows: Sequence[Sequence[Strip]], photos: Sequence[np.ndarray | None] = ()) -> Image.Image:
    """Rows of strips beside one another, each row led by its photo where there is one."""
    lines = []
    for index, strips in enumerate(rows):
        photo = photos[index] if index < len(photos) else None
        blocks = ([_captioned("photo", [photo])] if photo is not None else []) + [
            _captioned(strip.caption, strip.pictures) for strip in strips
        ]
        gap = np.full((TILE + CAPTION, 8, 3), 255, np.uint8)
        lines.append(np.concatenate([part for block in blocks for part in (block, gap)][:-1], 1))
    width = max(line.shape[1] for line in lines)
    padded = [np.pad(line, ((0, 0), (0, width - line.shape[1]), (0, 0)), constant_values=255) for line in lines]
    return Image.fromarray(np.concatenate(padded, 0))


def write_sheet(path: Path, rows: Sequence[Sequence[Strip]], photos: Sequence[np.ndarray | None] = ()) -> Path:
    """Draws a sheet and writes it as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_sheet(rows, photos).save(path)
    return path


def _captioned(caption: str, pictures: Sequence[np.ndarray]) -> np.ndarray:
    strip = np.concatenate([_tile(picture) for picture in pictures], 1)
    head = Image.new("RGB", (strip.shape[1], CAPTION), "white")
    ImageDraw.Draw(head).text((2, 2), caption, fill="black")
    return np.concatenate([np.array(head), strip], 0)


def _tile(picture: np.ndarray) -> np.ndarray:
    width = max(1, round(picture.shape[1] * TILE / picture.shape[0]))
    method = cv2.INTER_AREA if picture.shape[0] > TILE else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, TILE), interpolation=method)
