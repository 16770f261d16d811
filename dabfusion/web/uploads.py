"""Guards what comes in from outside. Private events can be called by anyone, so nothing is trusted here."""

from __future__ import annotations

import math
import re
import secrets
import shutil
from pathlib import Path

from ..config import MAX_SEED
from ..errors import OptionError, SongError
from ..settings import MAX_PATH, MAX_POINTS, MAX_STROKES

__all__ = [
    "MAX_POINTS", "MAX_STROKES", "MAX_UPLOAD_MB", "choose_seed", "length_within", "own_song", "real_number",
    "stroke_path", "whole_number",
]  # fmt: skip

MAX_UPLOAD_MB = 100
_SONG_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}$")


def own_song(source: str | None, folder: Path) -> Path:
    """Copies an uploaded song into the job's folder under a neutral name.

    Raises:
        SongError: nothing was uploaded, or it is empty or too large.
    """
    if not source:
        raise SongError("Please add a song first.")
    path = Path(source)
    if not path.is_file():
        raise SongError("The song is no longer on the server; please add it again.")
    size = path.stat().st_size
    if size == 0:
        raise SongError("The song file is empty; please choose another one.")
    if size > MAX_UPLOAD_MB * 2**20:
        raise SongError(f"The song is larger than {MAX_UPLOAD_MB} MB; please choose a shorter one.")
    suffix = path.suffix.lower()
    copy = folder / ("song" + (suffix if _SONG_SUFFIX.match(suffix) else ""))
    shutil.copyfile(path, copy)
    return copy


def whole_number(name: str, value: object) -> int:
    """``value`` as an int; raises OptionError for anything that is not a whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value != int(value):
        raise OptionError(f"The {name} must be a whole number.")
    return int(value)


def real_number(name: str, value: object) -> float:
    """``value`` as a float; raises OptionError for anything that is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise OptionError(f"The {name} must be a number.")
    return float(value)


def length_within(value: object, longest: float) -> float:
    """A dance's length in seconds; raises OptionError where it is more than this page makes."""
    length = real_number("length", value)
    if length > longest:
        raise OptionError(f"A dance made here lasts at most {longest:g} s; choose a shorter length.")
    return length


def choose_seed(value: object, randomise: object) -> int:
    """The seed to use: a fresh one if asked for, else ``value``."""
    return secrets.randbelow(MAX_SEED) if randomise or value is None else whole_number("seed", value)


def stroke_path(value: object) -> list[tuple[float, float]]:
    """The places [[x, y], ...] of a stroke, each in 0 to 1; raises OptionError for anything else."""
    wrong = "That stroke could not be read; please paint again."
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_PATH:
        raise OptionError(wrong)
    places = []
    for spot in value:
        if not isinstance(spot, list) or len(spot) != 2:
            raise OptionError(wrong)
        x, y = (real_number("place of the brush", v) for v in spot)
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise OptionError(wrong)
        places.append((x, y))
    return places
