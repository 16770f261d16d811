"""Let torchvision import beside a torch build that its compiled operators do not fit.

PyPI's torchvision is built for CUDA torch. Beside a CPU build of torch its ``_C`` library does not load, and then
``import torchvision`` itself fails ("operator torchvision::nms does not exist"). :func:`ensure_torchvision_ops`
declares the two operators that the import needs and gives ``nms`` a plain torch kernel. Where the compiled
operators load it does nothing. Call it before anything imports torchvision, ultralytics or segment_anything.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Greedy non-maximum suppression.

    Args:
        boxes: (N, 4) corners x1, y1, x2, y2.
        scores: (N,); the better box of an overlapping pair survives, the earlier one on equal scores.
        iou_threshold: boxes with a larger intersection over union than this with a kept box are dropped.

    Returns:
        (K,) int64 indices of the kept boxes, best score first.
    """
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    area = (x2 - x1) * (y2 - y1)
    order = scores.argsort(descending=True, stable=True)
    kept: list[torch.Tensor] = []
    while order.numel():
        best, rest = order[0], order[1:]
        kept.append(best)
        width = (torch.minimum(x2[best], x2[rest]) - torch.maximum(x1[best], x1[rest])).clamp(min=0)
        height = (torch.minimum(y2[best], y2[rest]) - torch.maximum(y1[best], y1[rest])).clamp(min=0)
        overlap = width * height
        iou = overlap / (area[best] + area[rest] - overlap)
        order = rest[~(iou > iou_threshold)]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.long, device=boxes.device)


def compiled_ops_load() -> bool:
    """Whether torchvision's own operators can be loaded into this torch (loads them if so)."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    for library in sorted(Path(spec.origin).parent.glob("_C*.so")) + sorted(Path(spec.origin).parent.glob("_C*.pyd")):
        try:
            torch.ops.load_library(str(library))
            return True
        except (ImportError, OSError):
            continue
    return False


@functools.cache
def ensure_torchvision_ops() -> bool:
    """Make ``import torchvision`` and ``torchvision.ops.nms`` work. Idempotent.

    Returns:
        True if torchvision's compiled operators are in use, False if the plain torch kernel stands in for them.
    """
    if hasattr(torch.ops.torchvision, "nms") or compiled_ops_load():
        return True
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    library.impl("nms", nms, "CompositeExplicitAutograd")
    _KEPT_ALIVE.append(library)  # operators vanish with the Library object that defined them
    import torchvision.ops.boxes

    torchvision.ops.boxes._assert_has_ops = _ops_are_there
    return False


_KEPT_ALIVE: list[torch.library.Library] = []


def _ops_are_there() -> None:
    """Stand-in for torchvision's check, which knows nothing of operators declared here."""
