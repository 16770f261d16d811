"""Which photo dances to which song: a CSV, or a folder of photos and a folder of songs."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dabfusion.config import AUTO_STYLE
from dabfusion.errors import UserError

from .clip import PHOTO_SUFFIXES, SOUND_SUFFIXES

COLUMNS = ("photo", "song", "name", "start", "length", "style")


@dataclass(frozen=True)
class PhotoSong:
    """One video to be made: ``name`` may hold a folder (GROUP/NAME); ``length`` None: as long as the others."""

    name: str
    photo: Path
    song: Path
    start: float = 0.0
    length: float | None = None
    style: str = AUTO_STYLE


def read_pairs(path: Path) -> list[PhotoSong]:
    """The pairs of a CSV with a head line: photo and song, and if wanted name, start, length (s), style.

    Paths are relative to the file.

    Raises:
        UserError: a column or file is missing, a number is none, or there is no pair.
    """
    with path.open(newline="", encoding="utf-8-sig") as handle:
        lines = list(csv.DictReader(handle))
    if not lines:
        raise UserError(f"There are no pairs in {path.name}; it needs a head line (photo,song) and a line for each.")
    unknown = sorted(set(lines[0]) - set(COLUMNS), key=str)
    if not {"photo", "song"} <= set(lines[0]) or unknown:
        raise UserError(f"{path.name} must have the columns photo and song, and may have {', '.join(COLUMNS[2:])}.")
    return _distinct([_pair(path.parent, line) for line in lines])


def pair_folders(photos: Path, songs: Path) -> list[PhotoSong]:
    """Photos and songs of equal names; where no name is in both, every photo dances to every song.

    Raises:
        UserError: one of the folders holds none.
    """
    pictures = [p for p in _files(photos, "photo") if p.suffix.lower() in PHOTO_SUFFIXES]
    sounds = [p for p in _files(songs, "song") if p.suffix.lower() in SOUND_SUFFIXES]
    if not pictures or not sounds:
        raise UserError(f"There are no {'songs' if pictures else 'photos'} in {songs if pictures else photos}.")
    by_name = {sound.stem: sound for sound in sounds}
    equal = [PhotoSong(p.stem, p, by_name[p.stem]) for p in pictures if p.stem in by_name]
    return equal or [PhotoSong(f"{p.stem}/{s.stem}", p, s) for p in pictures for s in sounds]


def _files(place: Path, what: str) -> list[Path]:
    if not place.exists():
        raise UserError(f"There is no {what} at {place}; check the path.")
    return [place] if place.is_file() else sorted(place.iterdir())


def _pair(root: Path, line: Mapping[str, str | None]) -> PhotoSong:
    told = {key: (value or "").strip() for key, value in line.items()}
    photo, song = root / told["photo"], root / told["song"]
    for path in (photo, song):
        if not path.is_file():
            raise UserError(f"There is no file {path}; check the line of {told['photo']} and {told['song']}.")
    try:
        start = float(told.get("start") or 0)
        length = float(told["length"]) if told.get("length") else None
    except ValueError as error:
        raise UserError(f"Start and length of {told['photo']} must be numbers of seconds.") from error
    name = told.get("name") or f"{photo.stem}/{song.stem}"
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(f"The name {name!r} must be a plain name, or GROUP/NAME.")
    return PhotoSong(name, photo, song, start, length, told.get("style") or AUTO_STYLE)


def _distinct(pairs: list[PhotoSong]) -> list[PhotoSong]:
    names = [pair.name for pair in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"Two pairs are called {twice[0]}; give them names of their own (column name).")
    return pairs
