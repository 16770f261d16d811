"""The page, as a factory over injected services: three numbered steps, examples, and the small print."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from ..examples import Example
from .api import build_api
from .dance_step import IDLE, DanceStep, build_dance_step
from .drawings import draw_message, example_card
from .jobs import JobStore
from .photo_step import PhotoStep, build_photo_step
from .repeat import build_repeat
from .song_step import SongStep, build_song_step

if TYPE_CHECKING:
    from ..pipeline import GenerationResult
    from ..services import Services

TITLE = "DabFusion"
_MENDING = Path(__file__).with_name("page.js")
_MASTHEAD = """<header id="masthead"><h1>Make a photo dance</h1>
<p>Add a photo of someone and a song. You get a video of that person dancing to that song, on its beat.</p></header>"""


@dataclass(frozen=True)
class Limits:
    """What one host allows."""

    longest: float = 120.0  #: seconds of dance
    deadline: float = 1800.0  #: seconds of work for one video
    keep: float = 3600.0  #: seconds that uploads and results are kept
    max_waiting: int = 8  #: jobs that may wait
    sessions: int = 32  #: visitors whose choices are remembered
    contact: str = "the person who runs this page"


def build_page(
    services: Services, store: JobStore[GenerationResult], limits: Limits, examples: tuple[Example, ...] = ()
) -> gr.Blocks:
    """Builds the page. Nothing is loaded and nothing is served here."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, int(limits.keep))) as page:
        gr.HTML(_MASTHEAD)
        cards = gr.Column()  # examples stand first, but are wired to what comes after them
        _heading(1, "Photo", "Who should dance?")
        photo = build_photo_step(services.photos, limits.keep)
        _heading(2, "Song", "Which music, and which part of it?")
        song = build_song_step(services.songs, limits.keep, limits.longest)
        _heading(3, "Dance", "Pick a style if you like, then press the button.")
        dance = build_dance_step(services.dancer, store, photo.choice, song.choice, song.start, song.length, page)
        build_repeat(services.photos, photo, song, dance, limits.longest)
        gr.HTML(_small_print(limits))
        if examples:
            with cards:
                _lay_out_examples(examples, photo, song, dance)
        build_api(services, store, limits.longest)
        page.load(None, None, None, js=_MENDING.read_text(encoding="utf-8"))
    page.queue(max_size=4 * limits.max_waiting, default_concurrency_limit=2, api_open=False)
    return page


def _heading(number: int, title: str, text: str) -> None:
    gr.HTML(f'<div class="step-title"><h2><span class="number" aria-hidden="true">{number}</span>'
            f'<span>{title}</span></h2><p>{text}</p></div>')  # fmt: skip


def _small_print(limits: Limits) -> str:
    minutes = round(limits.keep / 60)
    return f"""<section id="small-print" aria-label="Small print">
<p><strong>Only use photos of yourself, or of people who said yes.</strong> Videos made here are computer-generated:
say so when you share them.</p>
<p>Photos, songs and videos are deleted after {minutes} minutes at the latest. They are used to make your video and for
nothing else. Is there a video of you that you do not want? Tell {limits.contact}.</p></section>"""


def _lay_out_examples(examples: tuple[Example, ...], photo: PhotoStep, song: SongStep, dance: DanceStep) -> None:
    """One card and one button each; a click fills in everything and shows the stored video where there is one."""
    gr.HTML('<div class="step-title"><h2>Try one of these</h2></div>')
    outputs = [photo.upload, photo.background, song.upload, song.wanted, dance.style, dance.seed, dance.randomise,
               dance.progress, dance.preview, *dance.results]  # fmt: skip
    with gr.Row(equal_height=True):
        for example in examples:
            with gr.Column(min_width=220):
                gr.HTML(example_card(example))
                button = gr.Button(f"Use {example.name}", size="sm")
            button.click(_filler(example), None, outputs, api_visibility="private", show_progress="hidden", queue=False)
    _lay_out_gallery([example for example in examples if example.video is not None])


def _lay_out_gallery(stored: list[Example]) -> None:
    """The examples' stored videos, each with its name as text."""
    if not stored:
        return
    with gr.Accordion("See finished dances", open=True, elem_id="gallery"), gr.Row(equal_height=False):
        for example in stored:
            with gr.Column(min_width=220):
                gr.Video(str(example.video), label=f"{example.name} (AI-generated)", interactive=False, buttons=[],
                         height=260)  # fmt: skip


def _filler(example: Example) -> Any:
    """A handler without inputs that fills the page with one example."""

    def fill() -> list[Any]:
        stored = str(example.video) if example.video is not None else None
        text = "This video was made before. Press the button to make a new one." if stored else IDLE
        there = gr.update(value=stored, visible=stored is not None)
        return [
            str(example.photo),
            example.background or gr.skip(),
            str(example.song),
            (example.start, example.length),
            example.style,
            example.seed,
            False,
            gr.update(value=draw_message(text, idle=True), visible=True),
            gr.update(visible=False),
            there,
            gr.update(value=stored, label="Download the video", visible=stored is not None),
            *[gr.update(visible=False)] * 3,
        ]

    return fill
