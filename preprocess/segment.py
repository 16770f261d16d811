"""Cut one figure out of a photo with Segment Anything, prompted by a box and, to correct it, by points."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from preprocess.detect import widen
from preprocess.errors import PhotoError
from preprocess.person import FIGURE, HEAD, LIMBS, SEEN, Person
from preprocess.photo import Photo
from preprocess.salience import figure_on_plain_ground
from preprocess.sam import SMALL, load_sam
from preprocess.weights import CHECKPOINTS

if TYPE_CHECKING:
    from segment_anything import SamPredictor

BOX_MARGIN = 0.04  # of the box's longer side: YOLO likes to cut off hair and shoes
CLOSE_UP_BELOW = 0.45  # figures smaller than this share of the photo are segmented in a close-up
CLOSE_UP_SIDE = 1.7  # side of the close-up, in longer sides of the box
CACHED_PHOTOS = 6  # embeddings kept, 4 MB each
FILLED = 0.78  # of its own box; nobody fills more of theirs, a photo's background does
HELD = 0.8  # share of the seen joints that a person's mask must hold
NEAR_LIMB = 0.06  # of the person's height: pieces of a mask further from every limb belong to something else
LEAST_JOINTS = 4  # seen, to judge a mask by them
LOW_SIDE = 256  # pixels of SAM's mask prompts
PLAIN_GROUND_QUALITY = 0.9  # a mask told from plain ground by colour: good, but nobody checked what it shows
MIN_MASK_SHARE = 2e-4  # of the photo; less is nothing

Point = tuple[float, float, bool]  # x, y in photo pixels; True: belongs to the figure


@dataclass(frozen=True)
class Cutout:
    """Which pixels of the photo show the figure.

    Attributes:
        mask: (H, W) bool, photo pixels.
        quality: Segment Anything's own guess of the mask's intersection over union with the truth, 0 to 1.
    """

    mask: np.ndarray
    quality: float

    @property
    def box(self) -> np.ndarray:
        """(4,) float32 x1, y1, x2, y2 (edges) of the mask."""
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


@dataclass(frozen=True)
class _Embedding:
    """SAM's image features of one region of a photo: features (1, 256, 64, 64)."""

    features: torch.Tensor
    original_size: tuple[int, int]
    input_size: tuple[int, int]


class Segmenter:
    """``segment_anything.SamPredictor`` with the image embedding kept per photo region.

    The model is loaded on first use. Calls from several threads take turns.
    """

    def __init__(self, model: str = SMALL, checkpoints: Path = CHECKPOINTS, device: str = "cpu") -> None:
        self._name, self._checkpoints, self._device = model, checkpoints, device
        self._predictor: SamPredictor | None = None
        self._embeddings: OrderedDict[tuple[str, tuple[int, ...]], _Embedding] = OrderedDict()
        self._lock = threading.Lock()

    def cut_out(self, photo: Photo, person: Person, points: Sequence[Point] = ()) -> Cutout:
        """The mask of ``person``.

        Without points Segment Anything is asked for three masks and the one that it trusts most is taken. A person
        who fills the photo is not told from the photo by a box: a mask that fills its box is asked for again by the
        person's joints.
        With points that mask is corrected, but only where the clicks are. A figure that no detector knows, on
        plain ground (a drawing on paper), is told from the ground by colour instead, down to thin lines that
        the model would lose.

        Raises:
            PhotoError: a point lies outside the photo, or nothing is left of the figure.
            WeightsError: the model's weights are missing.
        """
        points = _checked(points, photo.size)
        drawn = figure_on_plain_ground(photo.pixels) if person.kind == FIGURE else None
        if drawn is not None and not points:
            return Cutout(clean_mask(drawn), PLAIN_GROUND_QUALITY)
        box = prompt_box(photo, person, points)
        region = region_of(person, box, photo.size)
        x1, y1, x2, y2 = region
        places = [(x - x1, y - y1, inside) for x, y, inside in points]
        with self._lock:
            predictor = self._at(photo, region)
            seen, quality = _ask(
                predictor, box - np.array([x1, y1, x1, y1]), places, None if drawn is None else drawn[y1:y2, x1:x2],
                _seen_joints(person) - np.array([x1, y1], np.float32),
            )  # fmt: skip
        mask = np.zeros(photo.pixels.shape[:2], bool)
        mask[y1:y2, x1:x2] = seen
        if photo.alpha is not None:
            mask &= photo.alpha > 127
        mask = clean_mask(mask, [(x, y) for x, y, inside in points if inside], limbs_drawn(person, photo.size[::-1]))
        if mask.sum() < MIN_MASK_SHARE * mask.size:
            raise PhotoError("No figure could be cut out there: please choose another person or click on the figure.")
        return Cutout(mask, float(np.clip(quality, 0, 1)))

    def part_of(self, photo: Photo, person: Person, points: Sequence[Point]) -> Cutout:
        """The smallest thing that Segment Anything sees at points on ``person``: a hand, not the coat it lies on.

        Args:
            photo, person: as for :meth:`cut_out`, whose embedding is used again.
            points: on the part, and beside it.

        Raises:
            PhotoError: a point lies outside the photo.
            WeightsError: the model's weights are missing.
        """
        points = _checked(points, photo.size)
        x1, y1, x2, y2 = region_of(person, prompt_box(photo, person), photo.size)
        with self._lock:
            masks, qualities, _ = self._at(photo, (x1, y1, x2, y2)).predict(
                point_coords=np.array([(x - x1, y - y1) for x, y, _ in points], np.float32),
                point_labels=np.array([int(inside) for _, _, inside in points]),
                multimask_output=True,
            )
        mask = np.zeros(photo.pixels.shape[:2], bool)
        mask[y1:y2, x1:x2] = masks[0]
        return Cutout(mask, float(np.clip(qualities[0], 0, 1)))

    def _at(self, photo: Photo, region: tuple[int, int, int, int]) -> SamPredictor:
        """The predictor, set to a region of the photo."""
        if self._predictor is None:
            sam = load_sam(self._name, self._checkpoints, self._device)
            from segment_anything import SamPredictor

            self._predictor = SamPredictor(sam)
        predictor, key = self._predictor, (photo.digest, region)
        if key in self._embeddings:
            self._embeddings.move_to_end(key)
            kept = self._embeddings[key]
            predictor.features, predictor.is_image_set = kept.features, True
            predictor.original_size, predictor.input_size = kept.original_size, kept.input_size
            return predictor
        x1, y1, x2, y2 = region
        predictor.set_image(np.ascontiguousarray(photo.pixels[y1:y2, x1:x2]))
        size = (int(predictor.original_size[0]), int(predictor.original_size[1]))
        shown = (int(predictor.input_size[0]), int(predictor.input_size[1]))
        self._embeddings[key] = _Embedding(predictor.features, size, shown)
        while len(self._embeddings) > CACHED_PHOTOS:
            self._embeddings.popitem(last=False)
        return predictor


def prompt_box(photo: Photo, person: Person, points: Sequence[Point] = ()) -> np.ndarray:
    """The box to prompt with: the person's, widened, and grown to hold every seen joint and every inside point."""
    box = widen(person.box, photo.size, BOX_MARGIN)
    held = person.keypoints[person.keypoints[:, 2] >= SEEN, :2]
    if len(held):
        margin = 0.05 * person.height
        low, high = held.min(axis=0) - margin, held.max(axis=0) + margin
        limit = np.array(photo.size, np.float32)
        box = np.concatenate([np.minimum(box[:2], np.clip(low, 0, None)), np.maximum(box[2:], np.minimum(high, limit))])
    for x, y, inside in points:
        if inside:
            box = np.concatenate([np.minimum(box[:2], (x - 2, y - 2)), np.maximum(box[2:], (x + 2, y + 2))])
    return box.astype(np.float32)


def region_of(person: Person, box: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of the photo that Segment Anything sees: all of it, or a close-up square around a small figure.

    It follows from the person alone, so that clicks find the embedding that is already there, unless a click
    leads ``box`` (the prompt's) out of the close-up.
    """
    for around in (widen(person.box, size, BOX_MARGIN), box):
        side = float(max(around[2] - around[0], around[3] - around[1]))
        if side >= CLOSE_UP_BELOW * max(size):
            break
        half = CLOSE_UP_SIDE * side / 2
        x, y = float(around[0] + around[2]) / 2, float(around[1] + around[3]) / 2
        x1, y1, x2, y2 = (round(v) for v in (x - half, y - half, x + half, y + half))
        region = max(0, x1), max(0, y1), min(size[0], x2), min(size[1], y2)
        if region[0] <= box[0] and region[1] <= box[1] and region[2] >= box[2] and region[3] >= box[3]:
            return region
    return 0, 0, size[0], size[1]


def _checked(points: Sequence[Point], size: tuple[int, int]) -> list[Point]:
    for x, y, _ in points:
        if not (0 <= x < size[0] and 0 <= y < size[1]):
            raise PhotoError(f"The point ({x:g}, {y:g}) lies outside the photo: click on the photo itself.")
    return [(float(x), float(y), bool(inside)) for x, y, inside in points]


def _ask(
    predictor: SamPredictor, box: np.ndarray, points: Sequence[Point], drawn: np.ndarray | None, joints: np.ndarray
) -> tuple[np.ndarray, float]:
    """Mask (h, w) of the predictor's picture and predicted quality, for a box, points and joints (n, 2) in that
    picture.

    Points correct a first mask: ``drawn``, or the best of the three that the box alone gives, or the joints.
    """
    if drawn is None:
        first, quality, logits = _first_mask(predictor, box, joints)
    else:
        first, quality, logits = drawn, PLAIN_GROUND_QUALITY, _as_logits(drawn)
    if not points:
        return first, quality
    masks, _, _ = predictor.predict(
        point_coords=np.array([(x, y) for x, y, _ in points], np.float32),
        point_labels=np.array([int(inside) for _, _, inside in points]),
        box=box,
        mask_input=logits[None],
        multimask_output=False,
    )
    return apply_clicks(first, masks[0], points), quality


def _first_mask(predictor: SamPredictor, box: np.ndarray, joints: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Mask (h, w), predicted quality and logits for a mask prompt: what the box gives, unless that fills its own box
    and the joints give a mask that holds them and does not."""
    masks, qualities, low = predictor.predict(box=box, multimask_output=True, return_logits=True)
    best = int(np.argmax(qualities))
    first = masks[best] > 0, float(qualities[best]), low[best]
    if len(joints) < LEAST_JOINTS or filled(first[0]) <= FILLED:
        return first
    masks, qualities, low = predictor.predict(
        point_coords=joints.astype(np.float32),
        point_labels=np.ones(len(joints), int),
        multimask_output=True,
        return_logits=True,
    )
    x, y = joints.astype(int).T.clip(0, np.array([masks.shape[2], masks.shape[1]])[:, None] - 1)
    held = [n for n, mask in enumerate(masks > 0) if mask[y, x].mean() >= HELD and filled(mask) < FILLED]
    if not held:
        return first
    best = max(held, key=lambda n: float(qualities[n]))
    return masks[best] > 0, float(qualities[best]), low[best]


def filled(mask: np.ndarray) -> float:
    """Share of its own box that a mask (h, w) fills; 0 for an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return 0.0
    return float(mask.sum()) / ((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1))


def _seen_joints(person: Person) -> np.ndarray:
    """(n, 2) float32, photo pixels."""
    return person.keypoints[person.keypoints[:, 2] >= SEEN, :2].astype(np.float32)


def limbs_drawn(person: Person, shape: tuple[int, int]) -> np.ndarray | None:
    """(H, W) bool: everything near a limb or the head of the person; None where too few joints are seen."""
    points, seen = person.keypoints[:, :2].astype(int).tolist(), person.keypoints[:, 2] >= SEEN
    if seen.sum() < LEAST_JOINTS:
        return None
    canvas, reach = np.zeros(shape, np.uint8), max(2, round(NEAR_LIMB * person.height))
    for a, b in LIMBS:
        if seen[a] and seen[b]:
            cv2.line(canvas, points[a], points[b], [1], 2 * reach)
    for n in np.flatnonzero(seen):
        radius = 2 * reach if n in HEAD else reach
        cv2.circle(canvas, points[n], radius, [1], -1)
    return canvas > 0


def apply_clicks(first: np.ndarray, corrected: np.ndarray, points: Sequence[Point]) -> np.ndarray:
    """Take over a correction only in the connected pieces that were clicked on; the rest of the mask stays.

    Args:
        first: (H, W) bool, the mask before.
        corrected: (H, W) bool, what the model makes of the clicks; it may have changed its mind far away as well.
        points: the clicks. Each is honoured at least in a small disc around it.

    Returns:
        (H, W) bool.
    """
    mask = first.copy()
    disc = max(2, round(0.006 * max(first.shape)))
    for x, y, inside in points:
        changed = (corrected & ~first) if inside else (first & ~corrected)
        _, labels = cv2.connectedComponents(changed.astype(np.uint8))
        piece = int(labels[int(y), int(x)])
        if piece:
            mask[labels == piece] = inside
    for x, y, inside in points:
        spot = np.zeros(first.shape, np.uint8)
        cv2.circle(spot, (int(x), int(y)), disc, (1,), -1)
        mask[spot > 0] = inside
    return mask


def _as_logits(mask: np.ndarray) -> np.ndarray:
    """A (h, w) mask as SAM's low-resolution mask prompt: (256, 256) float32, the longer side filling it."""
    ratio = LOW_SIDE / max(mask.shape)
    size = (max(1, round(mask.shape[1] * ratio)), max(1, round(mask.shape[0] * ratio)))
    logits = np.full((LOW_SIDE, LOW_SIDE), -8.0, np.float32)
    logits[: size[1], : size[0]] = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) * 16 - 8
    return logits


def clean_mask(
    mask: np.ndarray, wanted: Sequence[tuple[float, float]] = (), limbs: np.ndarray | None = None
) -> np.ndarray:
    """Drop specks and fill pinholes.

    Kept are the largest connected piece, pieces of at least 4% of it (legs behind a post) that touch ``limbs`` where
    these are known (:func:`limbs_drawn`; a flag beside somebody does not), and pieces under a ``wanted`` point (x, y).
    Holes below 0.2% of the figure are filled; the gap of an arm on the hip stays open.

    Args:
        mask: (H, W) bool.

    Returns:
        (H, W) bool.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 1:
        return mask.copy()
    areas = stats[1:, cv2.CC_STAT_AREA]
    keep = {int(k) + 1 for k in np.flatnonzero(areas >= 0.04 * areas.max())}
    if limbs is not None:
        keep = (keep & set(np.unique(labels[limbs]).tolist())) | {int(areas.argmax()) + 1}
    keep |= {int(labels[int(y), int(x)]) for x, y in wanted} - {0}
    kept = np.isin(labels, sorted(keep))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < max(4.0, 0.002 * kept.sum()))
    return kept | np.isin(labels, small[small > 0])
