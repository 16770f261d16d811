"""DabFusion end to end: start frame and music in, video out.

1. Read the body in the start frame.
2. Sample flow codes for the chosen section of the song (15 per second).
3. Interpolate the codes to the video's frame rate, lingering on the beats.
4. Render frame by frame from the one start frame, and stream into the mp4 with the exact piece of the song.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from preprocess.start_frame import StartFrame

from .accents import accented_codes
from .beat_report import BeatReport, make_beat_report, picture_joints
from .checkpoint import open_checkpoint
from .config import CODE_FPS, DEFAULT_CHECKPOINT, MAX_LENGTH, MIN_LENGTH, GenerationOptions
from .errors import Cancelled, OptionError, SongError
from .extras import NO_EXTRAS, Extras
from .motion_strength import scale_motion
from .music_encoder.embedding import MusicEmbedding
from .shape import make_framing, other_shape
from .video import VideoWriter, frame_total

Progress = Callable[[str, int, int], None]  #: (stage, done, total)
ShouldStop = Callable[[], bool]

STAGE_BODY, STAGE_DANCE, STAGE_RENDER = "body", "dance", "render"


BodyT = TypeVar("BodyT", bound="Body")


class Body(Protocol):
    """What the pipeline needs to know of a body that was read from a start frame."""

    @property
    def offsets(self) -> np.ndarray:
        """(24, 3) rest offsets of the skeleton's points, frame units."""

    @property
    def hips(self) -> np.ndarray:
        """(3,) hips in the start frame, frame units."""


class DanceModel(Protocol[BodyT]):
    """The trained parts behind one seam: body reader, flow diffusion, codec and generator."""

    def read_body(self, start_frame: StartFrame) -> BodyT:
        """The body of the person in the start frame."""

    def sample_codes(
        self, body: BodyT, features: np.ndarray, options: GenerationOptions, progress: Progress, should_stop: ShouldStop
    ) -> np.ndarray:
        """Flow codes (T, 117) for music features (T, D), both at CODE_FPS; raises Cancelled when told to stop."""

    def frames(self, start_frame: StartFrame, body: BodyT, codes: np.ndarray, size: int) -> Iterator[np.ndarray]:
        """Batches (B, size, size, 3) uint8 of the frames of codes (F, 117), in order."""


@dataclass(frozen=True)
class GenerationResult:
    """What one call of :meth:`DabFusion.generate` made."""

    video: Path
    options: GenerationOptions  #: as used: the length is a number
    beat_report: BeatReport
    seconds: dict[str, float]  #: wall-clock time of each stage
    fps: int
    frame_count: int
    warnings: tuple[str, ...]
    other_video: Path | None = None  #: the same dance in the other shape, where that was asked for

    def as_dict(self) -> dict[str, object]:
        """The report as plain JSON values."""
        return {
            "options": self.options.as_dict(),
            "seconds": {stage: round(value, 3) for stage, value in self.seconds.items()},
            "fps": self.fps,
            "frame_count": self.frame_count,
            **self.beat_report.as_dict(),
            "warnings": list(self.warnings),
        }


class DabFusion:
    """Makes a person dance to a song.

    >>> dancer = DabFusion.from_checkpoint()                                  # doctest: +SKIP
    >>> dancer.generate(start_frame, music, "song.mp3", "dance.mp4", GenerationOptions(seed=7))  # doctest: +SKIP
    """

    def __init__(self, model: DanceModel[Any]) -> None:
        self._model = model

    @classmethod
    def from_checkpoint(cls, folder: Path | str = DEFAULT_CHECKPOINT, device: str = "auto") -> DabFusion:
        """Loads a checkpoint folder on ``device``: "auto" (CUDA where there is one), "cpu" or "cuda".

        Raises:
            CheckpointError: the folder is missing, incomplete, changed, or does not fit the code.
            OptionError: no such device here.
        """
        checkpoint = open_checkpoint(folder)
        from .dance_model import load_dance_model  # late: a missing checkpoint is told before the networks are built

        return cls(load_dance_model(checkpoint, pick_device(device)))

    def generate(
        self,
        start_frame: StartFrame,
        music: MusicEmbedding,
        song_path: Path | str,
        out_path: Path | str,
        options: GenerationOptions,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
        extras: Extras = NO_EXTRAS,
    ) -> GenerationResult:
        """Makes one video. Memory does not grow with its length, apart from the codes (0.5 kB a frame).

        Args:
            start_frame: the person over the plate.
            music: embedding of the *whole* song; the section that ``options`` names is cut out here.
            song_path: the file whose sound goes into the video.
            out_path: the mp4 to write; it appears only when it is complete.
            options: what the user chose.
            progress: called with (stage, done, total).
            should_stop: asked often; when it says True, nothing is left behind and Cancelled is raised.
            extras: a second file in the other shape, somebody who watches the frames, what the file remembers.

        Raises:
            SongError: the section lies outside the song.
            VideoError: the video cannot be written.
            Cancelled: ``should_stop`` said so.
        """
        report = progress or _no_progress
        stop = should_stop or _never
        seconds: dict[str, float] = {}
        length, warnings = fit_length(options, music.duration)
        used = replace(options, length=length)
        frame_count = frame_total(length, used.fps)
        section = music.section(used.start, frame_count / used.fps)
        with _timed(seconds, STAGE_BODY):
            report(STAGE_BODY, 0, 1)
            body = self._model.read_body(start_frame)
        _check(stop)
        with _timed(seconds, STAGE_DANCE):
            codes = self._model.sample_codes(body, section.features, used, report, stop)
        _check(stop)
        codes = scale_motion(codes, used.motion_strength, CODE_FPS)
        codes = accented_codes(codes, section.features, used.fps, frame_count, used.accent)  # (F, 117)
        joints = picture_joints(codes, body.offsets, body.hips)  # (F, 24, 2)
        beats = make_beat_report(joints, used.fps, section.beat_times, section.tempo)
        with _timed(seconds, STAGE_RENDER):
            batches = _watched(self._model.frames(start_frame, body, codes, used.size), frame_count, report, stop)
            _write(batches, start_frame.layers(used.size)[1], Path(song_path), Path(out_path), used, length, extras)
        everything = (*start_frame.warnings, *warnings)
        return GenerationResult(
            Path(out_path), used, beats, seconds, used.fps, frame_count, everything, extras.other_path
        )


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" is CUDA where there is one.

    Raises:
        OptionError: CUDA was asked for and is not there, or the name is unknown.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise OptionError(f"The device must be auto, cpu or cuda; got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise OptionError("There is no CUDA GPU here; choose the device auto or cpu.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def fit_length(options: GenerationOptions, duration: float) -> tuple[float, tuple[str, ...]]:
    """Seconds of dance that a song of ``duration`` seconds allows, and a sentence where that is less than asked for.

    Raises:
        SongError: less than MIN_LENGTH of the song is left after the start.
    """
    left = duration - options.start
    if left < MIN_LENGTH:
        raise SongError(f"The song is {duration:.1f} s long, so nothing is left at {options.start:g} s; start earlier.")
    wanted = min(left, MAX_LENGTH) if options.length is None else options.length
    if wanted <= left + 0.5 / options.fps:
        return round(min(wanted, left), 6), ()
    return round(left, 6), (f"The song ends {left:.1f} s after the chosen start, and so does the dance.",)


def _write(
    batches: Iterable[np.ndarray], plate: np.ndarray, song: Path, out: Path, options: GenerationOptions, length: float,
    extras: Extras,
) -> None:  # fmt: skip
    """Streams batches (B, S, S, 3) uint8 into the mp4, or into both shapes' mp4s, with the song's section; the plate is
    (S, S, 3)."""
    files = [(options.shape, out)]
    if extras.other_path is not None:
        files.append((other_shape(options.shape), extras.other_path))
    with ExitStack() as opened:
        writers = []
        for shape, path in files:
            framing = make_framing(shape, plate)
            settings = {**replace(options, shape=shape).as_dict(), **extras.remember}
            writer = VideoWriter(path, options.fps, song, options.start, length, options.mark, settings, framing.size)
            writers.append((framing, opened.enter_context(writer)))
        for batch in batches:
            for framing, writer in writers:
                writer.write(framing.place(batch))
            if extras.watch is not None:
                extras.watch(batch)


def _watched(
    batches: Iterator[np.ndarray], total: int, progress: Progress, should_stop: ShouldStop
) -> Iterator[np.ndarray]:
    """Passes batches on, telling how many frames are done and stopping when told to."""
    done = 0
    progress(STAGE_RENDER, 0, total)
    for batch in batches:
        _check(should_stop)
        yield batch
        done += len(batch)
        progress(STAGE_RENDER, done, total)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Adds the block's wall-clock time to ``seconds[stage]``."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - begun


def _check(should_stop: ShouldStop) -> None:
    if should_stop():
        raise Cancelled


def _never() -> bool:
    return False


def _no_progress(stage: str, done: int, total: int) -> None:
    """Tells nobody."""
