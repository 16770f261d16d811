"""One photo file and one song file into one video file: the work of the ``generate`` command."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from preprocess.photo import read_photo
from preprocess.plates import DEFAULT_PLATE
from preprocess.segment import Point
from preprocess.stroke import Stroke

from .config import GenerationOptions
from .errors import OptionError
from .extras import Extras
from .heard_style import follow_style, hear_style
from .pipeline import Progress, fit_length
from .services import Services
from .settings import OWN_PICTURE, remembered

STAGE_LOAD, STAGE_PHOTO, STAGE_SONG = "load", "photo", "song"


@dataclass(frozen=True)
class GenerateRequest:
    """What ``generate`` is asked for."""

    photo: Path
    song: Path
    out: Path
    options: GenerationOptions
    person: int | None = None  #: number, from 1; None: the most prominent
    background: str = DEFAULT_PLATE
    report: Path | None = None
    points: tuple[Point, ...] = ()  #: corrections of the outline
    strokes: tuple[Stroke, ...] = ()  #: corrections by brush


def check_outputs(request: GenerateRequest) -> None:
    """Refuses outputs that could not be written or would overwrite an input, before any work is done.

    Raises:
        OptionError: with what to do instead.
    """
    if request.out.suffix.lower() != ".mp4":
        raise OptionError(f"The video is an mp4, so {request.out.name!r} must end in .mp4.")
    inputs = {request.photo.resolve(), request.song.resolve()}
    outputs = [request.out] + ([request.report] if request.report else [])
    for path in outputs:
        if not path.parent.is_dir():
            raise OptionError(f"There is no folder {path.parent}; make it first.")
        if path.is_dir() or not os.access(path.parent, os.W_OK):
            raise OptionError(f"{path} cannot be written; choose another place.")
        if path.resolve() in inputs:
            raise OptionError(f"{path} is an input; choose another name for the output.")
    if request.report and request.report.resolve() == request.out.resolve():
        raise OptionError("The report and the video cannot be the same file.")


def generate_file(request: GenerateRequest, load: Callable[[], Services], progress: Progress) -> Path:
    """Reads photo and song, makes the video, and writes the report beside it if asked for.

    Args:
        request: what to make.
        load: builds the models; called only after the inputs have been looked at.
        progress: called with (stage, done, total).

    Returns:
        The video's path.

    Raises:
        UserError, PhotoError: bad input; nothing is left behind.
    """
    check_outputs(request)
    seconds: dict[str, float] = {}
    begun = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal begun
        now = time.perf_counter()
        seconds[stage], begun = now - begun, now
        progress(stage, 1, 1)

    photo = read_photo(request.photo)
    _check_song_file(request.song)
    services = load()
    lap(STAGE_LOAD)
    music = services.songs.encode_file(request.song)
    fit_length(request.options, music.duration)
    heard = hear_style(services.detect_style, music)
    options = replace(request.options, style=follow_style(request.options.style, heard))
    lap(STAGE_SONG)
    start_frame = services.photos.start_frame(
        photo, request.person, request.points, request.background, request.strokes
    )
    lap(STAGE_PHOTO)
    scene = remembered(request.person, told_background(request.background), request.points, request.strokes)
    result = services.dancer.generate(
        start_frame, music, request.song, request.out, options, progress, extras=Extras(remember=scene)
    )
    if request.report:
        report = result.as_dict()
        report["video"] = str(result.video)
        report |= scene
        report["seconds"] = {name: round(value, 3) for name, value in {**seconds, **result.seconds}.items()}
        write_json(request.report, report)
    return result.video


def told_background(choice: str) -> str:
    """A background as files may tell it: its name, or that it was somebody's own picture."""
    return OWN_PICTURE if Path(choice).is_file() else choice


def write_json(path: Path, value: object) -> None:
    """Writes JSON so that the file is either whole or not there."""
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _check_song_file(path: Path) -> None:
    if not path.is_file():
        raise OptionError(f"There is no song at {path}; check the path.")
    if path.stat().st_size == 0:
        raise OptionError(f"The song {path} is empty; choose another one.")
