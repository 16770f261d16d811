"""Reads the body out of a start frame: where its points are, how its bones are turned, how it is built.

This is what a flow code is relative to. Reading is learnt on Studio people; the key points of a pose detector, where
it found any, are an optional second opinion (drawings and toys get none). Of somebody who is cut off at the bottom the
points beyond the frame are guessed as well: hips and legs move, wherever they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.flow_autoencoder.blocks import HourGlass
from dabfusion.flow_autoencoder.geometry import pixel_grid
from dabfusion.skeleton import NUM_POINTS, ROTATION_SIZE

#: COCO key points that are joints of ours: (COCO index, point index).
COCO_JOINTS: tuple[tuple[int, int], ...] = (
    (5, 6), (6, 10), (7, 7), (8, 11), (9, 8), (10, 12), (11, 13), (12, 16), (13, 14), (14, 17), (15, 15), (16, 18),
)  # fmt: skip
#: COCO key points of the face, which say where a head looks: nose, eyes, ears.
COCO_FACE: tuple[int, ...] = (0, 1, 2, 3, 4)
#: The key points that are hints, in this order, as COCO indices.
HINTED: tuple[int, ...] = (*(coco for coco, _ in COCO_JOINTS), *COCO_FACE)
_BELIEVED = 0.5  # confidence above which a key point is a hint: below it, at the edge of the frame, it is a guess
_HINT_WIDTH = 0.035  # standard deviation of a key point's blob, normalised units
READ_SIZE = 128  #: side of the picture that the network sees
_GRID = 64
_BEYOND = (0.8, 0.97)  # how far out in the frame a point must be seen for it to be able to lie beyond: not, fully


@dataclass(frozen=True)
class Body:
    """A body as it stands in the start frame (B people).

    Attributes:
        points: (B, 24, 2) in normalised frame coordinates, x right, y down; beyond 1 outside the frame.
        code: (B, 117) the flow code of the start frame itself (hip displacement 0).
        offsets: (B, 24, 3) rest offsets in frame units, camera axes (y up); see :mod:`dabfusion.skeleton`.
    """

    points: Tensor
    code: Tensor
    offsets: Tensor

    @property
    def hips(self) -> Tensor:
        """(B, 3) hips in camera axes (y up), depth 0."""
        x, y = self.points[:, 0, 0], self.points[:, 0, 1]
        return torch.stack([x, -y, torch.zeros_like(x)], -1)

    def repeated(self, times: int) -> Body:
        """Each person ``times`` times in a row, for as many driving frames."""
        return Body(*(v.repeat_interleave(times, 0) for v in (self.points, self.code, self.offsets)))


def hint_maps(keypoints: Tensor) -> Tensor:
    """Blobs at detected joints.

    Args:
        keypoints: (B, 17, 3): x, y in normalised coordinates and confidence (0: not found), in the order of
            :data:`HINTED`.

    Returns:
        (B, 17, 64, 64), 0 for a point that was not found.
    """
    grid = pixel_grid(_GRID, _GRID, keypoints.device)  # (2, 64, 64)
    distance = (grid - keypoints[..., :2, None, None]).square().sum(2)  # (B, 17, 64, 64)
    return torch.exp(-distance / (2 * _HINT_WIDTH**2)) * (keypoints[..., 2] > _BELIEVED)[..., None, None]


class BodyReader(nn.Module):
    """Start frame -> :class:`Body`.

    Args:
        widths: channels of the hourglass at 64, 32, 16 and 8 cells.
        hidden: width of the head that turns point features into rotations and build.
    """

    mean_offsets: Tensor

    def __init__(self, widths: tuple[int, ...] = (40, 64, 96, 160), hidden: int = 384) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(4, 24, 3, 1, 1), nn.ReLU(), nn.Conv2d(24, 32, 3, 2, 1))
        self.trunk = HourGlass(32 + len(HINTED), widths)
        self.heat = nn.Conv2d(widths[0], NUM_POINTS, 1)
        size = NUM_POINTS * (widths[0] + 2) + widths[-1] * 4
        self.head = nn.Sequential(
            nn.Linear(size, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, ROTATION_SIZE + NUM_POINTS * 3),
        )
        self.beyond = nn.Linear(hidden, NUM_POINTS * 2)
        nn.init.zeros_(self.beyond.weight)
        nn.init.zeros_(self.beyond.bias)
        self.register_buffer("mean_offsets", torch.zeros(NUM_POINTS, 3))

    def forward(self, person: Tensor, keypoints: Tensor) -> Body:
        """Reads B start frames.

        Args:
            person: (B, 4, 256, 256) premultiplied RGBA in [0, 1].
            keypoints: (B, 17, 3) detected points, see :func:`hint_maps`; all zeros where there is no detector.
        """
        small = F.interpolate(person, (READ_SIZE, READ_SIZE), mode="area")
        features, bottom = self.trunk(torch.cat([self.stem(small * 2 - 0.5), hint_maps(keypoints).to(person.dtype)], 1))
        heat = (self.heat(features).float().flatten(2)).softmax(-1)  # (B, 24, 64*64)
        grid = pixel_grid(_GRID, _GRID, person.device).flatten(1)
        points = heat @ grid.T  # (B, 24, 2)
        local = heat @ features.float().flatten(2).transpose(1, 2)  # (B, 24, C)
        coarse = F.adaptive_avg_pool2d(bottom.float(), 2).flatten(1)
        relative = points - points[:, :1]
        thought = self.head[:-1](torch.cat([local.flatten(1), relative.flatten(1), coarse], 1))
        out = self.head[-1](thought).float()
        edge = ((points.abs().amax(-1, keepdim=True) - _BEYOND[0]) / (_BEYOND[1] - _BEYOND[0])).clamp(0, 1)
        points = points + edge * self.beyond(thought).float().unflatten(1, (NUM_POINTS, 2))
        rest = torch.zeros(7, device=out.device)  # resting rotation: the identity in 6D
        rest[[0, 4]] = 1.0
        rotation = out[:, :ROTATION_SIZE] + rest[:6].repeat(ROTATION_SIZE // 6)
        offsets = self.mean_offsets + 0.1 * out[:, ROTATION_SIZE:].unflatten(1, (NUM_POINTS, 3))
        code = torch.cat([rotation, torch.zeros_like(rotation[:, :3])], 1)
        return Body(points, code, offsets)
