"""Finding and cutting out: box logic and mask logic on known truths, then the shipped models on drawn figures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from preprocess.composite import Body
from preprocess.detect import Detector, merge_boxes, widen
from preprocess.errors import PhotoError, WeightsError
from preprocess.hints import hints
from preprocess.overlay import draw_mask, draw_people
from preprocess.person import FIGURE, Person, no_keypoints
from preprocess.photo import Photo
from preprocess.preprocessor import Preprocessor
from preprocess.salience import figure_on_plain_ground, salient_box
from preprocess.sam import load_sam
from preprocess.segment import (
    Cutout,
    Segmenter,
    _first_mask,
    apply_clicks,
    clean_mask,
    filled,
    limbs_drawn,
    prompt_box,
    region_of,
)
from preprocess.start_frame import StartFrame
from preprocess.weights import CHECKPOINTS, verified


def _photo(pixels: np.ndarray) -> Photo:
    return Photo(pixels, None, (pixels.shape[1], pixels.shape[0]))


def _drawing() -> tuple[np.ndarray, np.ndarray]:
    """A figure on cream paper and its true mask."""
    mask = np.zeros((360, 280), np.uint8)
    cv2.circle(mask, (140, 70), 40, 1, -1)
    cv2.rectangle(mask, (105, 100), (175, 220), 1, -1)
    for start, end in (
        ((110, 120), (50, 180)),
        ((170, 120), (235, 90)),
        ((125, 215), (115, 330)),
        ((155, 215), (170, 330)),
    ):
        cv2.line(mask, start, end, 1, 18)
    pixels = np.full((360, 280, 3), (250, 244, 228), np.uint8)
    pixels[mask > 0] = (60, 120, 190)
    return pixels, mask > 0


def _toy() -> tuple[np.ndarray, np.ndarray]:
    """A magenta figure before a restless background, and its true mask."""
    tiles = np.random.default_rng(0).uniform(90, 140, (12, 16, 3))
    pixels = cv2.resize(np.kron(tiles, np.ones((30, 30, 1))).astype(np.uint8), (480, 360))
    mask = np.zeros((360, 480), np.uint8)
    cv2.ellipse(mask, (240, 190), (48, 85), 0, 0, 360, 1, -1)
    cv2.circle(mask, (240, 95), 38, 1, -1)
    pixels[mask > 0] = (220, 60, 160)
    return pixels, mask > 0


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_boxes_of_one_person_are_joined_and_neighbours_are_not() -> None:
    boxes = np.array([[10, 10, 110, 310], [12, 40, 112, 318], [20, 20, 60, 90], [200, 0, 300, 300]], np.float32)
    hulls, scores = merge_boxes(boxes, np.array([0.9, 0.7, 0.42, 0.8], np.float32))
    assert hulls.tolist() == [[10, 10, 112, 318], [200, 0, 300, 300]]
    assert scores.tolist() == pytest.approx([0.9, 0.8])
    child = np.array([[10, 10, 110, 310], [20, 150, 70, 300]], np.float32)
    assert len(merge_boxes(child, np.array([0.9, 0.85], np.float32))[0]) == 2


def test_widening_stays_in_the_picture() -> None:
    assert widen(np.array([10, 20, 60, 120], np.float32), (64, 200), 0.1).tolist() == [0, 10, 64, 130]


def test_small_figures_get_a_close_up_that_clicks_do_not_move() -> None:
    person, size = Person(np.array([500, 500, 560, 650], np.float32), 0.9), (2000, 1500)
    box = prompt_box(_photo(np.zeros((1500, 2000, 3), np.uint8)), person)
    x1, y1, x2, y2 = region_of(person, box, size)
    assert x1 < 460 and x2 > 600 and y1 < 460 and y2 > 690 and x2 - x1 < 400
    assert region_of(person, box + np.array([-9, -9, 9, 9], np.float32), size) == (x1, y1, x2, y2)
    x1, y1, x2, y2 = region_of(person, np.array([380, 500, 560, 650], np.float32), size)
    assert x1 < 380 and x2 - x1 < 400
    large = Person(np.array([0, 0, 900, 1400], np.float32), 0.9)
    assert region_of(large, large.box, size) == (0, 0, 2000, 1500)


def test_cleaning_drops_specks_fills_pinholes_and_keeps_real_gaps() -> None:
    mask = np.zeros((200, 200), bool)
    mask[20:180, 60:140] = True
    truth = mask.copy()
    truth[90:120, 90:110] = mask[90:120, 90:110] = False  # an arm on the hip
    mask[50, 100] = False
    mask[5:8, 5:8] = True
    assert (clean_mask(mask) == truth).all()
    assert clean_mask(mask, [(6, 6)])[6, 6]


def _standing() -> Person:
    """Somebody 160 pixels tall at x = 100: head, shoulders, hips, ankles."""
    keypoints = no_keypoints()
    places = {0: (100, 40), 5: (115, 70), 6: (85, 70), 11: (110, 110), 12: (90, 110), 15: (110, 170)}
    for joint, place in places.items():
        keypoints[joint] = (*place, 0.9)
    return Person(np.array([80, 20, 120, 180], np.float32), 0.9, keypoints)


def test_pieces_that_touch_no_limb_are_something_else() -> None:
    mask = np.zeros((200, 200), bool)
    mask[30:120, 80:120] = True
    mask[130:180, 95:118] = True  # legs behind a post
    flag = np.zeros_like(mask)
    flag[20:80, 150:190] = True
    limbs = limbs_drawn(_standing(), mask.shape)
    assert limbs is not None and limbs[40, 100] and not limbs[50, 170]
    assert (clean_mask(mask | flag, (), limbs) == mask).all()
    assert (clean_mask(mask | flag) == (mask | flag)).all()
    assert (clean_mask(mask | flag, [(170, 50)], limbs) == (mask | flag)).all()  # unless it was clicked on
    assert limbs_drawn(Person(_standing().box, 0.9), mask.shape) is None


class _TwoAnswers:
    """Answers a box with one mask and points with another."""

    def __init__(self, to_box: np.ndarray, to_points: np.ndarray) -> None:
        self._to_box, self._to_points = to_box, to_points

    def predict(self, box: np.ndarray | None = None, **_: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mask = self._to_box if box is not None else self._to_points
        logits = np.where(mask, 5.0, -5.0)[None].repeat(3, 0)
        return logits, np.array([0.5, 0.9, 0.7]), logits


def test_a_mask_that_fills_its_box_is_asked_for_by_joints() -> None:
    person = _standing()
    joints = person.keypoints[person.keypoints[:, 2] > 0.5, :2]
    whole = np.ones((200, 200), bool)
    figure = np.zeros_like(whole)
    figure[30:180, 95:118] = figure[60:112, 70:120] = True
    assert filled(whole) == 1 and filled(figure) < 0.78 and filled(np.zeros((3, 3), bool)) == 0
    box = np.array([0, 0, 200, 200], np.float32)
    for to_box, to_points, wanted in (
        (whole, figure, figure),
        (whole, whole, whole),  # no better answer
        (whole, figure & (np.arange(200) < 90), whole),  # does not hold the joints
        (figure, whole, figure),
    ):
        mask, quality, _ = _first_mask(_TwoAnswers(to_box, to_points), box, joints)
        assert (mask == wanted).all() and quality == 0.9
    assert (_first_mask(_TwoAnswers(whole, figure), box, joints[:3])[0] == whole).all()


def test_clicks_change_only_the_piece_that_they_hit() -> None:
    first = np.zeros((100, 100), bool)
    first[20:60, 20:60] = True
    corrected = first.copy()
    corrected[60:80, 30:50] = True  # the missing leg that was clicked on
    corrected[20:30, 20:60] = False  # and a head that the model forgot on the way
    mask = apply_clicks(first, corrected, [(40, 70, True)])
    assert mask[60:80, 30:50].all() and mask[20:30, 20:60].all()
    assert not apply_clicks(first, corrected, [(40, 25, False)])[20:30, 20:60].any()
    assert apply_clicks(first, first, [(90, 90, True)])[90, 90]


def test_a_drawing_is_told_from_its_paper() -> None:
    pixels, truth = _drawing()
    found = figure_on_plain_ground(pixels)
    assert found is not None and _iou(found, truth) > 0.98
    restless, _ = _toy()
    assert figure_on_plain_ground(restless) is None
    assert figure_on_plain_ground(np.full((100, 100, 3), 200, np.uint8)) is None


def test_what_stands_out_is_boxed() -> None:
    pixels, truth = _toy()
    assert salient_box(pixels) == pytest.approx(Cutout(truth, 1.0).box, abs=20)


def _hints(person: Person, mask: np.ndarray, cut: bool = False, height: float = 300, quality: float = 0.95) -> str:
    body = Body(0, height, height, cut, 50)
    return " ".join(hints([person], person, Cutout(mask, quality), body, asked=False))


def test_hints_name_what_will_go_wrong_and_nothing_else() -> None:
    mask = np.zeros((400, 200), bool)
    mask[50:350, 50:150] = True
    joints = no_keypoints()
    joints[[0, 1, 2]], joints[5], joints[6] = (100, 60, 0.9), (120, 100, 0.9), (80, 100, 0.9)
    good = Person(np.array([50, 50, 150, 350], np.float32), 0.9, joints)
    assert _hints(good, mask) == ""
    assert "legs" in _hints(good, mask, cut=True)
    assert "60 pixels tall" in _hints(good, mask, height=60)
    assert "outline" in _hints(good, mask, quality=0.5)
    behind = joints.copy()
    behind[[0, 1, 2], 2], behind[5, 0], behind[6, 0] = 0.1, 80, 120
    assert "behind" in _hints(Person(good.box, 0.9, behind), mask)
    assert "not certain" in _hints(Person(good.box, 0.2, joints), mask)
    assert "dog" in _hints(Person(good.box, 0.9, no_keypoints(), "dog"), mask)
    mask[100:200, :60] = True
    assert "outside the photo" in _hints(good, mask)
    other = Person(np.array([0, 0, 50, 280], np.float32), 0.8)
    body = Body(0, 300, 300, False, 50)
    crowd = [good, other]
    assert "2 people" in " ".join(hints(crowd, good, Cutout(mask, 0.9), body, asked=False))
    assert "2 people" not in " ".join(hints(crowd, good, Cutout(mask, 0.9), body, asked=True))


def test_altered_or_missing_weights_are_not_opened(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="missing"):
        verified("yolov8n", tmp_path)
    folder = tmp_path / "yolov8n"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"file": "yolov8n.pt", "sha256": "0" * 64}))
    with pytest.raises(WeightsError, match=r"yolov8n\.pt"):
        verified("yolov8n", tmp_path)
    (folder / "yolov8n.pt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(WeightsError, match="SHA-256"):
        Detector(tmp_path).find_people(_photo(_toy()[0]))


def test_a_large_segmenter_without_weights_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"sam_vit_b_01ec64\.pth"):
        load_sam("vit_b", tmp_path)
    with pytest.raises(WeightsError, match="mobile-sam, vit_b"):
        load_sam("vit_x", tmp_path)


needs_weights = pytest.mark.skipif(
    not (CHECKPOINTS / "mobile-sam" / "model.safetensors").is_file(), reason="the shipped weights are not in this copy"
)


@pytest.fixture(scope="module")
def preprocessor() -> Preprocessor:
    return Preprocessor.from_checkpoints()


@needs_weights
def test_a_drawing_goes_all_the_way(preprocessor: Preprocessor) -> None:
    pixels, truth = _drawing()
    photo = _photo(pixels)
    people = preprocessor.find_people(photo)
    frame = preprocessor.start_frame(photo, background="blue-stage")
    assert isinstance(frame, StartFrame) and frame.person.dtype == np.float32
    rows = np.flatnonzero((frame.person[..., 3] > 0.5).any(axis=1))
    assert abs(rows[0] - 56) <= 2 and abs(rows[-1] - 239) <= 2
    assert any("No person was recognised" in sentence or "not certain" in sentence for sentence in frame.warnings)
    with pytest.raises(PhotoError, match="only person 1"):
        preprocessor.start_frame(photo, person=len(people) + 1)
    with pytest.raises(PhotoError, match="outside the photo"):
        preprocessor.start_frame(photo, points=[(5000, 5, True)])
    assert draw_people(photo, people, 1).shape == pixels.shape
    assert draw_mask(photo, Cutout(truth, 1.0), [(5, 5, False)]).shape == pixels.shape


@needs_weights
def test_segment_anything_cuts_and_a_click_reuses_the_embedding(monkeypatch: pytest.MonkeyPatch) -> None:
    from segment_anything import SamPredictor

    calls: list[int] = []
    embed = SamPredictor.set_image
    monkeypatch.setattr(SamPredictor, "set_image", lambda self, image: (calls.append(1), embed(self, image))[1])
    pixels, truth = _toy()
    photo, segmenter = _photo(pixels), Segmenter()
    person = Person(Cutout(truth, 1.0).box, 0.9, no_keypoints(), FIGURE)
    cutout = segmenter.cut_out(photo, person)
    assert _iou(cutout.mask, truth) > 0.93 and cutout.quality > 0.8
    clicked = segmenter.cut_out(photo, person, [(240, 150, True), (20, 20, False)])
    assert _iou(clicked.mask, truth) > 0.9 and len(calls) == 1


def test_detection_leaves_the_number_of_threads_alone():
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        Detector().find_people(_photo(_toy()[0]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
