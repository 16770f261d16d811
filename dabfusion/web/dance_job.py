"""One dance as a job: the song copied, both shapes written, a preview on the way, the settings beside the video."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import PORTRAIT, SQUARE, GenerationOptions
from ..extras import Extras
from .jobs import Job, JobStore
from .pace import plan_units
from .preview import Preview, PreviewReel
from .uploads import own_song

if TYPE_CHECKING:
    from preprocess.start_frame import StartFrame

    from ..music_encoder.embedding import MusicEmbedding
    from ..pipeline import GenerationResult
    from ..services import Dancer

SHAPE_NAMES = {SQUARE: "1:1", PORTRAIT: "9:16"}
_ENDINGS = {SQUARE: "", PORTRAIT: "-tall"}


def start_job(
    store: JobStore[GenerationResult],
    dancer: Dancer,
    start_frame: StartFrame,
    music: MusicEmbedding,
    song: str,
    options: GenerationOptions,
    scene: Mapping[str, object],
    both: bool = False,
) -> Job[GenerationResult]:
    """Queues one dance; the song is copied into the job's folder, so that the upload may go away.

    Args:
        store: runs it.
        dancer: makes it.
        start_frame, music, song, options: see :meth:`dabfusion.pipeline.DabFusion.generate`.
        scene: what the file remembers of the photo step: person, background, points.
        both: write the other shape too.
    """

    def work(job: Job[GenerationResult]) -> GenerationResult:
        def show(preview: Preview) -> None:
            job.preview = preview

        own = own_song(song, job.folder)
        files = {shape: job.folder / f"dance-{options.seed}{ending}.mp4" for shape, ending in _ENDINGS.items()}
        out = files.pop(options.shape)
        other = next(iter(files.values())) if both else None
        extras = Extras(other, PreviewReel(options.fps, show), scene)
        try:
            result = dancer.generate(start_frame, music, own, out, options, job.progress, job.should_stop, extras)
        finally:
            own.unlink(missing_ok=True)
        values = {**result.options.as_dict(), **scene}
        settings_path(result).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        return result

    left = max(music.duration - options.start, 0.0)
    return store.start(work, plan_units(options, min(left, options.length or left)))


def settings_path(result: GenerationResult) -> Path:
    """Where a job keeps the settings of its video."""
    return result.video.with_suffix(".json")
