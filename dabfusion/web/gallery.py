"""Finished dances at the top of the page: photo, stored video, and one button that fills in everything."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr
from PIL import Image

from ..examples import Example
from .dance_step import IDLE, DanceStep
from .drawings import draw_message
from .photo_step import PhotoStep
from .song_step import SongStep

_STORED = "This video was made before. Tick the box and press the button to make a new one."


def lay_out_gallery(examples: tuple[Example, ...], photo: PhotoStep, song: SongStep, dance: DanceStep) -> None:
    """One card for each example; its button shows the stored video at once, and nothing is computed for it."""
    shown = [dance.progress, dance.preview, *dance.results, dance.style, dance.seed, dance.randomise]
    filled = [photo.upload, photo.background, song.upload, song.wanted]
    gr.HTML('<div class="step-title"><h2>Try one of these</h2></div>')
    with gr.Row(elem_classes="examples", equal_height=False):
        for example in examples:
            with gr.Column(elem_classes="example", min_width=260):
                with gr.Row(elem_classes="pair", equal_height=False):
                    gr.HTML(_draw_photo(example))
                    if example.video is not None:
                        gr.Video(str(example.video), label=f"{example.name}: the dance", show_label=False, buttons=[],
                                 interactive=False, min_width=100, loop=True)  # fmt: skip
                button = gr.Button(f"Use {example.name}", size="sm")
            show, fill = _handlers(example, len(dance.results))
            button.click(show, None, shown, api_visibility="private", show_progress="hidden", queue=False).then(
                fill, None, filled, api_visibility="private", show_progress="hidden", queue=False
            )  # the video first: to look at photo and song takes a moment
    gr.HTML(_draw_credits(examples))


def _draw_photo(example: Example) -> str:
    """The photo, small, inside the page itself, so that no file has to be kept for it."""
    with Image.open(example.photo) as image:
        small = image.convert("RGB")
        small.thumbnail((360, 360))
        data = io.BytesIO()
        small.save(data, "JPEG", quality=82)
    source = base64.b64encode(data.getvalue()).decode()
    return f'<img src="data:image/jpeg;base64,{source}" alt="Photo of the example {escape(example.name)}">'


def _draw_credits(examples: tuple[Example, ...]) -> str:
    """Who made the pictures and songs; what several examples share is said once."""
    names: dict[str, list[str]] = {}
    for example in examples:
        if example.credit:
            names.setdefault(example.credit, []).append(example.name)
    told = " ".join(f"<strong>{escape('; '.join(of))}</strong>: {escape(credit)}" for credit, of in names.items())
    return f'<p class="credits">The videos are AI-generated. {told}</p>'


def _handlers(example: Example, results: int) -> tuple[Callable[[], list[Any]], Callable[[], list[Any]]]:
    """Handlers without inputs: one shows the stored video among ``results`` outputs, one fills in photo and song."""
    stored = str(example.video) if example.video is not None else None

    def show() -> list[Any]:
        return [
            gr.update(value=draw_message(_STORED if stored else IDLE, idle=True), visible=True),
            gr.update(visible=False),
            gr.update(value=stored, visible=stored is not None),
            gr.update(value=stored, label="Download the video", visible=stored is not None),
            *[gr.update(visible=False)] * (results - 2),
            example.style,
            example.seed,
            False,
        ]

    def fill() -> list[Any]:
        section = (example.start, example.length)
        return [str(example.photo), example.background or gr.skip(), str(example.song), section]

    return show, fill
