"""Where the flow predictor's frames come from: packs of Studio pairs, or videos of the AIST Dance Video Database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.flow_predictor import FlowPredictor, FlowPredictorConfig
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.training.aist import SIZE, AistVideos, draw_pairs
from dabfusion.training.frame_pairs import PIXELS, FramePairs, SeenFrames, frame_pairs, with_alpha
from dabfusion.training.pairs import PairPack
from dabfusion.training.predictor_run import AIST, STUDIO

#: A decoded frame takes 48 KiB: 8192 of them are 400 MB, some eighty of the database's ten-second videos.
POOL_FRAMES = 8192
#: A new video is decoded every so many batches: 64 driving frames are drawn meanwhile, of the hundred that it has.
BATCHES_A_VIDEO = 4
_HELD_OUT_VIDEOS, _HELD_OUT_DRIVES, _CLIP_FRAMES = 10, 4, 40


class FrameSource(Protocol):
    """Frames to learn from, and what is held out of them.

    Attributes:
        data: what the run folder says of it.
    """

    data: str

    def batch(self, rng: np.random.Generator, clips: int, drives: int) -> SeenFrames:
        """``clips`` reference frames with ``drives`` driving frames each: B = clips * drives, a clip's together."""

    def refresh(self) -> None:
        """Looks for data that has come since."""

    def measure(self, model: nn.ModuleDict) -> dict[str, float]:
        """Held-out figures of ``predictor`` and, in label-free runs, ``generator``; empty where nothing is held out."""


class PairSource:
    """Studio's pairs, which know the true flow.

    Args:
        pairs: pack to learn from.
        config: sizes of the frames.
        held_out: pack to measure on.

    Raises:
        UserError: a pack is missing.
    """

    data = STUDIO

    def __init__(self, pairs: Path, config: FlowPredictorConfig, held_out: Path | None = None) -> None:
        self._pack, self._config = PairPack(pairs), config
        self._watched = PairPack(held_out) if held_out else None

    def batch(self, rng: np.random.Generator, clips: int, drives: int) -> FramePairs:
        """Random clips of the pack, augmented."""
        return frame_pairs(self._pack.batch(rng, clips, drives), self._config, rng)

    def refresh(self) -> None:
        """Looks for new shards."""
        self._pack.refresh()

    def measure(self, model: nn.ModuleDict) -> dict[str, float]:
        """See :func:`evaluate`."""
        return {} if self._watched is None else evaluate(predictor_of(model), self._watched, self._config)


class VideoPool:
    """Decoded videos to draw from: now and then a new one comes, and the oldest go to make room for it.

    Args:
        count: how many videos there are.
        read: decodes video number n: (N, S, S, 3) uint8.
        max_frames: of all videos held together; a longer video is cut. While one is being decoded, it is held besides.
    """

    def __init__(self, count: int, read: Callable[[int], np.ndarray], max_frames: int = POOL_FRAMES) -> None:
        self._count, self._read, self._max_frames = count, read, max_frames
        self._batches = 0
        self.held: dict[int, np.ndarray] = {}  # number -> frames, the oldest first

    def draw(self, rng: np.random.Generator, clips: int) -> list[np.ndarray]:
        """``clips`` of the videos held, different ones where there are enough; at first, so many are decoded."""
        if self._batches % BATCHES_A_VIDEO == 0:
            self._admit(rng)
        self._batches += 1
        while len(self.held) < min(clips, self._count) and self._admit(rng):
            pass
        held = list(self.held.values())
        return [held[i] for i in rng.choice(len(held), clips, replace=clips > len(held))]

    def _admit(self, rng: np.random.Generator) -> bool:
        """Decodes a random video that is not held; false where it took another's place, or all are held."""
        absent = [n for n in range(self._count) if n not in self.held]
        if not absent:
            return False
        number = int(rng.choice(absent))
        frames = self._read(number)
        if len(frames) > self._max_frames:
            frames = frames[: self._max_frames].copy()  # a view would keep the whole video in memory
        before = len(self.held)
        while self.held and sum(map(len, self.held.values())) + len(frames) > self._max_frames:
            del self.held[next(iter(self.held))]
        self.held[number] = frames
        return len(self.held) > before


class AistSource:
    """Videos of the AIST Dance Video Database, whole frames; those of the test songs are measured on.

    Args:
        folder: see :class:`~dabfusion.training.aist.AistVideos`.
        config: whole frames, at most 128 pixels wide.
        max_frames: bound of the :class:`VideoPool`.

    Raises:
        UserError: there are no videos of training or of test songs, a song is missing, or the frames are wider.
    """

    data = AIST

    def __init__(self, folder: Path, config: FlowPredictorConfig, max_frames: int = POOL_FRAMES) -> None:
        if config.channels != 3:
            raise ValueError(f"videos have 3 channels, not {config.channels}")
        if config.size > SIZE:
            raise UserError(f"The frames are {SIZE} pixels wide by AIST++'s protocol; give --size {SIZE} or less.")
        train, self._test, self._size = AistVideos(folder, "train"), AistVideos(folder, "test"), config.size
        self._pool = VideoPool(len(train), train.frames, max_frames)
        self._watched: list[SeenFrames] = []

    def batch(self, rng: np.random.Generator, clips: int, drives: int) -> SeenFrames:
        """Random videos of the pool: the first frame, and random ones."""
        drawn = [draw_pairs(frames, rng, drives) for frames in self._pool.draw(rng, clips)]
        return self._seen([x_ref for x_ref, _ in drawn], [x_drive for _, x_drive in drawn])

    def refresh(self) -> None:
        """Does nothing: the videos are listed once."""

    def measure(self, model: nn.ModuleDict) -> dict[str, float]:
        """See :func:`reconstruction_errors`: first clips of ten videos spread over the test songs, none chosen."""
        if not self._watched:
            spread = np.linspace(0, len(self._test) - 1, min(_HELD_OUT_VIDEOS, len(self._test)))
            self._watched = [self._first_clip(int(n)) for n in spread.round()]
        return reconstruction_errors(predictor_of(model), generator_of(model), self._watched)

    def _first_clip(self, number: int) -> SeenFrames:
        """A test video's first frame, and evenly spread ones of its first four seconds."""
        clip = self._test.frames(number)[:_CLIP_FRAMES]
        drives = np.linspace(0, len(clip) - 1, _HELD_OUT_DRIVES + 1)[1:].round().astype(int)
        return self._seen([clip[0]], [clip[drives]])

    def _seen(self, x_ref: list[np.ndarray], x_drive: list[np.ndarray]) -> SeenFrames:
        """Frames (S, S, 3) with driving ones (T, S, S, 3) each, at the predictor's size."""
        drives = len(x_drive[0])
        start, drive = (self._tensor(v) for v in (np.stack(x_ref), np.concatenate(x_drive)))
        return SeenFrames(start.repeat_interleave(drives, 0), drive)

    def _tensor(self, frames: np.ndarray) -> Tensor:
        """(N, S, S, 3) uint8 -> (N, 3, size, size) in [0, 1]."""
        return F.interpolate(torch.from_numpy(frames).permute(0, 3, 1, 2) / 255, (self._size,) * 2, mode="area")


@torch.no_grad()
def evaluate(
    predictor: FlowPredictor, pack: PairPack, config: FlowPredictorConfig, clips: int = 24
) -> dict[str, float]:
    """Against Studio's truth on the first clips of a pack, person cells only.

    Returns:
        ``epe_px`` and ``still_epe_px`` (nothing moves), over what the reference shows, in pixels of a 256 frame;
        ``occlusion_accuracy`` (threshold 0.5) and ``visible_share``, what calling everything visible would reach.
    """
    rng, sums = (
        np.random.default_rng(0),
        {"error": 0.0, "still": 0.0, "right": 0.0, "visible": 0.0, "shown": 0.0, "person": 0.0},
    )
    for first in range(0, min(clips, len(pack)), 4):
        chosen = [pack.clip(i, np.arange(8)) for i in range(first, min(first + 4, len(pack)))]
        pairs = frame_pairs(pack.collate(chosen, rng, False), config, rng)
        maps = predictor(pairs.x_ref, pairs.x_drive)
        person = pairs.coverage * (pairs.coverage > 0.4)
        shown = person * pairs.visible
        visible = pairs.visible > 0.5
        sums["error"] += float(((maps.flow - pairs.flow).norm(dim=1, keepdim=True) * shown).sum())
        sums["still"] += float((pairs.flow.norm(dim=1, keepdim=True) * shown).sum())
        sums["right"] += float((((maps.occlusion > 0.5) == visible) * person).sum())
        sums["visible"] += float((visible * person).sum())
        sums["shown"] += float(shown.sum())
        sums["person"] += float(person.sum())
    return {
        "epe_px": sums["error"] / sums["shown"] * PIXELS, "still_epe_px": sums["still"] / sums["shown"] * PIXELS,
        "occlusion_accuracy": sums["right"] / sums["person"], "visible_share": sums["visible"] / sums["person"],
    }  # fmt: skip


@torch.no_grad()
def reconstruction_errors(predictor: FlowPredictor, generator: Generator, clips: list[SeenFrames]) -> dict[str, float]:
    """How far drawn driving frames are from the video's, where nobody knows the flow.

    Returns:
        ``l1_drawn``: mean absolute difference of colours, 8-bit levels, of frames drawn from x_ref (before black where
        the generator leaves them transparent); ``l1_unmoved``: of x_ref itself.
    """
    drawn, unmoved = [], []
    for seen in clips:
        picture = generator.decode(generator.encode(with_alpha(seen.x_ref)), predictor(seen.x_ref, seen.x_drive))
        drawn.append(float((picture[:, :3].clamp(0, 1) - seen.x_drive).abs().mean()) * 255)
        unmoved.append(float((seen.x_ref - seen.x_drive).abs().mean()) * 255)
    return {"l1_drawn": float(np.mean(drawn)), "l1_unmoved": float(np.mean(unmoved))}


def predictor_of(model: nn.ModuleDict) -> FlowPredictor:
    """The flow predictor of what is trained."""
    predictor = model["predictor"]
    assert isinstance(predictor, FlowPredictor)
    return predictor


def generator_of(model: nn.ModuleDict) -> Generator:
    """The generator of what is trained without labels."""
    generator = model["generator"]
    assert isinstance(generator, Generator)
    return generator
