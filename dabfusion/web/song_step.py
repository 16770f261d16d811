"""Step 2 of the page: the song, its beats, and which part of it is danced to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import Dependency

from ..config import MAX_LENGTH, MIN_LENGTH
from .choices import SongChoice, choose_song
from .drawings import draw_message, draw_song
from .errors import sentence

if TYPE_CHECKING:
    from ..services import Services

QUEUE = "song"
DEFAULT_LENGTH = 8.0  #: seconds
_HINT = "Any song will do: MP3, M4A, WAV, OGG, FLAC or OPUS. A clear beat works best."


@dataclass(frozen=True)
class SongStep:
    """The step's components that other parts need."""

    upload: gr.Audio
    choice: gr.State
    start: gr.Slider
    length: gr.Slider
    wanted: gr.State  #: (start, length) to use once the next song has been listened to, or None
    listened: Dependency  #: happens after each new song


def build_song_step(services: Services, keep: float, longest: float) -> SongStep:
    """Lays out the step and wires it to the song stage.

    Args:
        services: listen to songs, and tell their style.
        keep: seconds that a visitor's choice is remembered.
        longest: longest dance that this page allows, seconds.
    """
    longest = min(longest, MAX_LENGTH)
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=280):
            upload = gr.Audio(
                label="Your song", sources=["upload"], type="filepath",
                editable=False, buttons=[], elem_id="song",
            )  # fmt: skip
            film = gr.UploadButton("Take the sound of a video instead", size="sm", type="filepath",
                                   file_types=["video"], elem_id="from-video")  # fmt: skip
        with gr.Column(scale=5, min_width=280):
            picture = gr.HTML(draw_message(_HINT, idle=True), elem_id="song-picture")
            with gr.Column(visible=False) as section:
                with gr.Row():
                    start = gr.Slider(0, 60, 0, step=0.1, label="Start (seconds)", buttons=[],
                                      min_width=220, elem_id="start")  # fmt: skip
                    length = gr.Slider(MIN_LENGTH, longest, DEFAULT_LENGTH, step=0.1, label="Length (seconds)",
                                       buttons=[], min_width=220, elem_id="length")  # fmt: skip
                whole = gr.Button("Use the whole song", size="sm")
    film.upload(lambda path: path, film, upload, api_visibility="private", queue=False, show_progress="hidden")
    choice, wanted = gr.State(None, time_to_live=int(keep)), gr.State(None)
    shown = [choice, picture, start, length, wanted, section]
    step = SongStep(upload, choice, start, length, wanted, _listen(services, upload, shown, longest))
    _wire_section(step, picture, whole, longest)
    return step


def fitting_section(duration: float, start: float, length: float, longest: float) -> tuple[float, float]:
    """The section nearest to (start, length) that lies inside the song, in tenths of a second."""
    start = min(max(start, 0.0), max(duration - MIN_LENGTH, 0.0))
    length = min(max(length, MIN_LENGTH), max(duration - start, MIN_LENGTH), longest)
    return int(start * 10) / 10, int(length * 10 + 1e-6) / 10


def _listen(services: Services, upload: gr.Audio, shown: list[Any], longest: float) -> Dependency:
    """Listens to each new song and fills ``shown``: choice, picture, start, length, wanted, section."""
    wanted = shown[4]

    def nothing(text: str, bad: bool, wanted: tuple[float, float] | None) -> list[Any]:
        told = draw_message(text, bad=bad, idle=not bad)
        return [None, told, gr.skip(), gr.skip(), wanted, gr.update(visible=False)]

    def on_upload(path: str | None, wanted: tuple[float, float] | None) -> list[Any]:
        if not path:
            return nothing(_HINT, False, wanted)
        try:
            choice = choose_song(services.songs, services.detect_style, path)
        except Exception as error:  # the page's boundary: everything becomes a sentence
            return nothing(sentence(error), True, None)
        duration = choice.music.duration
        start, length = fitting_section(duration, *(wanted or (0.0, DEFAULT_LENGTH)), longest)
        most = min(longest, max(duration, MIN_LENGTH))
        return [
            choice,
            draw_song(choice.picture, start, length),
            gr.update(value=start, maximum=max(round(duration - MIN_LENGTH, 1), 0.1)),
            gr.update(value=length, maximum=round(most, 1)),
            None,
            gr.update(visible=True),
        ]

    return upload.change(on_upload, [upload, wanted], shown, concurrency_id=QUEUE, concurrency_limit=1,
                         api_visibility="private", show_progress="minimal")  # fmt: skip


def _wire_section(step: SongStep, picture: gr.HTML, whole: gr.Button, longest: float) -> None:
    def on_section(choice: SongChoice | None, start: float, length: float) -> Any:
        return gr.skip() if choice is None else draw_song(choice.picture, float(start or 0), float(length or 0))

    def on_whole(choice: SongChoice | None) -> list[Any]:
        if choice is None:
            return [gr.skip(), gr.skip()]
        return list(fitting_section(choice.music.duration, 0.0, choice.music.duration, longest))

    for slider in (step.start, step.length):
        slider.change(on_section, [step.choice, step.start, step.length], picture, api_visibility="private",
                      show_progress="hidden", queue=False, trigger_mode="always_last")  # fmt: skip
    whole.click(on_whole, step.choice, [step.start, step.length], api_visibility="private", queue=False)
