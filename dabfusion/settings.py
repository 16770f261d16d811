"""The settings of one dance as JSON, and back: what is needed to repeat it with the same photo and song.

They stand in the report that the command line writes, in the file that the page offers, and in the mp4 itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from preprocess.stroke import Stroke

from .config import GenerationOptions
from .errors import OptionError

OWN_PICTURE = "own"  #: stands for a background picture, whose path is nobody's business
LARGEST_JSON = 2**20  #: bytes
MAX_POINTS, MAX_STROKES, MAX_PATH = 20, 20, 200  #: clicks, strokes of the brush, places of one stroke
_NAMES = frozenset(field.name for field in fields(GenerationOptions))
_REAL = frozenset({"start", "length", "motion_strength", "accent", "guidance"})
_UNREADABLE = "These settings cannot be read; choose the settings file (JSON) or the mp4 of an earlier dance."


@dataclass(frozen=True)
class DanceSettings:
    """Everything but the photo, the song and a background picture."""

    options: GenerationOptions
    person: int | None = None  #: which of the people, from 1; None: the most prominent
    background: str | None = None  #: plate, colour, "original", OWN_PICTURE; None: not told
    points: tuple[tuple[float, float, bool], ...] = ()  #: corrections of the outline: x, y in photo pixels, inside
    strokes: tuple[Stroke, ...] = ()  #: corrections by brush, after the points

    def as_dict(self) -> dict[str, object]:
        """The settings as plain JSON values: the options' names and four more."""
        return {**self.options.as_dict(), **remembered(self.person, self.background, self.points, self.strokes)}


def remembered(
    person: int | None,
    background: str | None,
    points: tuple[tuple[float, float, bool], ...],
    strokes: tuple[Stroke, ...] = (),
) -> dict[str, object]:
    """What an mp4 remembers beside the options, as JSON values."""
    spots = [[round(float(x), 2), round(float(y), 2), bool(inside)] for x, y, inside in points]
    painted = [
        {"inside": s.inside, "radius": s.radius, "path": [[round(float(v), 1) for v in spot] for spot in s.path]}
        for s in strokes
    ]
    return {"person": person, "background": background, "points": spots, "strokes": painted}


def read_settings(path: Path | str) -> DanceSettings:
    """The settings in a report, a settings file, or an mp4 that was made here.

    Raises:
        OptionError: there are none, or a value is out of its range.
    """
    file = Path(path)
    if not file.is_file():
        raise OptionError(f"There is no settings file {file.name}; check the path.")
    with file.open("rb") as opened:
        head = opened.read(12)
    text = _comment(file) if head[4:8] == b"ftyp" else _text(file)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionError(_UNREADABLE) from error
    if not isinstance(values, dict):
        raise OptionError(_UNREADABLE)
    return parse_settings(values)


def parse_settings(values: Mapping[str, Any]) -> DanceSettings:
    """The settings in JSON values: flat, or with the options under "settings" (mp4) or "options" (report).

    Raises:
        OptionError: there are none, or a value is out of its range.
    """
    inner = values.get("settings", values.get("options", values))
    if not isinstance(inner, dict) or "seed" not in inner:
        raise OptionError(_UNREADABLE)
    flat = {**values, **inner}
    given = {name: flat[name] for name in _NAMES if name in flat}
    given = {name: float(v) if type(v) is int and name in _REAL else v for name, v in given.items()}
    try:
        options = GenerationOptions(**given)
    except TypeError as error:  # a list where a word belongs
        raise OptionError(_UNREADABLE) from error
    return DanceSettings(
        options, _person(flat.get("person")), _background(flat.get("background")), _points(flat.get("points")),
        _strokes(flat.get("strokes")),
    )  # fmt: skip


def _text(file: Path) -> str:
    if file.stat().st_size > LARGEST_JSON:
        raise OptionError(_UNREADABLE)
    return file.read_text(encoding="utf-8", errors="replace")


def _comment(file: Path) -> str:
    """The comment of an mp4; nothing of it is decoded, and it may refer to no other file."""
    import av  # late: the command line starts without it

    try:
        with av.open(str(file.absolute()), format="mp4", options={"protocol_whitelist": "file"}) as container:
            return str(container.metadata.get("comment", ""))
    except (av.FFmpegError, ValueError, UnicodeError) as error:
        raise OptionError(_UNREADABLE) from error


def _person(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 99:
        raise OptionError("The settings name a person who cannot be; choose another file.")
    return value


def _background(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= 100:
        raise OptionError("The settings name a background that cannot be; choose another file.")
    return value


def _points(value: object) -> tuple[tuple[float, float, bool], ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise OptionError(_UNREADABLE)
    try:
        points = tuple((float(x), float(y), bool(inside)) for x, y, inside in value)
    except (TypeError, ValueError) as error:
        raise OptionError(_UNREADABLE) from error
    if len(points) > MAX_POINTS or not all(math.isfinite(x) and math.isfinite(y) for x, y, _ in points):
        raise OptionError(_UNREADABLE)
    return points


def _strokes(value: object) -> tuple[Stroke, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_STROKES:
        raise OptionError(_UNREADABLE)
    return tuple(_stroke(one) for one in value)


def _stroke(value: object) -> Stroke:
    if not isinstance(value, dict):
        raise OptionError(_UNREADABLE)
    try:
        path = tuple((float(x), float(y)) for x, y in value["path"])
        stroke = Stroke(path, float(value["radius"]), bool(value["inside"]))
    except (TypeError, ValueError, KeyError) as error:
        raise OptionError(_UNREADABLE) from error
    numbers = [stroke.radius, *(v for spot in path for v in spot)]
    if not 1 <= len(path) <= MAX_PATH or not all(math.isfinite(v) and abs(v) < 1e5 for v in numbers):
        raise OptionError(_UNREADABLE)
    return stroke
