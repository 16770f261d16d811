"""The three things that make a video, put together once: photo stage, song stage and dancer.

The page, the command line and the tests get them from outside; :func:`load_services` builds the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from preprocess.person import Person
from preprocess.photo import Photo
from preprocess.segment import Cutout, Point
from preprocess.start_frame import StartFrame
from preprocess.stroke import Stroke

from .checkpoint import open_checkpoint
from .config import CHECKPOINTS, DEFAULT_CHECKPOINT, GenerationOptions
from .extras import Extras
from .music_encoder.embedding import MusicEmbedding
from .pipeline import DabFusion, GenerationResult, Progress, ShouldStop, pick_device

if TYPE_CHECKING:
    from .music_encoder.encoder import MusicEncoder

#: Embedding of a whole song -> (one of STYLES, confidence 0 to 1).
StyleDetector = Callable[[MusicEmbedding], tuple[str, float]]


class PhotoStage(Protocol):
    """Photo -> people, mask, start frame; :class:`preprocess.preprocessor.Preprocessor` is the real one."""

    def find_people(self, photo: Photo) -> list[Person]:
        """The figures in the photo, most prominent first; never empty."""

    def cut_out(self, photo: Photo, person: Person, points: Sequence[Point] = ()) -> Cutout:
        """The mask of a person, corrected by points."""

    def compose(
        self, photo: Photo, person: Person, cutout: Cutout, background: str | Path = ..., asked: bool = False
    ) -> StartFrame:
        """The person placed on a background; raises PhotoError."""

    def start_frame(
        self, photo: Photo, person: int | None = None, points: Sequence[Point] = (), background: str | Path = ...,
        strokes: Sequence[Stroke] = (),
    ) -> StartFrame:  # fmt: skip
        """All steps at once, for person number ``person`` (from 1)."""


class SongStage(Protocol):
    """Song -> MusicEmbedding."""

    def encode_file(self, path: Path | str) -> MusicEmbedding:
        """The embedding of the whole song; raises SongError."""


class Dancer(Protocol):
    """What makes the video; :class:`dabfusion.pipeline.DabFusion` is the real one."""

    def generate(
        self,
        start_frame: StartFrame,
        music: MusicEmbedding,
        song_path: Path | str,
        out_path: Path | str,
        options: GenerationOptions,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
        extras: Extras = ...,
    ) -> GenerationResult:
        """See :meth:`DabFusion.generate`."""


@dataclass(frozen=True)
class Services:
    """Everything that the page and the command line need."""

    photos: PhotoStage
    songs: SongStage
    dancer: Dancer
    detect_style: StyleDetector | None = None  #: tells what a song sounds like; None: nothing here can tell


def load_services(checkpoint: Path = DEFAULT_CHECKPOINT, device: str = "auto") -> Services:
    """The real photo stage, song stage and dancer.

    Raises:
        CheckpointError, OptionError: see :meth:`DabFusion.from_checkpoint`.
    """
    from preprocess.preprocessor import Preprocessor

    from .music_encoder.style_detector import DEFAULT_FOLDER, detect_style

    dancer = DabFusion.from_checkpoint(checkpoint, device)
    photos = Preprocessor.from_checkpoints(device=pick_device(device).type)
    detect = detect_style if DEFAULT_FOLDER.is_dir() else None
    return Services(photos, load_music_encoder(checkpoint), dancer, detect)


def load_music_encoder(checkpoint: Path, weights: Path = CHECKPOINTS) -> MusicEncoder:
    """The encoder with the towers and the rate that a checkpoint was trained with.

    Args:
        checkpoint: its folder; a config without towers gets the default ones.
        weights: where folders ``clap`` and ``wav2clip`` lie, for checkpoints that name those towers.

    Raises:
        CheckpointError: no checkpoint, an unknown tower, or one whose weights are not there.
    """
    from .music_encoder.encoder import DEFAULT_FPS, DEFAULT_TOWERS, build_music_encoder

    trained = open_checkpoint(checkpoint).config.get("flow_diffusion", {})
    return build_music_encoder(trained.get("towers", DEFAULT_TOWERS), trained.get("fps", DEFAULT_FPS), weights)
