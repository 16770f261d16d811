"""Videos of photo and song pairs, made by the product itself and kept between runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from dabfusion.checkpoint import open_checkpoint
from dabfusion.config import CODE_FPS, GenerationOptions
from dabfusion.pipeline import fit_length
from dabfusion.services import Services
from preprocess.photo import read_photo
from preprocess.plates import DEFAULT_PLATE
from preprocess.start_frame import StartFrame

from .made_once import checkpoint_digest, file_digest, make_once
from .pair_list import PhotoSong
from .seam_jump import window_seams


@dataclass(frozen=True)
class Made:
    """A video that was made: where it is, the times (s) of the joins between its windows, seconds that it took."""

    pair: PhotoSong
    video: Path
    seams: np.ndarray
    seconds: float


class PairMaker:
    """Makes videos; photos are read once, models are loaded only when something is to be made.

    Args:
        checkpoint: which dancer.
        options: seed, steps and so on; start, length and style come from the pair where it tells them.
        load: builds the services.
        background: what the dancers stand in front of.
    """

    def __init__(
        self, checkpoint: Path, options: GenerationOptions, load: Callable[[], Services],
        background: str = DEFAULT_PLATE,
    ) -> None:  # fmt: skip
        self._options, self._load, self._background = options, load, background
        self._digest = checkpoint_digest(checkpoint)
        self._window = int(open_checkpoint(checkpoint).config["flow_diffusion"]["window"])
        self._start_frame: Callable[[Path], StartFrame] = cache(self._read)

    @cached_property
    def _services(self) -> Services:
        return self._load()

    def _read(self, photo: Path) -> StartFrame:
        return self._services.photos.start_frame(read_photo(photo), background=self._background)

    def make(self, pair: PhotoSong, folder: Path) -> Made:
        """Makes one video as ``folder``/NAME.mp4, or finds it there.

        Raises:
            UserError, PhotoError: photo or song cannot be used.
        """
        out = folder / f"{pair.name}.mp4"
        options = replace(self._options, start=pair.start, style=pair.style, length=pair.length or self._options.length)
        recipe = {"checkpoint": self._digest, "options": options.as_dict(), "background": self._background,
                  "photo": file_digest(pair.photo), "song": file_digest(pair.song)}  # fmt: skip

        def make() -> dict[str, object]:
            music = self._services.songs.encode_file(pair.song)
            length, _ = fit_length(options, music.duration)
            start = self._start_frame(pair.photo)
            result = self._services.dancer.generate(start, music, pair.song, out, replace(options, length=length))
            codes = math.ceil(result.frame_count / result.fps * CODE_FPS - 1e-6)
            seams = window_seams(codes, self._window, CODE_FPS)
            return {"seams": seams.tolist(), "seconds": round(sum(result.seconds.values()), 2)}

        facts = make_once(out, recipe, make)
        return Made(pair, out, np.asarray(facts["seams"], float), float(facts["seconds"]))

    def settings(self) -> dict[str, object]:
        """What a report says of how the videos were made."""
        o = self._options
        return {
            "checkpoint": self._digest,
            "made with": f"seed {o.seed}, {o.steps} steps, guidance {o.guidance:g}, {o.fps} frames a second, "
            f"background {self._background}, no mark, unpicked",
        }


def make_all(
    maker: PairMaker, pairs: Sequence[PhotoSong], folder: Path, progress: Callable[[str, int, int], None]
) -> list[Made]:  # fmt: skip
    """All videos of a list, in order."""
    made = []
    for number, pair in enumerate(pairs):
        made.append(maker.make(pair, folder))
        progress("made", number + 1, len(pairs))
    return made
