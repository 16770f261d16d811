"""What a pose detector would report of a Studio person: joints and face, a little off, some missing.

Where nose, eyes and ears lie on a head was measured with ``yolo11n-pose`` on pictures of 70 avatars whose heads were
turned: least squares over about 200 detections each, in lengths of the head bone; root mean square error .07 to .1.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dabfusion.flow_autoencoder.body_reader import COCO_JOINTS
from dabfusion.skeleton import BONES, NUM_BONES, ROTATION_SIZE, rotation_from_6d

#: Nose, left and right eye, left and right ear, from the head's joint: left, up, forwards.
_FACE = ((0.0, 0.167, 0.563), (0.19, 0.348, 0.503), (-0.19, 0.348, 0.503), (0.446, 0.275, 0.07), (-0.446, 0.275, 0.07))
#: Where the skin at each of them faces, and how far that may turn away from the viewer for it to be found.
_FACING = ((0.0, 0.0, 1.0), (0.3, 0.0, 0.95), (-0.3, 0.0, 0.95), (1.0, 0.0, 0.0), (-1.0, 0.0, 0.0))
_HIDDEN_BELOW = (0.0, 0.1, 0.1, -0.3, -0.3)
_HEAD, _HEAD_TOP = BONES.index("Head"), 19
#: The same point on the other side, by place among the hints.
HINT_MIRROR = (*(i ^ 1 for i in range(len(COCO_JOINTS))), *(len(COCO_JOINTS) + n for n in (0, 2, 1, 4, 3)))
_SPREAD, _MISSING, _NOTHING = 0.012, 0.08, 0.4  # error in frame units; chance that a point, or all of them, are missing
_SEEN_ANYWAY = 0.2  # chance that a hidden ear or eye is reported


def project(points: Tensor, camera: Tensor) -> Tensor:
    """Camera-axes points (B, N, 3) -> normalised frame coordinates (B, N, 2), y down; cameras (B,) away."""
    scale = camera[:, None, None] / (camera[:, None, None] - points[..., 2:])
    return points[..., :2] * scale * torch.tensor([1.0, -1.0])


def face_of(points: Tensor, code: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Nose, eyes and ears of B people.

    Args:
        points: (B, 24, 3), camera axes.
        code: (B, 117) of the same pose.
        offsets: (B, 24, 3) rest offsets.

    Returns:
        (B, 5, 3) places, camera axes, and (B, 5) whether they face the viewer enough to be found.
    """
    head = rotation_from_6d(code[:, :ROTATION_SIZE].unflatten(1, (NUM_BONES, 6)))[:, _HEAD]  # (B, 3, 3)
    length = offsets[:, _HEAD_TOP].norm(dim=-1)[:, None, None]
    places = points[:, [_HEAD]] + length * (torch.tensor(_FACE) @ head.mT)
    towards = (torch.tensor(_FACING) @ head.mT)[..., 2]
    return places, towards > torch.tensor(_HIDDEN_BELOW)


def detected_points(
    points: Tensor, code: Tensor, offsets: Tensor, camera: Tensor, rng: np.random.Generator | None
) -> Tensor:
    """Hints (B, 17, 3) as :func:`dabfusion.flow_autoencoder.body_reader.hint_maps` takes them.

    Args:
        points, code, offsets: as for :func:`face_of`.
        camera: (B,) distances.
        rng: with it points are a little off and some are missing, for some people all; without it all that can be
            seen are right.
    """
    face, seen = face_of(points, code, offsets)
    placed = project(torch.cat([points[:, [p for _, p in COCO_JOINTS]], face], 1), camera)
    known = torch.cat([torch.ones(len(seen), len(COCO_JOINTS), dtype=torch.bool), seen], 1)
    if rng is not None:
        placed = placed + torch.from_numpy(rng.normal(0, _SPREAD, placed.shape)).float()
        known = known | torch.from_numpy(rng.random(known.shape) < _SEEN_ANYWAY)
        missing = rng.random(known.shape) < _MISSING
        missing |= (rng.random(len(known)) < _NOTHING)[:, None]
        known = known & ~torch.from_numpy(missing)
    known = known & (placed.abs().amax(-1) < 1)
    return torch.cat([placed, known[..., None].float()], -1)
