"""The page's named endpoints for programs: ``/generate`` and ``/preview``. Names and types stay as they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from preprocess.plates import DEFAULT_PLATE, PLATES

from ..config import AUTO_STYLE, MAX_SEED, MIN_LENGTH, SQUARE, USUAL_SIZE, GenerationOptions
from ..heard_style import follow_style
from .choices import OWN, background_value, choose_person, choose_photo, choose_song
from .dance_job import start_job
from .dance_step import POLL
from .errors import sentence
from .jobs import JobStore
from .photo_step import photo_upload
from .uploads import length_within, real_number, whole_number

if TYPE_CHECKING:
    from ..pipeline import GenerationResult
    from ..services import Services


def build_api(services: Services, store: JobStore[GenerationResult], longest: float) -> None:
    """Adds the endpoints to the page that is being built; nothing of them is seen on it."""
    plates = tuple(PLATES)
    default = GenerationOptions()

    def generate(
        photo: str | None, song: str | None, start: float, length: float, seed: float, steps: float, style: str,
        background: str, person: float, motion_strength: float, mark: bool, background_picture: str | None = None,
        shape: str = SQUARE, size: float = USUAL_SIZE, accent: float = GenerationOptions.accent,
    ) -> Iterator[tuple[str | None, dict[str, Any]]]:  # fmt: skip
        """Makes a video of the person in a photo dancing to a song."""
        job = None
        try:
            options = GenerationOptions(
                seed=whole_number("seed", seed), steps=whole_number("number of steps", steps),
                start=real_number("start", start), length=length_within(length, longest), style=style,
                motion_strength=real_number("motion strength", motion_strength), mark=mark is not False, shape=shape,
                size=whole_number("size", size), accent=real_number("accent", accent),
            )  # fmt: skip
            where = _background(background, background_picture, plates)
            choice = choose_photo(services.photos, photo, where)
            if whole_number("person", person) != 1:
                choice = choose_person(services.photos, choice, whole_number("person", person))
            chosen = choose_song(services.songs, services.detect_style, song)
            options = replace(options, style=follow_style(options.style, chosen.heard))
            job = start_job(store, services.dancer, choice.start_frame, chosen.music, chosen.path, options,
                            choice.scene())  # fmt: skip
            while job.running:
                yield None, {"stage": job.stage, "done": job.done, "total": job.total}
                time.sleep(POLL)
            result = job.future.result() if job.future else None
        except GeneratorExit:  # the caller went away
            if job is not None:
                job.cancelled.set()
            raise
        except Exception as error:
            raise gr.Error(sentence(error), print_exception=False) from None
        if result is not None:
            report = {**result.as_dict(), "job": job.id, **choice.scene()}
            yield str(result.video), report

    def preview(
        photo: str | None, person: float, background: str, background_picture: str | None = None
    ) -> tuple[Any, Any, dict[str, Any]]:
        """The dancer marked on the photo, the start frame, and what was found; the generator is not needed."""
        try:
            choice = choose_photo(services.photos, photo, _background(background, background_picture, plates))
            if whole_number("person", person) != 1:
                choice = choose_person(services.photos, choice, whole_number("person", person))
        except Exception as error:
            raise gr.Error(sentence(error), print_exception=False) from None
        people = [{"box": [round(float(v), 1) for v in p.box], "kind": p.kind} for p in choice.people]
        found = {"people": people, "person": choice.person, "hints": list(choice.start_frame.warnings)}
        return choice.overlay, choice.frame_picture(), found

    with gr.Group(visible=False):
        photo = photo_upload("photo", 100, ("upload",), "api-photo")
        song = gr.Audio(label="song", type="filepath")
        start = gr.Number(0, label="start", minimum=0)
        length = gr.Number(8, label="length", minimum=MIN_LENGTH)
        seed = gr.Number(0, label="seed", precision=0, minimum=0, maximum=MAX_SEED)
        steps = gr.Number(default.steps, label="steps", precision=0, minimum=1, maximum=100)
        style = gr.Textbox(AUTO_STYLE, label="style")
        background = gr.Textbox(DEFAULT_PLATE, label="background")
        person = gr.Number(1, label="person", precision=0, minimum=1)
        strength = gr.Number(1, label="motion_strength", minimum=0, maximum=2)
        mark = gr.Checkbox(True, label="mark")
        picture = photo_upload("background_picture", 100, ("upload",), "api-background")
        shape = gr.Textbox(SQUARE, label="shape")
        size = gr.Number(USUAL_SIZE, label="size", precision=0)
        accent = gr.Number(default.accent, label="accent", minimum=0, maximum=1)
        video, report = gr.File(label="video"), gr.JSON(label="report")
        overlay, frame = gr.Image(label="overlay", format="png"), gr.Image(label="start_frame", format="png")
        found = gr.JSON(label="found")
        button = gr.Button("api")
    settings = [photo, song, start, length, seed, steps, style, background, person, strength, mark, picture, shape,
                size, accent]  # fmt: skip
    button.click(generate, settings, [video, report], api_name="generate", concurrency_id="api", concurrency_limit=2)
    button.click(preview, [photo, person, background, picture], [overlay, frame, found], api_name="preview",
                 concurrency_id="photo", concurrency_limit=1)  # fmt: skip


def _background(name: str, picture: str | None, plates: tuple[str, ...]) -> str:
    """A plate, "original", "#rrggbb", or the uploaded picture where there is one."""
    if picture:
        return background_value(OWN, None, picture, plates)
    return background_value("colour" if name.startswith("#") else name, name, None, plates)
