"""Rows of the paper's tables: every clip of a set measured once, kept, and put together as a table needs it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from .clip import Clip
from .clip_rows import beside_truth, clip_row, cut_clip, cut_track, picture_peaks, sound_of
from .fvd import CLIP_FRAMES, cut_clips, frechet_distance, video_features
from .i3d import CLASSES
from .instruments import Instruments
from .made_once import file_digest, put_file, put_text
from .paper_sets import PaperSets
from .report import Reading, Row, mean_row
from .studio_truth import TRUTH, Progress
from .weights import MissingWeightsError

IDENTITY_RATE = 2.0  #: frames a second that identity looks at
REFERENCE_RATE = 0.5  #: frames a second that SSIM, PSNR and LPIPS look at
WINDOWS = {16: 2, 40: 1}  #: windows of that many frames that FVD takes from every clip's length, 40 frames
SAME_REFERENCE = "to all"  #: of FVD: to the ground truth of all pieces of a length, not of the same piece
_VERSION = 1  # of what is measured


@dataclass(frozen=True)
class Piece:
    """Frames ``first`` to ``first + count`` of a video."""

    first: int
    count: int


class PaperRows:
    """Measures videos of the sets.

    Args:
        sets: the videos.
        tools: the measuring networks; their cache also keeps the rows.
        progress: called with (what, done, total).
    """

    def __init__(self, sets: PaperSets, tools: Instruments, progress: Progress) -> None:
        self._sets, self._tools, self._progress = sets, tools, progress
        self._rows: dict[tuple[str, str, Piece], list[Row]] = {}
        self._features: dict[tuple[str, str, Piece, int], list[np.ndarray]] = {}

    def rows(self, name: str, way: str, piece: Piece | None = None) -> list[Row]:
        """One row a clip of a set, danced in a way (or TRUTH)."""
        piece = piece or self.first
        key = (name, way, piece)
        if key not in self._rows:
            self._make(name, way)
            clips, found = self._sets.truth(name), []
            for number, clip in enumerate(clips):
                path = self._sets.video(name, way, clip), self._sets.video(name, TRUTH, clip)
                kept = self._kept("row", *map(file_digest, path), str(piece))
                if kept is None or not kept.is_file():
                    taken = self._sets.take(name, way, clip)
                    row = self._measure(taken.clip, taken.real, taken.photo, piece, itself=way == TRUTH)
                    self._store(kept, row)
                    found.append(row)
                else:
                    found.append(_load(kept))
                self._progress(f"{name}, {way}: measured", number + 1, len(clips))
            self._rows[key] = found
        return self._rows[key]

    def mean(
        self, label: str, name: str, way: str, piece: Piece | None = None, chosen: Sequence[int] | None = None
    ) -> Row:  # fmt: skip
        """The mean over the ``chosen`` clips (default: all), with their FVD to the same clips' ground truth."""
        piece = piece or self.first
        rows = self.rows(name, way, piece)
        some = list(range(len(rows))) if chosen is None else list(chosen)
        readings = dict(mean_row(label, [rows[k] for k in some]).readings)
        return Row(label, readings | self._distances(name, way, piece, some, some), len(some))

    def halves(self, label: str, name: str, way: str, piece: Piece | None = None) -> Row:
        """FVD of every other dance to the ground truth of those in between: for TRUTH, real against real. All cameras'
        clips of a dance are in the same half: the same dance on both sides would make the halves alike."""
        count, cameras = len(self._sets.truth(name)), len(self._sets.plan.split(name).cameras)
        first = [k for k in range(count) if k // cameras % 2 == 0]
        second = [k for k in range(count) if k // cameras % 2 == 1]
        found = self._distances(name, way, piece or self.first, first, second, itself=True)
        return Row(label, found, len(first))

    def same_reference(
        self, name: str, way: str, piece: Piece, pieces: Sequence[Piece], chosen: Sequence[int] | None = None
    ) -> dict[str, Reading]:
        """FVD of a piece of the ``chosen`` clips (default: all) to their ground truth in all ``pieces``, so that early
        and late pieces are compared with the same real clips: real dances spread out with time, too."""
        some = list(range(len(self._sets.truth(name)))) if chosen is None else list(chosen)
        found: dict[str, Reading] = {}
        for length in CLIP_FRAMES:
            label = f"FVD-{length} {SAME_REFERENCE}"
            if way == TRUTH:
                found[label] = Reading(None)
                continue
            try:
                made = self._chosen(name, way, [piece], length, some)
                real = self._chosen(name, TRUTH, pieces, length, some)
            except MissingWeightsError as missing:
                found[label] = Reading(None, missing.need)
                continue
            found[label] = Reading(None if min(len(made), len(real)) < 2 else frechet_distance(made, real))
        return found

    @property
    def first(self) -> Piece:
        """A clip's length, from the start."""
        return Piece(0, self._sets.plan.frames)

    def _make(self, name: str, way: str) -> None:
        if way == TRUTH:
            self._sets.truth(name)
        else:
            self._sets.make(name, way)

    def _measure(self, made: Clip, real: Clip, photo: Path, piece: Piece, itself: bool) -> Row:
        try:
            track = cut_track(self._tools.track(made), piece.first, piece.count)
        except MissingWeightsError:
            track = None
        part, other = (cut_clip(c, piece.first, piece.count) for c in (made, real))
        row = clip_row(part, sound_of(part), self._tools, photo, picture_peaks(part), track, IDENTITY_RATE)
        seconds = [v for v in row.over_time.get("identity", ()) if np.isfinite(v)]
        readings = {**row.readings, "identity, last second": Reading(seconds[-1]) if seconds else Reading(None)}
        if not itself:
            readings |= beside_truth(part, other, self._tools, REFERENCE_RATE)
        return replace(row, readings=readings)

    def _distances(
        self, name: str, way: str, piece: Piece, some: list[int], others: list[int], itself: bool = False
    ) -> dict[str, Reading]:  # fmt: skip
        """FVD-16 and FVD-40 of clips ``some`` danced in a way to the ground truth of clips ``others``, with counts."""
        found: dict[str, Reading] = {}
        for length in CLIP_FRAMES:
            if way == TRUTH and not itself:
                found |= {f"FVD-{length}": Reading(None), f"samples of {length}": Reading(None)}
                continue
            try:
                x, y = (self._chosen(name, w, [piece], length, chosen) for w, chosen in ((way, some), (TRUTH, others)))
            except MissingWeightsError as missing:
                found[f"FVD-{length}"] = Reading(None, missing.need)
                continue
            few = min(len(x), len(y)) < 2
            found[f"FVD-{length}"] = Reading(None) if few else Reading(frechet_distance(x, y))
            found[f"samples of {length}"] = Reading(min(len(x), len(y)), digits=0)
        return found

    def _chosen(self, name: str, way: str, pieces: Sequence[Piece], length: int, chosen: Sequence[int]) -> np.ndarray:
        """I3D logits (n, 400) of all windows of some clips' pieces."""
        seen = [self._seen(name, way, piece, length)[k] for piece in pieces for k in chosen]
        return np.concatenate(seen or [np.zeros((0, CLASSES))])

    def _seen(self, name: str, way: str, piece: Piece, length: int) -> list[np.ndarray]:
        """I3D logits (n, 400) of each clip's windows."""
        key = (name, way, piece, length)
        if key not in self._features:
            self._make(name, way)
            clips, found = self._sets.truth(name), []
            for number, clip in enumerate(clips):
                kept = self._kept("i3d", file_digest(self._sets.video(name, way, clip)), str(piece), str(length))
                if kept is None or not kept.with_suffix(".npy").is_file():
                    frames = cut_clip(self._sets.take(name, way, clip).clip, piece.first, piece.count).frames
                    pieces = windows(frames, length, self._sets.plan.frames)
                    logits = video_features(self._tools.i3d, pieces) if pieces else np.zeros((0, CLASSES))
                    if kept is not None:
                        put_file(kept.with_suffix(".npy"), partial(np.save, arr=logits))
                else:
                    logits = np.load(kept.with_suffix(".npy"))
                found.append(logits)
                self._progress(f"{name}, {way}: FVD-{length}", number + 1, len(clips))
            self._features[key] = found
        return self._features[key]

    def _kept(self, kind: str, *parts: str) -> Path | None:
        if self._tools.cache is None:
            return None
        settings = [str(_VERSION), str(IDENTITY_RATE), str(REFERENCE_RATE), str(WINDOWS)]
        key = hashlib.sha256("/".join([*settings, *parts]).encode()).hexdigest()[:24]
        return self._tools.cache / f"{kind}-{key}.json"

    def _store(self, path: Path | None, row: Row) -> None:
        """Keeps a row for later runs, unless something could not be measured."""
        if path is None or any(reading.needs for reading in row.readings.values()):
            return
        values = {name: reading.value for name, reading in row.readings.items()}
        told = {"name": row.name, "readings": values, "over_time": dict(row.over_time)}
        put_text(path, json.dumps(told) + "\n")


def windows(frames: np.ndarray, length: int, each: int) -> list[np.ndarray]:
    """The windows of ``length`` frames that FVD looks at, a few from every ``each`` frames of (F, H, W, 3)."""
    parts = cut_clips(frames, each)
    return [window for part in parts for window in cut_clips(part, length)[: WINDOWS[length]]]


def _load(path: Path) -> Row:
    told = json.loads(path.read_text(encoding="utf-8"))
    return Row(told["name"], {k: Reading(v) for k, v in told["readings"].items()}, over_time=told["over_time"])
