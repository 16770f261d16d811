"""The page, as a factory over injected services: three numbered steps, examples, and the small print."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from ..examples import Example
from .about import lay_out_about
from .api import build_api
from .dance_step import build_dance_step
from .gallery import lay_out_gallery
from .jobs import JobStore
from .photo_step import build_photo_step
from .repeat import build_repeat
from .song_step import build_song_step

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
        song = build_song_step(services, limits.keep, limits.longest)
        _heading(3, "Dance", "Pick a style if you like, then press the button.")
        dance = build_dance_step(services.dancer, store, photo.choice, song, page)
        build_repeat(services.photos, photo, song, dance, limits.longest)
        gr.HTML(_small_print(limits))
        lay_out_about()
        if examples:
            with cards:
                lay_out_gallery(examples, photo, song, dance)
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
