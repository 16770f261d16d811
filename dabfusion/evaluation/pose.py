"""Finds the dancer in every frame by a pose model that had no part in making the video.

All frames are brought to a short side of 256 px first (bicubic), whatever the video's size, so that a 128 px video and
a 256 px one are looked at in the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from preprocess.yolo import load_yolo, threads_kept

from .made_once import put_file
from .weights import find_weights

WEIGHTS = "yolo11n-pose.pt"
SHORT_SIDE = 256  #: px that every frame is brought to
IMAGE_SIZE = 640  #: px that the model sees
CANDIDATE = 0.05  #: boxes below this confidence are no candidates
DETECTED = 0.5  #: a person counts as found above this confidence
BATCH = 8
SHOULDERS, HIPS = (5, 6), (11, 12)  #: COCO keypoints
NUM_KEYPOINTS = 17


@dataclass(frozen=True)
class PoseTrack:
    """The dancer through a video of F frames, in the video's own pixels; NaN where nobody was found.

    Attributes:
        keypoints: (F, 17, 2) COCO keypoints, x right and y down.
        confidence: (F, 17) of each keypoint, 0 where nobody was found.
        boxes: (F, 4) x1, y1, x2, y2.
        score: (F,) confidence of the person, 0 where nobody was found.
        fps: frames a second.
    """

    keypoints: np.ndarray
    confidence: np.ndarray
    boxes: np.ndarray
    score: np.ndarray
    fps: float

    @property
    def found(self) -> np.ndarray:
        """(F,) bool: frames that count as detected."""
        return self.score > DETECTED


class PoseEstimator(Protocol):
    """Anything that finds the most confident person in each frame."""

    def track(self, frames: np.ndarray, fps: float) -> PoseTrack:
        """(F, H, W, 3) uint8 RGB -> track."""


class YoloPose:
    """The small YOLO11 pose network, by ultralytics, on the CPU."""

    def __init__(self, folder: Path | None = None) -> None:
        """Raises MissingWeightsError where the weights are not to be found."""
        path = find_weights(WEIGHTS, folder)
        self._model = load_yolo(path, "pose")

    def track(self, frames: np.ndarray, fps: float) -> PoseTrack:
        """Follows the most confident person of each frame, (F, H, W, 3) uint8 RGB."""
        rows = []
        for start in range(0, len(frames), BATCH):
            rows += self._batch(frames[start : start + BATCH])
        keypoints, confidence, boxes, score = (np.stack(column) for column in zip(*rows, strict=True))
        return PoseTrack(keypoints, confidence, boxes, score, fps)

    def _batch(self, frames: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        scale = SHORT_SIDE / min(frames.shape[1:3])
        method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        pictures = [cv2.resize(f, None, fx=scale, fy=scale, interpolation=method)[..., ::-1].copy() for f in frames]
        with threads_kept():
            results = self._model.predict(pictures, imgsz=IMAGE_SIZE, conf=CANDIDATE, verbose=False, device="cpu")
        return [_best_person(result, scale) for result in results]


def _best_person(result: Any, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    boxes = result.boxes
    if len(boxes) == 0:
        return np.full((NUM_KEYPOINTS, 2), np.nan), np.zeros(NUM_KEYPOINTS), np.full(4, np.nan), np.zeros(())
    best = int(boxes.conf.argmax())
    points = result.keypoints.data[best].cpu().numpy().astype(np.float64)
    return (
        points[:, :2] / scale,
        points[:, 2],
        boxes.xyxy[best].cpu().numpy() / scale,
        np.asarray(float(boxes.conf[best])),
    )


def cached_track(frames: np.ndarray, fps: float, make: Callable[[], PoseEstimator], cache: Path | None) -> PoseTrack:
    """The track of a video, from the ``cache`` folder if it was measured before; ``make`` is called only if needed."""
    if cache is None:
        return make().track(frames, fps)
    key = f"{WEIGHTS}/{SHORT_SIDE}/{IMAGE_SIZE}/{frames.shape}".encode()
    path = cache / f"pose-{hashlib.sha256(key + frames.tobytes()).hexdigest()[:24]}.npz"
    if not path.is_file():
        track = make().track(frames, fps)
        arrays = {"keypoints": track.keypoints, "confidence": track.confidence, "boxes": track.boxes,
                  "score": track.score}  # fmt: skip
        put_file(path, lambda place: np.savez(place, **arrays))
    with np.load(path) as kept:
        return PoseTrack(kept["keypoints"], kept["confidence"], kept["boxes"], kept["score"], fps)


def detected(track: PoseTrack) -> float:
    """Share of frames in which a person is found at confidence > 0.5."""
    return float(track.found.mean()) if len(track.score) else 0.0


def keypoint_confidence(track: PoseTrack) -> float:
    """Mean keypoint confidence over the frames with a detected person; 0 without any."""
    return float(track.confidence[track.found].mean()) if track.found.any() else 0.0


def dancer_height(track: PoseTrack) -> float:
    """Mean height of the detected person's box in the video's own pixels; 0 without any."""
    heights = (track.boxes[:, 3] - track.boxes[:, 1])[track.found]
    return float(heights.mean()) if heights.size else 0.0
