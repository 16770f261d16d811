"""The videos behind the paper's tables: held-out clips drawn as ground truth, and danced in every way that is compared.

Four sets, at the paper's 10 frames a second, each made once and shared by the tables:

    forty     40 frames, all people and styles in turn          Tables 1, 3, 4, 5, 6
    eighty    80 frames, half as many clips of the same dances  Table 5
    cameras   40 frames, the same dances from nine sides        Table 2
    long      160 frames                                        Table 7
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from dabfusion.config import GenerationOptions

from .clip import Clip, read_clip
from .dancers import CHAINED_CODES, CHAINED_PIXELS, NO_BEATS, OURS, STYLE_ONLY, Dancers
from .folders import BEATS_FILE
from .instruments import Instruments
from .made_once import checkpoint_digest
from .studio_split import dance_clip
from .studio_truth import TRUTH, Progress, Split, TruthClip, find_keypoints, make_truth

FPS = 10  #: frames a second of the paper's videos
FRAMES = 40  #: of a clip in the paper
FORTY, EIGHTY, CAMERAS, LONG = "forty", "eighty", "cameras", "long"
VIEWS = tuple(40.0 * k for k in range(9))  #: degrees, nine cameras evenly around the dancer
#: Ways to dance in each set.
WAYS: dict[str, tuple[str, ...]] = {
    FORTY: (OURS, NO_BEATS, STYLE_ONLY),
    EIGHTY: (OURS,),
    CAMERAS: (OURS,),
    LONG: (OURS, CHAINED_CODES, CHAINED_PIXELS),
}


@dataclass(frozen=True)
class PaperPlan:
    """How much is made.

    Attributes:
        avatars, motion: as in :class:`.studio_truth.Split`.
        clips: of 40 frames; half as many have 80.
        camera_dances: dances, each seen by nine cameras.
        long_clips: of 160 frames.
        seed: of the whole choice.
        frames: of a clip; 40 in the paper.
    """

    avatars: Path | None
    motion: Path | None
    clips: int = 22
    camera_dances: int = 4
    long_clips: int = 12
    seed: int = 0
    frames: int = FRAMES

    def split(self, name: str) -> Split:
        """The clips of a set."""
        seconds = self.frames / FPS
        if name == FORTY:
            return self._split(self.clips, seconds)
        if name == EIGHTY:
            return self._split(max(self.clips // 2, 1), 2 * seconds)
        if name == CAMERAS:
            return self._split(self.camera_dances, seconds, cameras=VIEWS)
        return self._split(self.long_clips, 4 * seconds, song=max(12.0, 4 * seconds + 2))

    def _split(
        self, clips: int, seconds: float, song: float = 12.0, cameras: tuple[float, ...] = (0.0,)
    ) -> Split:  # fmt: skip
        return Split(self.avatars, self.motion, clips, seconds, self.seed, FPS, song, cameras)


@dataclass(frozen=True)
class Taken:
    """One video of a set as it is measured: itself, the true one beside it, and the first frame as a picture."""

    clip: Clip
    real: Clip
    photo: Path
    video: Path
    real_video: Path


class PaperSets:
    """Makes what is asked for, and keeps it.

    Args:
        plan: how much.
        work: where it is kept; what was made by the same checkpoint is used again.
        checkpoint: which dancer.
        tools: its pose model finds the joints of start frames.
        progress: called with (what, done, total).
    """

    def __init__(
        self, plan: PaperPlan, work: Path, checkpoint: Path, tools: Instruments, progress: Progress
    ) -> None:  # fmt: skip
        self.plan, self.work, self.checkpoint = plan, work, checkpoint
        self._tools, self._progress = tools, progress
        self._truth: dict[str, list[TruthClip]] = {}
        self._dancers = Dancers(checkpoint, lambda picture: find_keypoints(picture, tools), plan.frames / FPS)

    @cached_property
    def digest(self) -> str:
        """Which weights dance."""
        return checkpoint_digest(self.checkpoint)

    def truth(self, name: str) -> list[TruthClip]:
        """The ground truth of a set, drawn if need be."""
        if name not in self._truth:
            self._truth[name] = make_truth(self.plan.split(name), self.work / name, self._tools, self._progress)
        return self._truth[name]

    def video(self, name: str, way: str, clip: TruthClip) -> Path:
        """Where a clip of a set lies, as danced in a way (or TRUTH)."""
        folder = TRUTH if way == TRUTH else f"{way}-{self.digest}"
        return self.work / name / folder / f"{clip.name}.mp4"

    def make(self, name: str, way: str) -> None:
        """Dances all clips of a set in one way, where that is not done yet."""
        clips, split = self.truth(name), self.plan.split(name)
        for number, clip in enumerate(clips):
            style = clip.style if way == STYLE_ONLY else "auto"
            options = GenerationOptions(seed=split.seed + number, length=split.seconds, fps=split.fps, style=style,
                                        mark=False)  # fmt: skip
            out = self.video(name, way, clip)
            dance_clip(self._dancers, way, clip, self.work / name, out, options, self.digest)
            self._progress(f"{name}, {way}", number + 1, len(clips))

    def take(self, name: str, way: str, clip: TruthClip) -> Taken:
        """Reads one video and its ground truth, with the song's true beats."""
        beats = np.asarray(json.loads((self.work / name / TRUTH / BEATS_FILE).read_text("utf-8"))[clip.name], float)
        paths = self.video(name, way, clip), self.video(name, TRUTH, clip)
        made, real = (read_clip(path, beat_times=beats) for path in paths)
        return Taken(made, real, clip.photo(self.work / name), *paths)

    def settings(self) -> dict[str, object]:
        """What a report says of how the videos were made."""
        plan = {key: value for key, value in asdict(self.plan).items() if key not in ("avatars", "motion")}
        return {
            "checkpoint": f"{self.checkpoint.name}, {self.digest}",
            "plan": ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in plan.items()),
            "videos": f"{FPS} frames a second as in the paper, 256 px; style auto, {GenerationOptions().steps} steps, "
            f"guidance {GenerationOptions().guidance:g}, seed {self.plan.seed} + number of the clip, unpicked",
        }
