"""Step 3 of the page: how to dance, progress, cancel, the result, and fetching it again later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from ..config import AUTO_STYLE, MAX_SEED, STYLES, GenerationOptions
from ..errors import OptionError
from .choices import PhotoChoice, SongChoice
from .drawings import draw_beat_report, draw_message, draw_progress
from .errors import sentence
from .jobs import Job, JobStore
from .uploads import choose_seed, own_song, real_number, whole_number

if TYPE_CHECKING:
    from preprocess.start_frame import StartFrame

    from ..music_encoder.embedding import MusicEmbedding
    from ..pipeline import GenerationResult
    from ..services import Dancer

QUEUE = "dance"
STAGES = {"body": "Looking at the body", "dance": "Making up the dance", "render": "Drawing the video"}
POLL = 0.2  #: seconds between two looks at a running job
CONSENT = "I am the person in the photo, or I have their permission."
IDLE = "Your video appears here."
_REMEMBER_JOB = """(id) => { const url = new URL(window.location);
  if (id) url.searchParams.set("job", id); else url.searchParams.delete("job");
  window.history.replaceState(null, "", url); }"""


@dataclass(frozen=True)
class DanceStep:
    """The step's components that other parts need."""

    seed: gr.Number
    randomise: gr.Checkbox
    style: gr.Dropdown
    progress: gr.HTML
    video: gr.Video
    download: gr.DownloadButton
    report: gr.HTML


@dataclass(frozen=True)
class _Parts:
    go: gr.Button
    cancel: gr.Button
    consent: gr.Checkbox
    style: gr.Dropdown
    strength: gr.Slider
    steps: gr.Slider
    seed: gr.Number
    randomise: gr.Checkbox
    mark: gr.Checkbox
    progress: gr.HTML
    video: gr.Video
    download: gr.DownloadButton
    report: gr.HTML
    settings: gr.JSON
    job: gr.Textbox
    fetch: gr.Button


def style_label(name: str) -> str:
    """A style's name as a menu entry."""
    return "Whatever fits the song" if name == AUTO_STYLE else name.replace("-", " ").capitalize()


def start_job(
    store: JobStore[GenerationResult],
    dancer: Dancer,
    start_frame: StartFrame,
    music: MusicEmbedding,
    song: str,
    options: GenerationOptions,
) -> Job[GenerationResult]:
    """Queues one dance; the song is copied into the job's folder, so that the upload may go away."""

    def work(job: Job[GenerationResult]) -> GenerationResult:
        own = own_song(song, job.folder)
        out = job.folder / f"dance-{options.seed}.mp4"
        try:
            return dancer.generate(start_frame, music, own, out, options, job.progress, job.should_stop)
        finally:
            own.unlink(missing_ok=True)

    return store.start(work)


def build_dance_step(
    dancer: Dancer,
    store: JobStore[GenerationResult],
    photo: gr.State,
    song: gr.State,
    start: gr.Slider,
    length: gr.Slider,
    page: gr.Blocks,
) -> DanceStep:
    """Lays out the step and wires it to the dancer through the job store."""
    parts = _lay_out()
    _wire(dancer, store, parts, [photo, song, start, length], page)
    return DanceStep(
        parts.seed, parts.randomise, parts.style, parts.progress, parts.video, parts.download, parts.report
    )


def _lay_out() -> _Parts:
    default = GenerationOptions()
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=280):
            menu = [(style_label(name), name) for name in (AUTO_STYLE, *STYLES)]
            style = gr.Dropdown(menu, value=AUTO_STYLE, label="Style of the dance", elem_id="style")
            with gr.Accordion("More settings", open=False, elem_id="more"):
                strength = gr.Slider(0.2, 1.6, default.motion_strength, step=0.05, label="Size of the movements",
                                     info="Below 1 is calmer, above 1 is wilder.", elem_id="strength")  # fmt: skip
                steps = gr.Slider(4, 60, default.steps, step=1, label="Steps",
                                  info="More steps take longer and look cleaner.", elem_id="steps")  # fmt: skip
                randomise = gr.Checkbox(True, label="A new dance every time", elem_id="randomise")
                seed = gr.Number(0, minimum=0, maximum=MAX_SEED, precision=0, label="Seed",
                                 info="The same number gives the same dance again.", elem_id="seed")  # fmt: skip
                mark = gr.Checkbox(True, label="Show a small “AI-generated” mark in the video", elem_id="mark")
            consent = gr.Checkbox(False, label=CONSENT, elem_id="consent")
            go = gr.Button("Make it dance", variant="primary", size="lg", elem_id="dance-button")
            cancel = gr.Button("Cancel", visible=False, elem_id="cancel-button")
        with gr.Column(scale=3, min_width=280):
            progress = gr.HTML(draw_message(IDLE, idle=True), elem_id="progress")
            video = gr.Video(label="Your video", visible=False, interactive=False, buttons=[], height=420,
                             elem_id="video")  # fmt: skip
            download = gr.DownloadButton("Download the video", visible=False, elem_id="download")
            report = gr.HTML("", visible=False, elem_id="report")
            with gr.Accordion("Settings of this video", open=False, visible=True):
                settings = gr.JSON(label="Settings", show_label=False, elem_id="settings")
            with gr.Accordion("Get a video again later", open=False):
                job = gr.Textbox(label="Job number", info="Keep this private: whoever knows it can get the video.",
                                 elem_id="job", buttons=["copy"])  # fmt: skip
                fetch = gr.Button("Get the video", size="sm")
    return _Parts(go, cancel, consent, style, strength, steps, seed, randomise, mark, progress, video, download, report,
                  settings, job, fetch)  # fmt: skip


def _wire(
    dancer: Dancer,
    store: JobStore[GenerationResult],
    parts: _Parts,
    chosen: list[gr.components.Component],
    page: gr.Blocks,
) -> None:
    shown = [parts.go, parts.cancel, parts.progress, parts.video, parts.download, parts.report, parts.settings,
             parts.seed, parts.job]  # fmt: skip
    how = [parts.style, parts.strength, parts.steps, parts.seed, parts.randomise, parts.mark, parts.consent]

    def on_go(
        photo: PhotoChoice | None, song: SongChoice | None, start: float, length: float, style: str, strength: float,
        steps: float, seed: float | None, randomise: bool, mark: bool, consent: bool,
    ) -> Iterator[list[Any]]:  # fmt: skip
        try:
            if photo is None or song is None:
                raise OptionError("Please add a photo first." if photo is None else "Please add a song first.")
            if consent is not True:
                raise OptionError("Please tick the box that you may use this photo.")
            options = GenerationOptions(
                seed=choose_seed(seed, randomise), steps=whole_number("number of steps", steps),
                start=real_number("start", start), length=real_number("length", length), style=style,
                motion_strength=real_number("size of the movements", strength), mark=mark is not False,
            )  # fmt: skip
            job = start_job(store, dancer, photo.start_frame, song.music, song.path, options)
        except Exception as error:  # the page's boundary: everything becomes a sentence
            yield _outputs(draw_message(sentence(error), bad=True))
            return
        yield from watch(job)

    def on_fetch(job_id: str) -> Iterator[list[Any]]:
        job = store.find(job_id or "")
        if job is None:
            yield _outputs(draw_message("There is no video under this number (any more).", bad=True), job="")
            return
        yield from watch(job)

    def on_open(request: gr.Request) -> str:
        return str(request.query_params.get("job", ""))[:64]

    def on_opened(job_id: str) -> Iterator[list[Any]]:
        if not job_id:
            yield [gr.skip()] * len(shown)
            return
        yield from on_fetch(job_id)

    parts.go.click(on_go, [*chosen, *how], shown, concurrency_id=QUEUE, concurrency_limit=4, api_visibility="private",
                   show_progress="hidden")  # fmt: skip
    parts.fetch.click(on_fetch, parts.job, shown, api_visibility="private", show_progress="hidden", concurrency_limit=4)
    parts.cancel.click(store.cancel, parts.job, None, api_visibility="private", queue=False)
    parts.job.change(None, parts.job, None, js=_REMEMBER_JOB)
    page.load(on_open, None, parts.job, api_visibility="private", queue=False).then(
        on_opened, parts.job, shown, api_visibility="private", show_progress="hidden", concurrency_limit=4
    )


def watch(job: Job[GenerationResult]) -> Iterator[list[Any]]:
    """The page's outputs while a job runs, then its result or a sentence. Closing the tab does not stop the job."""
    last = ""
    while job.running:
        now = _draw_job(job)
        if now != last:
            last = now
            yield _outputs(now, running=True, job=job.id)
        time.sleep(POLL)
    try:
        if job.future is None:
            raise OptionError("This job was never started; please try again.")
        result = job.future.result()
    except BaseException as error:  # whatever ended the work is told, not raised into the page
        yield _outputs(draw_message(sentence(error), bad=True), job="")
        return
    yield _finished(job, result)


def _draw_job(job: Job[GenerationResult]) -> str:
    names = tuple(STAGES)
    now = names.index(job.stage) if job.stage in names else -1
    return draw_progress(tuple(STAGES.values()), now, job.done, job.total, job.seconds_left)


def _outputs(progress: str, running: bool = False, job: str | None = None) -> list[Any]:
    """Outputs without a result: buttons, progress, and the video hidden while something else is shown."""
    number = gr.skip() if job is None else job
    hidden = gr.update(visible=False) if running else gr.skip()
    return [gr.update(interactive=not running), gr.update(visible=running), gr.update(value=progress, visible=True),
            hidden, hidden, hidden, gr.skip(), gr.skip(), number]  # fmt: skip


def _finished(job: Job[GenerationResult], result: GenerationResult) -> list[Any]:
    report = result.as_dict()
    beats = result.beat_report
    chart = draw_beat_report(
        beats.as_dict(), np.asarray(beats.speed_times), np.asarray(beats.speed), result.frame_count / result.fps
    )
    path = str(result.video)
    return [
        gr.update(interactive=True),
        gr.update(visible=False),
        gr.update(value="", visible=False),
        gr.update(value=path, visible=True),
        gr.update(value=path, visible=True),
        gr.update(value=chart, visible=True),
        report,
        result.options.seed,
        job.id,
    ]
