"""The measuring networks, each loaded when first used and remembered as missing where its weights are not there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .clip import Clip
from .i3d import I3D, load_i3d
from .identity import Appearance, photo_appearance
from .lpips import Lpips, load_lpips
from .pose import PoseEstimator, PoseTrack, YoloPose, cached_track
from .report import Reading
from .weights import MissingWeightsError

MAX_PHOTO_SIDE = 1280  #: px; larger photos are looked at in this size


class Instruments:
    """Everything that needs weights.

    Args:
        weights: folder with the weight files; None: the environment's, or checkpoints/.
        cache: folder in which pose tracks are kept between runs; None: nothing is kept.
    """

    def __init__(self, weights: Path | None = None, cache: Path | None = None) -> None:
        self.weights, self.cache = weights, cache
        self._photos: dict[Path, Appearance | None] = {}

    @cached_property
    def pose(self) -> PoseEstimator:
        """The pose model; raises MissingWeightsError."""
        return YoloPose(self.weights)

    @cached_property
    def vgg(self) -> Lpips:
        """LPIPS by VGG-16; raises MissingWeightsError."""
        return load_lpips("vgg16", self.weights)

    @cached_property
    def alexnet(self) -> Lpips:
        """LPIPS by AlexNet; raises MissingWeightsError."""
        return load_lpips("alexnet", self.weights)

    @cached_property
    def i3d(self) -> I3D:
        """I3D; raises MissingWeightsError."""
        return load_i3d(self.weights)

    def track(self, clip: Clip) -> PoseTrack:
        """The dancer through a clip; raises MissingWeightsError."""
        return cached_track(clip.frames, clip.fps, lambda: self.pose, self.cache)

    def photo(self, path: Path) -> Appearance | None:
        """The person in a photo file, None where nobody is seen; raises MissingWeightsError."""
        if path not in self._photos:
            self._photos[path] = photo_appearance(read_photo_pixels(path), self.pose, self.vgg)
        return self._photos[path]


def read_photo_pixels(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB, upright, long side at most MAX_PHOTO_SIDE."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((MAX_PHOTO_SIDE, MAX_PHOTO_SIDE), Image.Resampling.LANCZOS)
        return np.array(upright)


def reading(measure: Callable[[], float]) -> Reading:
    """What a measure says, or what it needs."""
    try:
        return Reading(measure())
    except MissingWeightsError as missing:
        return Reading(None, missing.need)
