"""ZeroGPU: borrows a GPU for the dance where the host lends them; changes nothing elsewhere."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import GenerationOptions
from ..extras import NO_EXTRAS, Extras

if TYPE_CHECKING:
    from preprocess.start_frame import StartFrame

    from ..music_encoder.embedding import MusicEmbedding
    from ..pipeline import GenerationResult, Progress, ShouldStop
    from ..services import Dancer, Services


def gpu_seconds(
    start_frame: StartFrame, music: MusicEmbedding, song: str, out: str, options: GenerationOptions, extras: Extras
) -> int:
    """How long the GPU is asked for: a base, the denoising, and the frames; at most two minutes."""
    length = options.length if options.length is not None else music.duration - options.start
    return int(min(120, 10 + 0.02 * options.steps * length / 4 + 0.6 * length))


class _Borrowing:
    """A dancer whose work runs where the GPU is. Progress and cancel do not cross over to that process."""

    def __init__(self, dancer: Dancer) -> None:
        def dance(
            start_frame: StartFrame, music: MusicEmbedding, song: str, out: str, options: GenerationOptions,
            extras: Extras,
        ) -> GenerationResult:  # fmt: skip
            return dancer.generate(start_frame, music, song, out, options, extras=extras)

        self._dance = importlib.import_module("spaces").GPU(duration=gpu_seconds)(dance)

    def generate(
        self,
        start_frame: StartFrame,
        music: MusicEmbedding,
        song_path: Path | str,
        out_path: Path | str,
        options: GenerationOptions,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
        extras: Extras = NO_EXTRAS,
    ) -> GenerationResult:
        """See :meth:`dabfusion.pipeline.DabFusion.generate`."""
        if progress is not None:
            progress("dance", 0, 1)
        alone = replace(extras, watch=None)  # a watcher cannot follow into the process with the GPU
        result: GenerationResult = self._dance(start_frame, music, str(song_path), str(out_path), options, alone)
        if progress is not None:
            progress("render", 1, 1)  # all of it happened over there; so the next dance's time is told right
        return result


def on_zero_gpu(services: Services) -> Services:
    """The same services, with the dancer on a borrowed GPU where the package ``spaces`` is installed."""
    if importlib.util.find_spec("spaces") is None:
        return services
    return replace(services, dancer=_Borrowing(services.dancer))
