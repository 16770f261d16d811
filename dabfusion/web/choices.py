"""What one visitor has chosen so far: the photo with its dancer, and the song. Plain values, no page, no networks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from preprocess.background import ORIGINAL
from preprocess.brush import paint
from preprocess.composite import FINE
from preprocess.errors import PhotoError
from preprocess.overlay import draw_mask, draw_people
from preprocess.person import Person
from preprocess.photo import Photo, read_photo
from preprocess.plates import PLATES
from preprocess.segment import Cutout, Point
from preprocess.start_frame import StartFrame
from preprocess.stroke import Stroke

from ..errors import OptionError, SongError
from ..heard_style import HeardStyle, hear_style
from ..settings import OWN_PICTURE, DanceSettings, remembered
from .drawings import SongPicture, loudness_bars
from .styles import describe_style
from .uploads import MAX_POINTS, MAX_STROKES, real_number, stroke_path

if TYPE_CHECKING:
    from ..music_encoder.embedding import MusicEmbedding
    from ..services import PhotoStage, SongStage, StyleDetector

COLOUR, OWN = "colour", OWN_PICTURE  #: page choices that need a second value
_HEX = re.compile(r"#[0-9a-fA-F]{6}$")
_RGB = re.compile(r"rgba?\(\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)")
_SHOWN_SIDE = 1024  #: longest side of the picture that is clicked on, pixels
Fix = Point | Stroke  #: one correction of the outline


@dataclass(frozen=True)
class PhotoChoice:
    """A photo, the people in it, and how one of them was cut out and placed."""

    photo: Photo
    people: tuple[Person, ...]
    person: int  #: from 1
    fixes: tuple[Fix, ...]  #: corrections, in the order in which they were made
    background: str
    cutout: Cutout
    start_frame: StartFrame
    overlay: np.ndarray  #: (h, w, 3) uint8, small enough to be shown

    @property
    def points(self) -> tuple[Point, ...]:
        """The corrections that were clicked."""
        return tuple(fix for fix in self.fixes if not isinstance(fix, Stroke))

    @property
    def strokes(self) -> tuple[Stroke, ...]:
        """The corrections that were painted; they come after all clicks."""
        return tuple(fix for fix in self.fixes if isinstance(fix, Stroke))

    @property
    def zoom(self) -> float:
        """Photo pixels per pixel of the overlay."""
        return self.photo.pixels.shape[1] / self.overlay.shape[1]

    def frame_picture(self) -> np.ndarray:
        """The start frame (512, 512, 3) uint8."""
        return (np.clip(self.start_frame.composite_at(FINE), 0, 1) * 255 + 0.5).astype(np.uint8)

    def scene(self) -> dict[str, object]:
        """What a video remembers of this choice; a background picture only as somebody's own."""
        told = self.background in (*PLATES, ORIGINAL) or _HEX.match(self.background)
        return remembered(self.person, self.background if told else OWN, self.points, self.strokes)

    def describe(self) -> str:
        """What was found, for the picture's text."""
        count = sum(p.is_person for p in self.people)
        if count == 0:
            return "No person was found, so the most striking figure was taken."
        return "One person was found." if count == 1 else f"{count} people were found; number {self.person} dances."


def choose_photo(stage: PhotoStage, path: str | None, background: str) -> PhotoChoice:
    """Reads a photo, finds the people, and cuts out the most prominent one.

    Raises:
        PhotoError: no photo, or one that cannot be used.
    """
    if not path:
        raise PhotoError("Please add a photo first.")
    photo = read_photo(Path(path))
    return _cut(stage, photo, tuple(stage.find_people(photo)), 1, (), background)


def choose_person(stage: PhotoStage, choice: PhotoChoice, person: int) -> PhotoChoice:
    """The same photo with another dancer; clicks of the one before are forgotten."""
    if not 1 <= person <= len(choice.people):
        raise PhotoError(f"There is no person number {person} in this photo.")
    return _cut(stage, choice.photo, choice.people, person, (), choice.background)


def add_point(stage: PhotoStage, choice: PhotoChoice, x: float, y: float, inside: bool) -> PhotoChoice:
    """One more click, at (x, y) of the overlay: this spot is (or is not) part of the dancer."""
    if len(choice.points) >= MAX_POINTS:
        raise PhotoError("That is enough clicks; undo some of them first.")
    width, height = choice.photo.size
    spot = (min(max(x * choice.zoom, 0.0), width - 1.0), min(max(y * choice.zoom, 0.0), height - 1.0), inside)
    return _cut(stage, choice.photo, choice.people, choice.person, (*choice.fixes, spot), choice.background)


def add_stroke(stage: PhotoStage, choice: PhotoChoice, path: object, size: object, inside: bool) -> PhotoChoice:
    """One more stroke of the brush.

    Args:
        stage, choice: as above.
        path: [[x, y], ...] in shares of the picture's width and height.
        size: radius of the brush in percent of the picture's longer side.
        inside: it adds to the dancer; else it takes away.

    Raises:
        OptionError: not a path, or not a size.
        PhotoError: too many strokes, or nothing is left.
    """
    if len(choice.strokes) >= MAX_STROKES:
        raise PhotoError("That is enough painting; undo some of it first.")
    radius = real_number("size of the brush", size)
    if not 0.5 <= radius <= 20:
        raise OptionError("The size of the brush must be between 0.5 and 20.")
    width, height = choice.photo.size
    places = tuple((round(x * (width - 1), 1), round(y * (height - 1), 1)) for x, y in stroke_path(path))
    stroke = Stroke(places, round(radius / 100 * max(width, height), 1), inside)
    return _cut(stage, choice.photo, choice.people, choice.person, (*choice.fixes, stroke), choice.background)


def add_spot(stage: PhotoStage, choice: PhotoChoice, across: object, down: object, inside: bool) -> PhotoChoice:
    """One more point without a mouse, at percentages of the picture's width and height.

    Raises:
        OptionError: not numbers from 0 to 100.
    """
    x, y = real_number("place from the left", across), real_number("place from the top", down)
    if not (0 <= x <= 100 and 0 <= y <= 100):
        raise OptionError("The place is given in percent of the picture, from 0 to 100.")
    height, width = choice.overlay.shape[:2]
    return add_point(stage, choice, x / 100 * width, y / 100 * height, inside)


def repeat_photo(stage: PhotoStage, choice: PhotoChoice, settings: DanceSettings, background: str) -> PhotoChoice:
    """The person and the corrections of an earlier dance, found again in this photo.

    Raises:
        PhotoError: there is no such person.
    """
    person = settings.person or 1
    if person > len(choice.people):
        raise PhotoError(f"There is no person number {person} in this photo.")
    width, height = choice.photo.size
    points = tuple((min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0), i) for x, y, i in settings.points)
    return _cut(stage, choice.photo, choice.people, person, (*points, *settings.strokes), background)


def undo_fix(stage: PhotoStage, choice: PhotoChoice) -> PhotoChoice:
    """Without the last click or stroke."""
    return _cut(stage, choice.photo, choice.people, choice.person, choice.fixes[:-1], choice.background)


def choose_background(stage: PhotoStage, choice: PhotoChoice, background: str) -> PhotoChoice:
    """The same dancer somewhere else; the mask stays."""
    person = choice.people[choice.person - 1]
    frame = stage.compose(choice.photo, person, choice.cutout, background, asked=True)
    return replace(choice, background=background, start_frame=frame)


def _cut(
    stage: PhotoStage, photo: Photo, people: tuple[Person, ...], number: int, fixes: Sequence[Fix], background: str
) -> PhotoChoice:
    person = people[number - 1]
    points = [fix for fix in fixes if not isinstance(fix, Stroke)]
    cutout = paint(stage.cut_out(photo, person, points), [fix for fix in fixes if isinstance(fix, Stroke)])
    frame = stage.compose(photo, person, cutout, background, asked=len(people) > 1)
    picture = draw_mask(photo, cutout, points)
    if len(people) > 1:
        picture = draw_people(replace(photo, pixels=picture), people, number)
    overlay = Image.fromarray(picture)
    overlay.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    return PhotoChoice(photo, people, number, tuple(fixes), background, cutout, frame, np.asarray(overlay))


def background_value(kind: str, colour: str | None, picture: str | None, plates: tuple[str, ...]) -> str:
    """The background argument for a choice of the page; never a path that the visitor wrote.

    Args:
        kind: a plate's name, "original", "colour" or "own".
        colour: "#rrggbb" or "rgb(r, g, b)", for "colour".
        picture: an uploaded file, for "own".
        plates: names of the studio plates.

    Raises:
        OptionError: an unknown background, or its second value is missing.
    """
    if kind == COLOUR:
        return _hex_colour(colour or "")
    if kind == OWN:
        if not picture:
            raise OptionError("Please add your own background picture, or choose another background.")
        return picture
    if kind == ORIGINAL or kind in plates:
        return kind
    raise OptionError(f"There is no background of that name; choose one of: {', '.join((*plates, ORIGINAL))}.")


def _hex_colour(text: str) -> str:
    if _HEX.match(text):
        return text.lower()
    found = _RGB.match(text)
    if not found:
        raise OptionError("Please pick a colour for the background.")
    return "#" + "".join(f"{min(255, int(float(value) + 0.5)):02x}" for value in found.groups())


@dataclass(frozen=True)
class SongChoice:
    """A song that has been listened to."""

    path: str  #: the upload
    music: MusicEmbedding
    picture: SongPicture
    heard: HeardStyle | None  #: what it sounds like, where that can be told


def choose_song(stage: SongStage, detect: StyleDetector | None, path: str | None) -> SongChoice:
    """Listens to a song; raises SongError."""
    if not path:
        raise SongError("Please add a song first.")
    music = stage.encode_file(path)
    heard = hear_style(detect, music)
    level = music.tower("rhythm")[:, 1] if "rhythm" in music.towers else np.abs(music.features).mean(1)
    told = describe_style(heard)
    picture = SongPicture(loudness_bars(level), music.beat_times, music.tempo, music.duration, told)
    return SongChoice(path, music, picture, heard)
