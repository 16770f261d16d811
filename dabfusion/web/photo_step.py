"""Step 1 of the page: the photo, who dances, the mask, the background, and the start frame. No generator needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr

from preprocess.plates import DEFAULT_PLATE, PLATES

from .choices import (
    COLOUR,
    ORIGINAL,
    OWN,
    PhotoChoice,
    add_point,
    add_spot,
    add_stroke,
    background_value,
    choose_background,
    choose_person,
    choose_photo,
    undo_fix,
)
from .drawings import draw_hints, draw_message
from .errors import sentence
from .guide import draw_guide

if TYPE_CHECKING:
    from ..services import PhotoStage

Source = Literal["upload", "webcam", "clipboard"]
ADD, TAKE = "Part of the dancer", "Not part of the dancer"
_FIX = "Is the outline wrong? Tap the spot on the picture. It is:"
_PAINTING = Path(__file__).with_name("brush.js")
QUEUE = "photo"  #: one photo at a time
_INVITATION = "# Add a picture\nDrop it here, or press to choose one"
_PRAISE = "This photo works well."
_START_HINT = "JPG, PNG or WebP. Best: one person, standing, seen from the front, from head to feet."


def photo_upload(label: str, height: int, sources: Sequence[Source], elem_id: str) -> gr.Image:
    """An image field that hands over the path of the uploaded file: only our own guarded reader opens it.

    The field's own ``preprocess`` would open the file first, and fail on it without a sentence. It is replaced on the
    instance, since Gradio writes a stub file into the source folder for every subclass of a component.
    """
    field = gr.Image(
        label=label, height=height, sources=list(sources), type="filepath", buttons=[], elem_id=elem_id,
        elem_classes="pictures", placeholder=_INVITATION,
    )  # fmt: skip
    field.__dict__["preprocess"] = _path_of
    return field


def _path_of(payload: Any) -> str | None:
    return payload.path if payload is not None else None


@dataclass(frozen=True)
class PhotoStep:
    """The step's components that other parts need."""

    upload: gr.Image
    choice: gr.State
    background: gr.Dropdown
    colour: gr.ColorPicker
    picture: gr.Image
    shown: tuple[gr.components.Component | gr.Column, ...]  #: what :func:`show_choice` fills


@dataclass(frozen=True)
class _Parts:
    upload: gr.Image
    before: gr.Column  #: there until there is a photo
    who: gr.Column
    placed: gr.Column
    person: gr.Radio
    found: gr.Image
    frame: gr.Image
    hints: gr.HTML
    mode: gr.Radio
    brush: gr.Checkbox
    size: gr.Slider
    sheet: gr.HTML  #: hears the strokes
    undo: gr.Button
    reset: gr.Button
    across: gr.Number
    down: gr.Number
    add: gr.Button
    take: gr.Button
    background: gr.Dropdown
    colour: gr.ColorPicker
    own: gr.Group
    picture: gr.Image
    choice: gr.State


def plate_label(name: str) -> str:
    """A plate's name as a menu entry."""
    return name.replace("-", " ").replace("_", " ").capitalize()


def build_photo_step(stage: PhotoStage, keep: float) -> PhotoStep:
    """Lays out the step and wires it to the photo stage."""
    parts = _lay_out(tuple(PLATES), keep)
    shown = (parts.choice, parts.found, parts.frame, parts.hints, parts.person, parts.before, parts.who,
             parts.placed)  # fmt: skip
    _wire(stage, parts, list(shown))
    return PhotoStep(parts.upload, parts.choice, parts.background, parts.colour, parts.picture, shown)


def _lay_out(plates: tuple[str, ...], keep: float) -> _Parts:
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=280):
            upload = photo_upload("Your photo", 330, ("upload", "clipboard", "webcam"), "photo")
            hints = gr.HTML(draw_message(_START_HINT, idle=True), elem_id="photo-hints")
        with gr.Column(scale=5, min_width=280) as before:
            gr.HTML(draw_guide(), elem_id="guide")
        with gr.Column(scale=3, min_width=280, visible=False) as who:
            found = gr.Image(
                label="Who was found", interactive=False, height=330, buttons=[],
                elem_classes="pictures", elem_id="found", alt_text="The photo with the dancer marked", format="jpeg",
            )  # fmt: skip
            person = gr.Radio([], label="Who dances?", visible=False, elem_id="person")
            mode = gr.Radio([ADD, TAKE], value=ADD, label=_FIX, elem_id="click-mode")
            brush = gr.Checkbox(False, label="Paint with a brush instead of tapping", elem_id="paint")
            size = gr.Slider(1, 12, 4, step=0.5, label="Size of the brush", visible=False, buttons=[],
                             elem_id="brush-size")  # fmt: skip
            with gr.Row():
                undo = gr.Button("Undo", size="sm", elem_id="undo", min_width=100)
                reset = gr.Button("Start the outline again", size="sm", elem_id="reset", min_width=160)
            with gr.Accordion("Correct it without a mouse", open=False, elem_id="by-keyboard"):
                with gr.Row():
                    across = gr.Number(50, minimum=0, maximum=100, label="From the left (percent)",
                                       min_width=110, elem_id="point-x")  # fmt: skip
                    down = gr.Number(50, minimum=0, maximum=100, label="From the top (percent)",
                                     min_width=110, elem_id="point-y")  # fmt: skip
                add = gr.Button("This spot is part of the dancer", size="sm", elem_id="point-in")
                take = gr.Button("This spot is not part of the dancer", size="sm", elem_id="point-out")
        with gr.Column(scale=2, min_width=240, visible=False) as placed:
            frame = gr.Image(
                label="Start of the video", interactive=False, height=330, buttons=[], elem_classes="pictures",
                elem_id="start-frame", alt_text="The dancer on the chosen background", format="png",
            )  # fmt: skip
            menu = [(plate_label(name), name) for name in plates]
            menu += [("The photo's own background", ORIGINAL), ("A colour", COLOUR), ("My own picture", OWN)]
            background = gr.Dropdown(menu, value=DEFAULT_PLATE, label="Background", elem_id="background")
            colour = gr.ColorPicker("#3d5a80", label="Background colour", visible=False)
            with gr.Group(visible=False) as own:
                picture = photo_upload("Background picture", 180, ("upload",), "background-picture")
    choice = gr.State(None, time_to_live=int(keep))
    sheet = gr.HTML("", elem_id="brush", js_on_load=_PAINTING.read_text(encoding="utf-8"), padding=False)
    return _Parts(upload, before, who, placed, person, found, frame, hints, mode, brush, size, sheet, undo, reset,
                  across, down, add, take, background, colour, own, picture, choice)  # fmt: skip


def _wire(stage: PhotoStage, parts: _Parts, shown: list[Any]) -> None:
    plates = tuple(PLATES)
    where = [parts.background, parts.colour, parts.picture]

    def guarded(old: PhotoChoice | None, change: Callable[[], PhotoChoice], forget: bool) -> list[Any]:
        """The outputs after a change; a failure is told in the hints, and the old choice stays unless ``forget``."""
        try:
            return show_choice(change())
        except Exception as error:  # the page's boundary: everything becomes a sentence
            outputs = show_choice(None if forget else old)
            outputs[3] = draw_message(sentence(error), bad=True)
            return outputs

    def on_upload(path: str | None, kind: str, colour: str, picture: str | None) -> list[Any]:
        if not path:
            return show_choice(None)
        return guarded(None, lambda: choose_photo(stage, path, background_value(kind, colour, picture, plates)), True)

    def on_person(choice: PhotoChoice | None, person: int | None) -> list[Any]:
        if choice is None or person is None or person == choice.person:
            return show_choice(choice)
        return guarded(choice, lambda: choose_person(stage, choice, int(person)), False)

    def on_click(choice: PhotoChoice | None, mode: str, event: gr.SelectData) -> list[Any]:
        if choice is None:
            return show_choice(None)
        x, y = float(event.index[0]), float(event.index[1])
        return guarded(choice, lambda: add_point(stage, choice, x, y, mode == ADD), False)

    def on_spot(choice: PhotoChoice | None, across: float | None, down: float | None, inside: bool) -> list[Any]:
        if choice is None:
            return show_choice(None)
        return guarded(choice, lambda: add_spot(stage, choice, across, down, inside), False)

    def on_stroke(choice: PhotoChoice | None, mode: str, size: float, event: gr.EventData) -> list[Any]:
        if choice is None:
            return show_choice(None)
        told = event._data
        path = told.get("path") if isinstance(told, dict) else None
        return guarded(choice, lambda: add_stroke(stage, choice, path, size, mode == ADD), False)

    def on_add(choice: PhotoChoice | None, across: float | None, down: float | None) -> list[Any]:
        return on_spot(choice, across, down, True)

    def on_take(choice: PhotoChoice | None, across: float | None, down: float | None) -> list[Any]:
        return on_spot(choice, across, down, False)

    def on_undo(choice: PhotoChoice | None) -> list[Any]:
        if choice is None or not choice.fixes:
            return show_choice(choice)
        return guarded(choice, lambda: undo_fix(stage, choice), False)

    def on_reset(choice: PhotoChoice | None) -> list[Any]:
        if choice is None or not choice.fixes:
            return show_choice(choice)
        return guarded(choice, lambda: choose_person(stage, choice, choice.person), False)

    def on_background(choice: PhotoChoice | None, kind: str, colour: str, picture: str | None) -> list[Any]:
        if choice is None or (kind == OWN and not picture):
            return show_choice(choice)
        return guarded(
            choice, lambda: choose_background(stage, choice, background_value(kind, colour, picture, plates)), False
        )

    def on_kind(kind: str) -> list[Any]:
        return [gr.update(visible=kind == COLOUR), gr.update(visible=kind == OWN)]

    def listen(trigger: Any, handler: Callable[..., list[Any]], inputs: list[Any]) -> None:
        trigger(handler, inputs, shown, concurrency_id=QUEUE, concurrency_limit=1, api_visibility="private",
                show_progress="minimal", trigger_mode="always_last")  # fmt: skip

    listen(parts.upload.change, on_upload, [parts.upload, *where])
    listen(parts.person.input, on_person, [parts.choice, parts.person])
    listen(parts.found.select, on_click, [parts.choice, parts.mode])
    listen(parts.sheet.submit, on_stroke, [parts.choice, parts.mode, parts.size])
    parts.brush.change(lambda on: gr.update(visible=on is True), parts.brush, parts.size, api_visibility="private",
                       queue=False, show_progress="hidden")  # fmt: skip
    listen(parts.add.click, on_add, [parts.choice, parts.across, parts.down])
    listen(parts.take.click, on_take, [parts.choice, parts.across, parts.down])
    listen(parts.undo.click, on_undo, [parts.choice])
    listen(parts.reset.click, on_reset, [parts.choice])
    extras = [parts.colour, parts.own]
    parts.background.change(on_kind, parts.background, extras, api_visibility="private", queue=False)
    for trigger in (parts.background.change, parts.colour.change, parts.picture.change):
        listen(trigger, on_background, [parts.choice, *where])


def show_choice(choice: PhotoChoice | None) -> list[Any]:
    """The step's outputs for a choice: state, found, frame, hints, person menu, and which columns are there."""
    there = gr.update(visible=choice is not None)
    columns = [gr.update(visible=choice is None), there, there]
    if choice is None:
        hint = draw_message(_START_HINT, idle=True)
        return [None, None, None, hint, gr.update(choices=[], value=None, visible=False), *columns]
    numbers = [(f"Number {k}", k) for k in range(1, len(choice.people) + 1)]
    hints = draw_hints(choice.start_frame.warnings, f"{choice.describe()} {_PRAISE}", draw_guide())
    menu = gr.update(choices=numbers, value=choice.person, visible=len(numbers) > 1)
    return [choice, choice.overlay, choice.frame_picture(), hints, menu, *columns]
