"""The stand-in for torchvision's compiled operators."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from preprocess.torchvision_ops import ensure_torchvision_ops, nms


def _naive_nms(boxes: np.ndarray, scores: np.ndarray, limit: float) -> list[int]:
    """Straight from the definition, box by box."""

    def iou(a: np.ndarray, b: np.ndarray) -> float:
        width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        shared = max(width, 0.0) * max(height, 0.0)
        return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)

    kept: list[int] = []
    for index in sorted(range(len(scores)), key=lambda k: -scores[k]):
        if all(iou(boxes[index], boxes[other]) <= limit for other in kept):
            kept.append(index)
    return kept


@pytest.mark.parametrize("limit", [0.0, 0.3, 0.7, 1.0])
def test_nms_equals_the_definition(limit: float) -> None:
    rng = np.random.default_rng(int(limit * 10))
    corner, size = rng.uniform(0, 60, (120, 2)), rng.uniform(2, 30, (120, 2))
    boxes = np.concatenate([corner, corner + size], axis=1)
    scores = rng.permutation(120) / 120
    assert nms(torch.tensor(boxes), torch.tensor(scores), limit).tolist() == _naive_nms(boxes, scores, limit)


def test_nms_of_nothing_is_nothing() -> None:
    kept = nms(torch.empty(0, 4), torch.empty(0), 0.5)
    assert kept.shape == (0,) and kept.dtype == torch.long


def test_torchvision_imports_and_suppresses_afterwards() -> None:
    ensure_torchvision_ops()
    ensure_torchvision_ops()  # a second call changes nothing
    import torchvision

    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    assert torchvision.ops.nms(boxes, torch.tensor([0.5, 0.9, 0.1]), 0.5).tolist() == [1, 2]
    batched = torchvision.ops.batched_nms(boxes, torch.tensor([0.5, 0.9, 0.1]), torch.tensor([0, 1, 0]), 0.5)
    assert batched.tolist() == [1, 0, 2]


def test_the_start_frame_alone_needs_no_model_library() -> None:
    code = (
        "import sys, preprocess.start_frame\n"
        "print([name for name in ('torch', 'ultralytics', 'cv2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pillow_is_left_as_it_was_by_the_detector_library():
    from PIL import Image

    from preprocess.yolo import ultralytics_at_bay

    opener = Image.open
    with ultralytics_at_bay():
        import ultralytics.utils.patches

        Image.open = ultralytics.utils.patches.image_open  # what the library does on its first import
    assert Image.open is opener
