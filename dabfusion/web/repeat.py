"""Repeating an earlier dance on the page: its settings (or its mp4) set everything but the photo and the song."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from preprocess.plates import DEFAULT_PLATE, PLATES

from ..errors import OptionError
from ..settings import DanceSettings, read_settings
from .choices import COLOUR, ORIGINAL, OWN, PhotoChoice, SongChoice, background_value, repeat_photo
from .dance_step import DanceStep
from .drawings import draw_message
from .errors import sentence
from .photo_step import QUEUE, PhotoStep, show_choice
from .song_step import SongStep, fitting_section

if TYPE_CHECKING:
    from ..services import PhotoStage

_DONE = "These are the settings of that dance. Tick the box and press the button to make it again."
_CUT = " The song is shorter than that dance, so its length was cut."


def build_repeat(stage: PhotoStage, photo: PhotoStep, song: SongStep, dance: DanceStep, longest: float) -> None:
    """Wires the step's upload button; ``longest`` is the longest dance of this page, seconds."""
    menu = [photo.background, photo.colour]
    section = [song.start, song.length]
    how = [dance.style, dance.shape, dance.size, dance.strength, dance.accent, dance.steps, dance.seed, dance.randomise,
           dance.mark]  # fmt: skip
    shown = [dance.progress, *photo.shown, *menu, *section, *how]

    def on_repeat(
        path: str | None, choice: PhotoChoice | None, heard: SongChoice | None, picture: str | None
    ) -> list[Any]:
        try:
            if choice is None or heard is None:
                raise OptionError("Please add the same photo and song first, then the settings.")
            settings = read_settings(path or "")
            kind, colour = background_choice(settings.background)
            place = background_value(kind, colour, picture, tuple(PLATES))
            again = repeat_photo(stage, choice, settings, place)
        except Exception as error:  # the page's boundary: everything becomes a sentence
            return [_told(sentence(error), True), *[gr.skip()] * (len(shown) - 1)]
        options, duration = settings.options, heard.music.duration
        start, length = fitting_section(duration, options.start, options.length or duration, longest)
        text = _DONE + (_CUT if options.length is not None and length < options.length - 0.1 else "")
        return [_told(text, False), *show_choice(again), kind, colour or gr.skip(), start, length, *_how(settings)]

    dance.repeat.upload(
        on_repeat, [dance.repeat, photo.choice, song.choice, photo.picture], shown, concurrency_id=QUEUE,
        concurrency_limit=1, api_visibility="private", show_progress="hidden",
    )  # fmt: skip


def background_choice(background: str | None) -> tuple[str, str | None]:
    """The page's menu entry, and the colour where it is one."""
    name = background or DEFAULT_PLATE
    if name in PLATES or name in (ORIGINAL, OWN):
        return name, None
    return COLOUR, name


def _how(settings: DanceSettings) -> list[Any]:
    options = settings.options
    return [options.style, options.shape, options.size, options.motion_strength, options.accent, options.steps,
            options.seed, False, options.mark]  # fmt: skip


def _told(text: str, bad: bool) -> Any:
    return gr.update(value=draw_message(text, bad=bad, idle=not bad), visible=True)
