"""Reads packs of single start frames (:mod:`dabfusion.studio.people`) for the body reader, with augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.body_reader import READ_SIZE, Body
from dabfusion.training.detected import HINT_MIRROR, detected_points, project
from dabfusion.training.pairs import OUTLINED_SHARE, POINT_MIRROR, degrade, mirror_code, outlined, recolour

_DRAWING_UNKNOWN = 0.85  # chance that a pose detector finds nobody in a drawing
_ADDED_SHARE, _EATEN_SHARE = 0.12, 0.1  # of pictures whose cut-out holds something else, or lacks something
_ADDED_SIZE, _EATEN_SIZE = (0.08, 0.4), (0.04, 0.16)  # of the frame's side


@dataclass(frozen=True)
class PeopleBatch:
    """B start frames.

    Attributes:
        start: (B, 4, 128, 128) premultiplied RGBA, as small as the reader sees them.
        keypoints: (B, 17, 3) as a detector might report them.
        body: exact.
        drawn: (B,) whether it is a drawing.
    """

    start: Tensor
    keypoints: Tensor
    body: Body
    drawn: Tensor


class PeoplePack:
    """A pack on disk, by memory map; shards that appear later are found by :meth:`refresh`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shards: dict[str, dict[str, np.ndarray]] = {}
        if not self.refresh():
            raise UserError(
                f"There are no Studio people in {folder}; make them with: "
                f"python -m dabfusion studio people --out {folder.name}"
            )

    def refresh(self) -> int:
        """Looks for new shards; returns the number of people."""
        for path in sorted(p for p in self.folder.glob("[0-9]*") if p.name not in self._shards):
            self._shards[path.name] = {f.stem: np.load(f, mmap_mode="r") for f in path.glob("*.npy")}
        return len(self)

    def __len__(self) -> int:
        return sum(len(shard["offsets"]) for shard in self._shards.values())

    def batch(self, rng: np.random.Generator, count: int) -> PeopleBatch:
        """Random people, mirrored, recoloured, degraded and badly cut out as photos are."""
        return self.collate(rng.choice(len(self), count, replace=count > len(self)), rng)

    def collate(self, numbers: np.ndarray, rng: np.random.Generator | None) -> PeopleBatch:
        """People by number; without ``rng`` as drawn, with everything that a detector can see: of drawings nothing."""
        rows = [self._person(int(n)) for n in numbers]
        batch = {k: torch.from_numpy(np.stack([row[k] for row in rows])) for k in rows[0]}
        start = batch["start_rgba"].permute(0, 3, 1, 2).float() / 255
        start = F.interpolate(start, (READ_SIZE, READ_SIZE), mode="area")
        code, offsets, camera = batch["start_code"], batch["offsets"], batch["camera"]
        points = project(batch["start_points"], camera)
        keypoints = detected_points(batch["start_points"], code, offsets, camera, rng)
        unknown = np.ones(len(rows), bool) if rng is None else rng.random(len(rows)) < _DRAWING_UNKNOWN
        keypoints[batch["drawn"] & torch.from_numpy(unknown)] = 0
        if rng is None:
            return PeopleBatch(start, keypoints, Body(points, code, offsets), batch["drawn"])
        if rng.random() < 0.5:
            start, code = start.flip(-1), mirror_code(code)
            points = points[:, POINT_MIRROR] * torch.tensor([-1.0, 1.0])
            offsets = offsets[:, POINT_MIRROR] * torch.tensor([-1.0, 1.0, 1.0])
            keypoints = keypoints[:, HINT_MIRROR] * torch.tensor([-1.0, 1.0, 1.0])
        start, _ = recolour(start, start[:, None], rng)
        for i in np.flatnonzero(rng.random(len(start)) < OUTLINED_SHARE):
            start[i : i + 1] = outlined(start[i : i + 1], 3)
        start = torch.stack([badly_cut(picture, rng) for picture in start])
        return PeopleBatch(degrade(start, rng), keypoints, Body(points, code, offsets), batch["drawn"])

    def _person(self, number: int) -> dict[str, np.ndarray]:
        for shard in self._shards.values():
            if number < len(shard["offsets"]):
                return {name: values[number] for name, values in shard.items()}
            number -= len(shard["offsets"])
        raise IndexError(number)


def badly_cut(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Premultiplied RGBA (4, h, w) as a segmenter's mistakes leave it: for some, a piece of something else is kept
    beside the person, or a piece of the person is missing."""
    side = picture.shape[-1]
    rows, columns = torch.nonzero(picture[3] > 0.5, as_tuple=True)
    if len(rows) == 0:
        return picture
    place = int(rng.integers(len(rows)))
    y, x = float(rows[place]), float(columns[place])
    grid = torch.arange(side, dtype=torch.float32)
    if rng.random() < _ADDED_SHARE:
        y, x = y + rng.normal(0, 0.08 * side), x + rng.normal(0, 0.15 * side)
        tall, wide = (side * float(v) / 2 for v in rng.uniform(*_ADDED_SIZE, 2))
        inside = ((grid - y).abs() < tall)[:, None] & ((grid - x).abs() < wide)[None]
        coarse = torch.from_numpy(rng.random((1, 3, 5, 5))).float() * 0.5 + float(rng.random()) * 0.5
        colour = F.interpolate(coarse, (side, side), mode="bilinear")[0]
        behind = torch.cat([colour, torch.ones(1, side, side)]) * inside
        return picture + (1 - picture[3:]) * behind
    if rng.random() < _EATEN_SHARE:
        tall, wide = (side * float(v) for v in rng.uniform(*_EATEN_SIZE, 2))
        outside = ((grid[:, None] - y) / tall).square() + ((grid[None] - x) / wide).square() > 1
        return picture * outside
    return picture
