"""Step 3 of the page: how to dance, progress, cancel, the result, and fetching it again later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from ..config import AUTO_STYLE, FINE_SIZE, FRAME_SIZE, MAX_SEED, PORTRAIT, SQUARE, USUAL_SIZE, GenerationOptions
from ..errors import OptionError
from ..heard_style import follow_style
from .choices import PhotoChoice, SongChoice
from .dance_job import SHAPE_NAMES, settings_path, start_job
from .drawings import draw_beat_report, draw_message, draw_progress, wait_text
from .errors import sentence
from .jobs import Job, JobStore
from .preview import draw_preview
from .song_step import SongStep
from .styles import style_menu
from .uploads import choose_seed, real_number, whole_number

if TYPE_CHECKING:
    from ..pipeline import GenerationResult
    from ..services import Dancer

QUEUE = "dance"
STAGES = {"body": "Looking at the body", "dance": "Making up the dance", "render": "Drawing the video"}
_SIZES = [(f"Fine ({FINE_SIZE} pixels)", FINE_SIZE), (f"Standard ({FRAME_SIZE} pixels), quicker", FRAME_SIZE)]
WATCHERS = 16  #: visitors whose page follows a job at the same time; more than the store lets wait
POLL = 0.2  #: seconds between two looks at a running job
CONSENT = "I am the person in the photo, or I have their permission."
IDLE = "Your video appears here."
_READY = '<p class="unseen" role="status">Your video is ready.</p>'
_REMEMBER_JOB = """(id) => { const url = new URL(window.location);
  if (id) url.searchParams.set("job", id); else url.searchParams.delete("job");
  window.history.replaceState(null, "", url); }"""


@dataclass(frozen=True)
class DanceStep:
    """The step's components; :mod:`repeat` and the examples fill some of them."""

    go: gr.Button
    cancel: gr.Button
    consent: gr.Checkbox
    style: gr.Dropdown
    shape: gr.Radio
    size: gr.Radio
    strength: gr.Slider
    accent: gr.Slider
    steps: gr.Slider
    seed: gr.Number
    randomise: gr.Checkbox
    mark: gr.Checkbox
    repeat: gr.UploadButton
    progress: gr.HTML
    preview: gr.HTML
    video: gr.Video
    download: gr.DownloadButton
    other: gr.DownloadButton
    report: gr.HTML
    more: gr.Accordion
    settings: gr.JSON
    keep: gr.DownloadButton
    job: gr.Textbox
    fetch: gr.Button

    @property
    def results(self) -> tuple[gr.components.Component | gr.Accordion, ...]:
        """What shows or hands out a result, the video and its download first."""
        return self.video, self.download, self.other, self.report, self.more


def build_dance_step(
    dancer: Dancer,
    store: JobStore[GenerationResult],
    photo: gr.State,
    song: SongStep,
    page: gr.Blocks,
) -> DanceStep:
    """Lays out the step and wires it to the dancer through the job store."""
    parts = _lay_out()
    _wire(dancer, store, parts, [photo, song.choice, song.start, song.length], page)

    def on_song(choice: SongChoice | None, style: str) -> Any:
        return gr.update(choices=style_menu(choice.heard if choice is not None else None), value=style)

    song.listened.then(on_song, [song.choice, parts.style], parts.style, api_visibility="private", queue=False,
                       show_progress="hidden")  # fmt: skip
    return parts


def _lay_out() -> DanceStep:
    default = GenerationOptions()
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=280):
            style = gr.Dropdown(style_menu(), value=AUTO_STYLE, label="Style of the dance", elem_id="style")
            shapes = [("Square (1:1)", SQUARE), ("Tall, for phones (9:16)", PORTRAIT)]
            shape = gr.Radio(shapes, value=SQUARE, label="Shape of the video", elem_id="shape")
            size = gr.Radio(_SIZES, value=USUAL_SIZE, label="Sharpness", elem_id="size")
            with gr.Accordion("More settings", open=False, elem_id="more"):
                strength = gr.Slider(0.2, 1.6, default.motion_strength, step=0.05, label="Size of the movements",
                                     info="Below 1 is calmer, above 1 is wilder.", elem_id="strength")  # fmt: skip
                accent = gr.Slider(0, 0.8, default.accent, step=0.05, label="Accent on the beat",
                                   info="0 flows on; the more, the longer each beat is held.",
                                   elem_id="accent")  # fmt: skip
                steps = gr.Slider(4, 60, default.steps, step=1, label="Steps",
                                  info="More steps take longer and look cleaner.", elem_id="steps")  # fmt: skip
                randomise = gr.Checkbox(True, label="A new dance every time", elem_id="randomise")
                seed = gr.Number(0, minimum=0, maximum=MAX_SEED, precision=0, label="Seed",
                                 info="The same number gives the same dance again.", elem_id="seed")  # fmt: skip
                mark = gr.Checkbox(True, label="Show a small “AI-generated” mark in the video", elem_id="mark")
                repeat = gr.UploadButton("Repeat a dance from its settings or its mp4", size="sm", type="filepath",
                                         file_types=[".json", ".mp4"], elem_id="repeat")  # fmt: skip
            consent = gr.Checkbox(False, label=CONSENT, elem_id="consent")
            go = gr.Button("Make it dance", variant="primary", size="lg", elem_id="dance-button")
            cancel = gr.Button("Cancel", visible=False, elem_id="cancel-button")
        with gr.Column(scale=5, min_width=280):
            progress = gr.HTML(draw_message(IDLE, idle=True), elem_id="progress")
            preview = gr.HTML("", visible=False, elem_id="preview")
            video = gr.Video(label="Your video", visible=False, interactive=False, buttons=[], height=420,
                             elem_id="video")  # fmt: skip
            with gr.Row():
                download = gr.DownloadButton("Download the video", visible=False, variant="primary", min_width=180,
                                             elem_id="download")  # fmt: skip
                other = gr.DownloadButton("Download the other shape", visible=False, min_width=180,
                                          elem_id="download-other")  # fmt: skip
            report = gr.HTML("", visible=False, elem_id="report")
            with gr.Accordion("Settings of this video", open=False, visible=False) as more:
                settings = gr.JSON(label="Settings", show_label=False, elem_id="settings")
                keep = gr.DownloadButton("Download the settings", size="sm", elem_id="download-settings")
            with gr.Accordion("Get a video again later", open=False):
                job = gr.Textbox(label="Job number", info="Keep this private: whoever knows it can get the video.",
                                 elem_id="job", buttons=["copy"])  # fmt: skip
                fetch = gr.Button("Get the video", size="sm")
    return DanceStep(go, cancel, consent, style, shape, size, strength, accent, steps, seed, randomise, mark, repeat,
                     progress, preview, video, download, other, report, more, settings, keep, job, fetch)  # fmt: skip


def _wire(
    dancer: Dancer,
    store: JobStore[GenerationResult],
    parts: DanceStep,
    chosen: list[gr.components.Component],
    page: gr.Blocks,
) -> None:
    shown = [parts.go, parts.cancel, parts.progress, parts.preview, *parts.results, parts.keep, parts.settings,
             parts.seed, parts.job]  # fmt: skip
    how = [parts.style, parts.shape, parts.size, parts.strength, parts.accent, parts.steps, parts.seed,
           parts.randomise, parts.mark, parts.consent]  # fmt: skip

    def on_go(
        photo: PhotoChoice | None, song: SongChoice | None, start: float, length: float, style: str, shape: str,
        size: int, strength: float, accent: float, steps: float, seed: float | None, randomise: bool, mark: bool,
        consent: bool,
    ) -> Iterator[list[Any]]:  # fmt: skip
        try:
            if photo is None or song is None:
                raise OptionError("Please add a photo first." if photo is None else "Please add a song first.")
            if consent is not True:
                raise OptionError("Please tick the box that you may use this photo.")
            options = GenerationOptions(
                seed=choose_seed(seed, randomise), steps=whole_number("number of steps", steps),
                start=real_number("start", start), length=real_number("length", length),
                style=follow_style(style, song.heard),
                motion_strength=real_number("size of the movements", strength),
                accent=real_number("accent on the beat", accent), mark=mark is not False,
                shape=shape, size=whole_number("size", size),
            )  # fmt: skip
            job = start_job(store, dancer, photo.start_frame, song.music, song.path, options, photo.scene(), True)
        except Exception as error:  # the page's boundary: everything becomes a sentence
            yield _outputs(draw_message(sentence(error), bad=True))
            return
        yield from watch(store, job)

    def on_fetch(job_id: str) -> Iterator[list[Any]]:
        job = store.find(job_id or "")
        if job is None:
            yield _outputs(draw_message("There is no video under this number (any more).", bad=True), job="")
            return
        yield from watch(store, job)

    def on_open(request: gr.Request) -> str:
        return str(request.query_params.get("job", ""))[:64]

    def on_opened(job_id: str) -> Iterator[list[Any]]:
        if not job_id:
            yield [gr.skip()] * len(shown)
            return
        yield from on_fetch(job_id)

    parts.go.click(on_go, [*chosen, *how], shown, concurrency_id=QUEUE, concurrency_limit=WATCHERS,
                   api_visibility="private", show_progress="hidden")  # fmt: skip
    parts.fetch.click(on_fetch, parts.job, shown, api_visibility="private", show_progress="hidden",
                      concurrency_limit=WATCHERS)  # fmt: skip
    parts.cancel.click(store.cancel, parts.job, None, api_visibility="private", queue=False)
    parts.job.change(None, parts.job, None, js=_REMEMBER_JOB)
    page.load(on_open, None, parts.job, api_visibility="private", queue=False).then(
        on_opened, parts.job, shown, api_visibility="private", show_progress="hidden", concurrency_limit=WATCHERS
    )


def watch(store: JobStore[GenerationResult], job: Job[GenerationResult]) -> Iterator[list[Any]]:
    """The page's outputs while a job runs, then its result or a sentence. Closing the tab does not stop the job."""
    last, seen = "", None
    while job.running:
        now, preview = _draw_job(job, store.ahead(job)), job.preview
        if now != last or preview is not seen:
            fresh = preview is not None and preview is not seen
            last, seen = now, preview
            yield _outputs(now, running=True, job=job.id, preview=draw_preview(preview) if fresh and preview else None)
        time.sleep(POLL)
    try:
        if job.future is None:
            raise OptionError("This job was never started; please try again.")
        result = job.future.result()
    except BaseException as error:  # whatever ended the work is told, not raised into the page
        yield _outputs(draw_message(sentence(error), bad=True), job="")
        return
    yield _finished(job, result)


def _draw_job(job: Job[GenerationResult], before: int) -> str:
    names = tuple(STAGES)
    now = names.index(job.stage) if job.stage in names else -1
    if job.cancelled.is_set():
        return draw_progress(tuple(STAGES.values()), now, job.share, "Stopping …", "")
    counted = f": {job.done} of {job.total}" if job.total > 1 else ""
    steps = STAGES[job.stage] + counted if now >= 0 else _queue(before)
    left = job.seconds_left if now >= 0 or not before else None
    return draw_progress(tuple(STAGES.values()), now, job.share, steps, "" if left is None else wait_text(left))


def _queue(before: int) -> str:
    if before == 0:
        return "It is your turn now"
    return f"Waiting: {before} {'dance is' if before == 1 else 'dances are'} before yours"


def _outputs(progress: str, running: bool = False, job: str | None = None, preview: str | None = None) -> list[Any]:
    """Outputs without a result: buttons, progress, preview, and the video hidden while something else is shown."""
    number = gr.skip() if job is None else job
    hidden = gr.update(visible=False) if running else gr.skip()
    look = gr.update(value=preview, visible=True) if preview else gr.skip() if running else gr.update(visible=False)
    return [gr.update(interactive=not running), gr.update(visible=running), gr.update(value=progress, visible=True),
            look, *[hidden] * 5, *[gr.skip()] * 3, number]  # fmt: skip


def _finished(job: Job[GenerationResult], result: GenerationResult) -> list[Any]:
    report = result.as_dict()
    beats = result.beat_report
    chart = draw_beat_report(
        beats.as_dict(), np.asarray(beats.speed_times), np.asarray(beats.speed), result.frame_count / result.fps
    )
    path, shape = str(result.video), result.options.shape
    there, other = result.other_video is not None, SHAPE_NAMES[PORTRAIT if shape == SQUARE else SQUARE]
    return [
        gr.update(interactive=True),
        gr.update(visible=False),
        gr.update(value=_READY, visible=True),
        gr.update(value="", visible=False),
        gr.update(value=path, visible=True),
        gr.update(value=path, label=f"Download the video ({SHAPE_NAMES[shape]})", visible=True),
        gr.update(value=str(result.other_video) if there else None, label=f"Download it in {other}", visible=there),
        gr.update(value=chart, visible=True),
        gr.update(visible=True),
        str(settings_path(result)),
        report,
        result.options.seed,
        job.id,
    ]
