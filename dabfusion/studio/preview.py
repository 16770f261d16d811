"""A short film of a Studio person dancing to a Studio song: the ground truth that one can watch and hear."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from dabfusion.config import VIDEO_FPS
from dabfusion.studio.body import STANDING_HEIGHT
from dabfusion.studio.dance import Dance
from dabfusion.studio.dataset import turn_down
from dabfusion.studio.figure import Build, Figure
from dabfusion.studio.renderer import GROUND, Look, Pose, Renderer
from dabfusion.video import VideoWriter

_LOOK = Look()
_CAMERA_PITCH = 0.06  # radians that the camera looks down
_SHADOW = 0.3  # darkest part of the contact shadow
_TICK_FRAMES = 3
_TICK = np.array([235, 60, 60], np.uint8)


def dance_frames(
    renderer: Renderer, figure: Figure, dance: Dance, plate: np.ndarray, mark_beats: bool = False
) -> Iterator[np.ndarray]:
    """Draws a dance over a plate.

    Args:
        renderer: draws.
        figure: who dances, as they are built.
        dance: rotation (F, 19, 3, 3) and root (F, 3).
        plate: (256, 256, 3) float32.
        mark_beats: a red square in the corner flashes on each beat.

    Yields:
        (256, 256, 3) uint8 RGB, one frame each 1/30 s.
    """
    offsets = renderer.dress(figure, Build.natural())
    leg = float(np.linalg.norm(offsets, axis=1)[[14, 15, 17, 18]].sum() / 2)
    size = leg / figure.leg  # frame units a metre
    rise = (
        figure.joints[0, 1] - figure.vertices[:, 1].min()
    ) * size - STANDING_HEIGHT * leg  # longer soles, higher hips
    beats = np.round(np.asarray(dance.beat_times) * VIDEO_FPS).astype(int)
    tilt = turn_down(_CAMERA_PITCH)
    for number, (rotation, root) in enumerate(zip(dance.rotation, dance.root, strict=True)):
        floor = tilt @ np.array([root[0] * leg, 0.0, root[2] * leg]) + [0.0, GROUND, 0.0]
        hips = floor + tilt @ np.array([0.0, root[1] * leg + rise, 0.0])
        person = renderer.frame(Pose(tilt @ rotation.astype(np.float64), hips), _LOOK).astype(np.float32) / 255
        ground = plate * (1 - _shadow(float(floor[0]), float(floor[1]), leg)[..., None])
        frame = ((person[..., :3] + (1 - person[..., 3:]) * ground) * 255 + 0.5).clip(0, 255).astype(np.uint8)
        if mark_beats and ((number - beats >= 0) & (number - beats < _TICK_FRAMES)).any():
            frame[8:24, 8:24] = _TICK
        yield frame


def _shadow(x: float, y: float, leg: float) -> np.ndarray:
    """(256, 256) darkness of a soft ellipse on the floor at frame coordinates (x, y up)."""
    centre = (2 * np.arange(256) + 1) / 256 - 1
    across = (centre[None, :] - x) / (0.55 * leg)
    along = (centre[:, None] + y) / (0.09 * leg)
    return (_SHADOW * np.exp(-(across**2) - along**2)).astype(np.float32)


def write_preview(
    path: Path, renderer: Renderer, figure: Figure, dance: Dance, plate: np.ndarray, mark_beats: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:  # fmt: skip
    """Writes an mp4 with the dance's own song.

    Args:
        path: of the mp4.
        renderer, figure, dance, plate, mark_beats: see :func:`dance_frames`.
        progress: called with frames done and frames in all.

    Raises:
        ValueError: the dance has no sound.
    """
    if dance.audio is None:
        raise ValueError("the dance has no sound; make it with_audio")
    total = len(dance.root)
    with tempfile.TemporaryDirectory(prefix="dabfusion-") as folder:
        song = Path(folder) / "song.wav"
        soundfile.write(song, dance.audio, dance.sample_rate)
        with VideoWriter(path, VIDEO_FPS, song, 0.0, total / VIDEO_FPS, mark=False) as writer:
            for number, frame in enumerate(dance_frames(renderer, figure, dance, plate, mark_beats)):
                writer.write(frame)
                if progress is not None:
                    progress(number + 1, total)
