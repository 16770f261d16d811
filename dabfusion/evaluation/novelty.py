"""Does it make up dances, or repeat those of training? The nearest movement of training to each made one.

    python -m dabfusion.evaluation.novelty --dances DANCES [--songs SONGS] --out docs/reports/novelty

Every 2 s of a dance, without the product's accents, are compared with every 2 s of all dances of training and with
their mirror images, as the points of one average body that faces the viewer in the first frame. The distance of two
movements is the mean distance of their points, in leg lengths. Authored dances of other seeds are made of the same
moves, so they are near to training without having been copied: a model that repeats its training would be nearer than
they are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dabfusion.config import CODE_FPS, DEFAULT_CHECKPOINT, VIDEO_FPS
from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.skeleton import NUM_POINTS, forward_kinematics
from dabfusion.training.dance_data import PackedDance, read_packs

from .heard_dances import Dancer, load_dance_model
from .made_once import checkpoint_digest
from .report import Reading, Report, Row
from .style_recognition import LEFT_OUT, TEST_SEED, dance_in_styles, faced, mirrored, truth_dances

SECONDS = 2.0
FRAMES = round(SECONDS * CODE_FPS)
_EVERY = 2  # code frames from one window of training to the next
_DIRECTIONS, _SAMPLE = 64, 6000  # principal directions in which windows are searched, and windows that give them
_CANDIDATES = 16  # nearest in those directions, of which the distance is worked out
_AT_ONCE = 64  # queries
_NOTE = (
    "The last column's limit is what a twentieth of the authored dances of other seeds are nearer than. A model that "
    "repeats its training has far more than .05 there."
)


def points_of(codes: np.ndarray) -> Tensor:
    """Points (T, 24, 3) of the average body, leg lengths, of codes (T, 117)."""
    return forward_kinematics(torch.from_numpy(np.asarray(codes, np.float32)), mean_body(), torch.zeros(3))


def windows_of(points: Tensor, every: int) -> Tensor:
    """Movements (N, 30, 72) of a dance's points (T, 24, 3) at CODE_FPS, one begun each ``every`` frames."""
    if len(points) < FRAMES:
        return points.new_zeros(0, FRAMES, 3 * NUM_POINTS)
    return faced(points.unfold(0, FRAMES, every).permute(0, 3, 1, 2)).flatten(2)


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Mean distance of the points of movements (..., 30, 72) that can be broadcast: (...)."""
    return (a - b).unflatten(-1, (NUM_POINTS, 3)).norm(dim=-1).mean((-2, -1))


@dataclass(frozen=True)
class Known:
    """All movements of training: dances' points, and each window in a few principal directions.

    Attributes:
        points: of each dance (T, 24, 3).
        middle, directions: (2160,) and (2160, k).
        placed: (N, k) windows in those directions.
        dance, first: (N,) number of the dance, and the window's first frame in it.
    """

    points: Sequence[Tensor]
    middle: Tensor
    directions: Tensor
    placed: Tensor
    dance: Tensor
    first: Tensor

    @classmethod
    def of(cls, points: Sequence[Tensor], seed: int = 0) -> Known:
        """Prepares the dances' points for searching."""
        rng = np.random.default_rng(seed)
        share = max(1, _SAMPLE // len(points))
        picked = [w[torch.from_numpy(rng.permutation(len(w))[:share])] for w in _all_windows(points)]
        sample = torch.cat(picked).flatten(1)
        middle = sample.mean(0)
        torch.manual_seed(seed)
        _, _, directions = torch.pca_lowrank(sample - middle, min(_DIRECTIONS, *sample.shape), center=False)
        placed = [(w.flatten(1) - middle) @ directions for w in _all_windows(points)]
        dance = torch.cat([torch.full((len(p),), n) for n, p in enumerate(placed)])
        first = torch.cat([_EVERY * torch.arange(len(p)) for p in placed])
        return cls(points, middle, directions, torch.cat(placed), dance, first)

    def nearest(self, movements: Tensor, own: int | None = None) -> Tensor:
        """Distances (Q,) of movements (Q, 30, 72) to the nearest one, which may be mirrored and is not of dance
        ``own``."""
        either = torch.stack([self._nearest(m, own) for m in (movements, mirrored(movements))])
        return either.amin(0)

    def _nearest(self, movements: Tensor, own: int | None) -> Tensor:
        found = []
        for some in movements.split(_AT_ONCE):
            apart = torch.cdist((some.flatten(1) - self.middle) @ self.directions, self.placed)
            if own is not None:
                apart[:, self.dance == own] = torch.inf
            rows = apart.topk(min(_CANDIDATES, apart.shape[1]), largest=False).indices  # (q, 16)
            others = torch.stack([torch.cat([self._window(int(n)) for n in row]) for row in rows])
            found.append(distances(some[:, None], others).amin(1))
        return torch.cat(found)

    def _window(self, n: int) -> Tensor:
        first = int(self.first[n])
        return windows_of(self.points[int(self.dance[n])][first : first + FRAMES], 1)


def _all_windows(points: Sequence[Tensor]) -> Iterator[Tensor]:
    return (windows_of(p, _EVERY) for p in points)


def without_start(codes: np.ndarray) -> np.ndarray:
    """Codes (T, 117) at CODE_FPS of a dance (F, 117) at 30 a second, without the photo's pose and the way out of it."""
    return codes[round(LEFT_OUT * VIDEO_FPS) :: VIDEO_FPS // CODE_FPS]


def packed_points(dance: PackedDance) -> Tensor:
    """Points (T, 24, 3) of a packed dance."""
    codes = np.concatenate([dance.rotation.reshape(len(dance.root), -1), dance.root - dance.root[0]], 1)
    return points_of(codes)


def found_row(name: str, found: Sequence[Tensor], close: float) -> Row:
    """One row: how near the movements of several dances are, and the share that is nearer than ``close``."""
    every = torch.cat(list(found))
    readings = {
        "movements": Reading(len(every), digits=0),
        "median distance": Reading(float(every.median())),
        "nearest twentieth": Reading(float(every.quantile(0.05))),
        f"nearer than {close:.3f}": Reading(float((every < close).float().mean())),
    }
    return Row(name, readings, len(found))


def measure_novelty(dances: Sequence[PackedDance], made: Sequence[np.ndarray], count: int) -> list[Row]:
    """Rows of made dances, of ground truth of other seeds, of held-out and of training's own dances.

    Args:
        dances: what training had, with the held-out ones among them.
        made: generated codes (F, 117) at 30 a second.
        count: how many of each kind are compared, at most.
    """
    trained = [packed_points(d) for d in dances if not d.held_out]
    known = Known.of(trained)

    def compared(every: Sequence[Tensor]) -> list[Tensor]:
        return [known.nearest(windows_of(p, FRAMES)) for p in every[:count] if len(p) >= FRAMES]

    truth = compared([points_of(without_start(codes)) for _, codes in truth_dances(TEST_SEED, count)])
    own = np.random.default_rng(0).permutation(len(trained))[:count].tolist()
    kinds = {
        "generated": compared([points_of(without_start(codes)) for codes in made]),
        "authored dances of other seeds": truth,
        "held-out dances, captured takes among them": compared([packed_points(d) for d in dances if d.held_out]),
        "training's own, to all other dances of training": [
            known.nearest(windows_of(trained[n], FRAMES), n) for n in own
        ],
    }
    close = float(torch.cat(truth).quantile(0.05))
    return [found_row(name, found, close) for name, found in kinds.items()]


def main(argv: list[str] | None = None) -> int:
    """Writes ``novelty.json`` and ``novelty.md``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dances", type=Path, required=True, help="the packed dances that the model was trained on")
    parser.add_argument("--songs", type=Path, metavar="FOLDER", help="heard songs for measuring, if there are")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    parser.add_argument("--count", type=int, default=60, help="dances of each kind")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    o = parser.parse_args(argv)
    made, _ = dance_in_styles(Dancer(load_dance_model(o.checkpoint), accent=0.0), o.count, o.songs)
    dances = read_packs(o.dances)
    trained = [d for d in dances if not d.held_out]
    settings = {
        "checkpoint": f"{o.checkpoint.name}, {checkpoint_digest(o.checkpoint)}",
        "training": f"{len(trained)} dances, {sum(len(d.root) for d in trained) / CODE_FPS / 3600:.1f} hours",
        "movements": f"{SECONDS:g} s, one after the other; of training one every {_EVERY / CODE_FPS:.2f} s",
        "distance": "mean over points and frames, in leg lengths (about 90 px of 256)",
        "generated": f"seeds 0 to {o.count - 1}, the ten styles in turn, held-out songs",
    }
    with torch.inference_mode():
        report = Report("Made up or repeated?", settings, measure_novelty(dances, made, o.count), notes=[_NOTE])
    sys.stdout.write(f"{report.write(o.out, 'novelty')[1]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
