"""Find the people in a photo with YOLO (ultralytics): boxes, then the 17 COCO joints of each.

Where nobody is found, the most prominent other thing stands in: an animal or toy that YOLO knows, else whatever
stands out from the picture's border (``salience.py``), so that drawings dance too.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from preprocess.person import FIGURE, KEYPOINTS, SEEN, Person, no_keypoints
from preprocess.photo import Photo
from preprocess.salience import salient_box
from preprocess.weights import CHECKPOINTS, verified
from preprocess.yolo import load_yolo, threads_kept

if TYPE_CHECKING:
    from ultralytics import YOLO

CERTAIN = 0.4  # confidence from which a box is a person without doubt
DOUBTFUL = 0.1  # confidence down to which a lone box is still tried as a person
THING = 0.25  # the same for other things
PERSON_CLASS = 0
LIVELY_CLASSES = (*range(14, 24), 77)  # COCO: bird to giraffe, teddy bear: things with a body, preferred over a chair
MAX_PEOPLE = 20
SAME_IOU = 0.5  # boxes that overlap more are one person
PART_INSIDE = 0.9  # a weak box that lies inside another by this share is a part of that person
MIN_HEIGHT_SHARE = 0.04  # of the photo's longer side; smaller people are passers-by far away


def box_overlap(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """(intersection over union, intersection over the smaller area) of two boxes x1, y1, x2, y2."""
    size = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.clip(size, 0, None)))
    area_a, area_b = float(np.prod(a[2:] - a[:2])), float(np.prod(b[2:] - b[:2]))
    return shared / max(area_a + area_b - shared, 1e-6), shared / max(min(area_a, area_b), 1e-6)


def merge_boxes(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join boxes that show one person: strong overlap, or a weak box (below CERTAIN + .1) inside another one.

    Args:
        boxes: (N, 4) x1, y1, x2, y2.
        scores: (N,) confidences.

    Returns:
        (M, 4) hulls and (M,) best scores, best first.
    """
    order = np.argsort(-scores, kind="stable")
    hulls: list[np.ndarray] = []
    best: list[float] = []
    for index in order:
        box, score = boxes[index], float(scores[index])
        for k, hull in enumerate(hulls):
            iou, inside = box_overlap(box, hull)
            if iou > SAME_IOU or (inside > PART_INSIDE and score < CERTAIN + 0.1):
                hulls[k] = np.concatenate([np.minimum(hull[:2], box[:2]), np.maximum(hull[2:], box[2:])])
                break
        else:
            hulls.append(box.copy())
            best.append(score)
    return np.reshape(np.array(hulls, np.float32), (-1, 4)), np.array(best, np.float32)


def widen(box: np.ndarray, size: tuple[int, int], share: float) -> np.ndarray:
    """Grow a box by ``share`` of its own longer side on all four sides, inside a picture of (width, height)."""
    margin = share * float(max(box[2] - box[0], box[3] - box[1]))
    grown = box + np.array([-margin, -margin, margin, margin], np.float32)
    limits = np.array([size[0], size[1], size[0], size[1]], np.float32)
    return np.clip(grown, 0, limits).astype(np.float32)


class Detector:
    """YOLOv8n for boxes and YOLO11n-pose for joints; loaded on first use, safe to call from several threads."""

    def __init__(self, checkpoints: Path = CHECKPOINTS, device: str = "cpu") -> None:
        self._checkpoints = checkpoints
        self._device = device
        self._models: dict[str, YOLO] = {}
        self._lock = threading.Lock()

    def find_people(self, photo: Photo) -> list[Person]:
        """All people, the most prominent (large, certain, central) first; at most ``MAX_PEOPLE``.

        Never empty: without any person the list holds one other figure, whose ``kind`` is not "person".
        """
        boxes, scores, classes = self._boxes(photo.pixels)
        is_person = classes == PERSON_CLASS
        people = self._people(photo, boxes[is_person & (scores >= CERTAIN)], scores[is_person & (scores >= CERTAIN)])
        if people:
            return people
        thing = _best_thing(boxes, scores, classes, self._names(), photo.size)
        lively = thing is not None and thing.kind in {self._names()[k] for k in LIVELY_CLASSES}
        doubtful = self._people(photo, boxes[is_person], scores[is_person])
        if doubtful and not (lively and thing is not None and thing.confidence > doubtful[0].confidence):
            return doubtful[:1]
        if thing is not None and (lively or thing.confidence >= CERTAIN):
            return [thing]
        box = salient_box(photo.pixels)
        return [Person(box, 0.0, no_keypoints(), FIGURE)]

    def keypoints_in(self, photo: Photo, box: np.ndarray) -> np.ndarray:
        """(17, 3) joints of the figure that fills ``box``, read from a close-up; zeros where no pose is found."""
        x1, y1, x2, y2 = np.rint(widen(box, photo.size, 0.15)).astype(int)
        crop = photo.pixels[y1:y2, x1:x2]
        if min(crop.shape[:2]) < 8:
            return no_keypoints()
        boxes, _, joints = self._poses(crop, confidence=0.2)
        if not len(boxes):
            return no_keypoints()
        target: np.ndarray = box - np.array([x1, y1, x1, y1], np.float32)
        nearest = int(np.argmax([box_overlap(found, target)[0] for found in boxes]))
        if box_overlap(boxes[nearest], target)[0] < 0.3:
            return no_keypoints()
        found = joints[nearest].copy()
        found[:, :2] += (x1, y1)
        return found

    def _people(self, photo: Photo, boxes: np.ndarray, scores: np.ndarray) -> list[Person]:
        boxes, scores = merge_boxes(boxes, scores)
        tall = (boxes[:, 3] - boxes[:, 1]) >= MIN_HEIGHT_SHARE * max(photo.size)
        boxes, scores = boxes[tall], scores[tall]
        if not len(boxes):
            return []
        rank = np.argsort([-_prominence(box, s, photo.size) for box, s in zip(boxes, scores, strict=True)])
        pose_boxes, _, joints = self._poses(photo.pixels, confidence=0.2)
        return [Person(boxes[k], float(scores[k]), _matching(boxes[k], pose_boxes, joints)) for k in rank[:MAX_PEOPLE]]

    def _model(self, name: str, task: str) -> YOLO:
        if name not in self._models:
            self._models[name] = load_yolo(verified(name, self._checkpoints), task)
        return self._models[name]

    def _names(self) -> dict[int, str]:
        with self._lock:
            return self._model("yolov8n", "detect").names

    def _predict(self, name: str, task: str, rgb: np.ndarray, confidence: float) -> Any:
        with self._lock, torch.inference_mode():
            model = self._model(name, task)
            bgr = np.ascontiguousarray(rgb[..., ::-1])
            with threads_kept():
                found = model.predict(bgr, conf=confidence, device=self._device, verbose=False, save=False, max_det=100)
            return next(iter(found))

    def _boxes(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N, 4) boxes, (N,) scores, (N,) COCO classes of everything in an RGB picture."""
        found = self._predict("yolov8n", "detect", rgb, DOUBTFUL).boxes.cpu().numpy()
        return found.xyxy.astype(np.float32), found.conf.astype(np.float32), found.cls.astype(int)

    def _poses(self, rgb: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N, 4) boxes, (N,) scores, (N, 17, 3) joints of the people in an RGB picture."""
        result = self._predict("yolo11n-pose", "pose", rgb, confidence)
        found, joints = result.boxes.cpu().numpy(), result.keypoints.data.cpu().numpy()
        return found.xyxy.astype(np.float32), found.conf.astype(np.float32), joints.reshape(-1, KEYPOINTS, 3)


def _prominence(box: np.ndarray, score: float, size: tuple[int, int]) -> float:
    """Large, certain and central people come first."""
    area = float(np.prod(box[2:] - box[:2])) / (size[0] * size[1])
    off_centre = abs(float(box[0] + box[2]) / 2 / size[0] - 0.5)
    return float(np.sqrt(area)) * score * (1 - off_centre)


def _matching(box: np.ndarray, pose_boxes: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """The joints of the pose whose box fits best, else zeros."""
    if not len(pose_boxes):
        return no_keypoints()
    overlaps = [box_overlap(box, other)[0] for other in pose_boxes]
    best = int(np.argmax(overlaps))
    return joints[best].astype(np.float32) if overlaps[best] > SEEN else no_keypoints()


def _best_thing(
    boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, names: dict[int, str], size: tuple[int, int]
) -> Person | None:
    """The most prominent thing that is not a person; bodies (animals, teddy bears) count double."""
    candidates = [
        (_prominence(box, score, size) * (2 if kind in LIVELY_CLASSES else 1), index)
        for index, (box, score, kind) in enumerate(zip(boxes, scores, classes, strict=True))
        if kind != PERSON_CLASS and score >= THING
    ]
    if not candidates:
        return None
    index = max(candidates)[1]
    return Person(boxes[index], float(scores[index]), no_keypoints(), names[int(classes[index])])
