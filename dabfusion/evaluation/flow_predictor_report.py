"""How exact stage 1's flow predictor is, trained without labels and on exact flow, beside the default model's codec.

    python -m dabfusion.evaluation.flow_predictor_report --pairs data/pairs-test --out docs/reports/flow-predictor \\
        --run runs/label-free --run runs/exact

The runs are folders of ``train-flow-predictor``. All rows are measured on the truth's own grid of 128, so that
predictors of other sizes can be compared: the end-point error over visible person cells, in pixels of 256 (as in
:mod:`dabfusion.evaluation.stage1`), and the occlusion map over all person cells.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from dabfusion.config import DEFAULT_CHECKPOINT
from dabfusion.flow_autoencoder.body_fit import fit_body
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.flow_predictor import FlowPredictor, FlowPredictorConfig, build_flow_predictor
from dabfusion.flow_autoencoder.geometry import enlarged, warp
from dabfusion.training.frame_pairs import frame_pairs
from dabfusion.training.pairs import PairBatch, PairPack
from dabfusion.training.predictor_run import read_run_config
from dabfusion.training.train_generator import exact_maps

from .made_once import checkpoint_digest
from .report import Reading, Report, Row
from .stage1 import STAGE1_PARTS, Stage1, end_point_error, load_stage1, on_plate

_CLIPS_AT_ONCE, _DRIVES = 4, 4
_SHEET_CLIPS = 6
_BALANCED, _BLIND = "balanced occlusion accuracy", 0.55
STILL = "nothing moves, everything is visible"


class FlowFinder(Protocol):
    """Flow maps of a batch's driving frames, at any resolution."""

    def __call__(self, batch: PairBatch) -> FlowMaps:
        """Maps of the B * T driving frames."""


def still(batch: PairBatch) -> FlowMaps:
    """No motion at all."""
    return FlowMaps(torch.zeros_like(batch.flow), torch.ones_like(batch.visible), torch.ones_like(batch.coverage))


@dataclass(frozen=True)
class Run:
    """A trained flow predictor with what is known of its training."""

    mode: str
    config: FlowPredictorConfig
    predictor: FlowPredictor
    told: str

    def __call__(self, batch: PairBatch) -> FlowMaps:
        """What it sees in start and driving frames."""
        seen = frame_pairs(batch, self.config, np.random.default_rng(0))
        return self.predictor(seen.x_ref, seen.x_drive)


@dataclass(frozen=True)
class Codec:
    """The default model's flow, told the motion by its code instead of seeing the driving frames."""

    stage1: Stage1

    def __call__(self, batch: PairBatch) -> FlowMaps:
        """With the body as read and fitted."""
        return self.stage1.decode(batch, fit_body(self.stage1.read(batch, True)))


def load_run(folder: Path) -> Run:
    """A run folder of ``train-flow-predictor``, with its averaged weights; raises UserError."""
    mode, config = read_run_config(folder)
    predictor = build_flow_predictor(config)
    weights = load_file(folder / "ema.safetensors")
    own = {k.removeprefix("predictor."): v for k, v in weights.items() if k.startswith("predictor.")}
    predictor.load_state_dict(own)
    return Run(mode, config, predictor.eval().requires_grad_(False), _told(folder, config))


def _told(folder: Path, config: FlowPredictorConfig) -> str:
    """How it was trained, from the run's own files."""
    progress = json.loads((folder / "progress.json").read_text("utf-8"))
    options = json.loads((folder / "options.json").read_text("utf-8"))
    facts = [
        f"frames of {config.size}, flow grid {config.size // 4}, {config.regions} regions, motion {config.motion}",
        f"{progress['steps']} steps of {options['clips']} x {options['drives']} pairs in {progress['minutes']:.0f} min "
        f"of a shared CPU core, peak rate {options['rate']:g}",
    ]
    if options["mode"] == "label-free":
        look = "with" if options["perceptual"] else "without"
        facts.append(f"{look} VGG-16 features, warped frame itself compared with weight {options['photometric']:g}")
    return "; ".join(facts)


@dataclass
class Counts:
    """Person cells, weighted with coverage, by what is true of them and what an occlusion map says (threshold 1/2)."""

    shown: float = 0.0
    hidden: float = 0.0
    shown_right: float = 0.0
    hidden_right: float = 0.0

    def add(self, occlusion: Tensor, batch: PairBatch) -> None:
        """Counts a batch; the map has the truth's resolution."""
        visible, said = batch.visible > 0.5, occlusion > 0.5
        self.shown += float((batch.coverage * visible).sum())
        self.hidden += float((batch.coverage * ~visible).sum())
        self.shown_right += float((batch.coverage * (visible & said)).sum())
        self.hidden_right += float((batch.coverage * (~visible & ~said)).sum())

    @property
    def accuracy(self) -> float:
        """Share of cells that are called rightly."""
        return (self.shown_right + self.hidden_right) / (self.shown + self.hidden)

    @property
    def balanced(self) -> float:
        """Mean of the shares of shown and of hidden cells that are called rightly, of those of which there are any."""
        pairs = ((self.shown_right, self.shown), (self.hidden_right, self.hidden))
        return float(np.mean([right / cells for right, cells in pairs if cells]))


def batches(pack: PairPack, clips: int) -> list[PairBatch]:
    """The first clips of a pack, in the batches of ``evaluate-stage1``."""
    numbers = range(min(clips, len(pack)))
    groups = [numbers[first : first + _CLIPS_AT_ONCE] for first in range(0, len(numbers), _CLIPS_AT_ONCE)]
    drives = np.arange(_DRIVES)
    return [pack.collate([pack.clip(i, drives) for i in g], np.random.default_rng(0), augment=False) for g in groups]


@torch.no_grad()
def measure(finder: FlowFinder, seen: Sequence[PairBatch]) -> dict[str, float]:
    """End-point error (mean over batches, pixels of 256), accuracy and balanced accuracy of the occlusion map."""
    errors, counts = [], Counts()
    for batch in seen:
        maps = finder(batch)
        errors.append(end_point_error(enlarged(maps.flow.float(), batch.flow), batch))
        counts.add(enlarged(maps.occlusion.float(), batch.flow), batch)
    return {"epe": float(np.mean(errors)), "accuracy": counts.accuracy, "balanced": counts.balanced}


@torch.no_grad()
def sheet(finders: Mapping[str, FlowFinder], batch: PairBatch, path: Path) -> None:
    """A picture, a row a clip: start, truth, then the start moved by each flow in turn, within its own matte."""
    columns = [batch.start.repeat_interleave(batch.drives, 0), batch.drive]
    for maps in (finder(batch) for finder in finders.values()):
        columns.append(warp(columns[0], maps.flow.float()) * enlarged(maps.matte.float(), batch.drive))
    rows = torch.cat([on_plate(column)[:: batch.drives] for column in columns], 3)
    flat = rows.permute(0, 2, 3, 1).flatten(0, 1).clamp(0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((flat * 255).byte().numpy()).save(path, quality=90)


def parameters(*modules: nn.Module) -> str:
    """Millions, as text."""
    return f"{sum(p.numel() for m in modules for p in m.parameters()) / 1e6:.2f} million parameters"


def measured_row(name: str, figures: Mapping[str, float], clips: int) -> Row:
    """The table's row of what :func:`measure` found."""
    readings = {
        "end-point error, px of 256": Reading(figures["epe"], digits=2),
        "occlusion accuracy": Reading(figures["accuracy"]),
        _BALANCED: Reading(figures["balanced"]),
    }
    return Row(name, readings, clips)


_NOTES = (
    "A video is a held-out start frame with its driving frames; the first ones of the pack, none chosen.",
    "The predictors see both frames. The codec does not see the driving frame: it is told the true motion by its code "
    "and reads the body from the start frame, as generation does. Accuracy of the occlusion map reads well for "
    "whoever calls everything visible; balanced accuracy is 0.5 then.",
)


def blindness(rows: Sequence[Row]) -> list[str]:
    """What must be said of occlusion maps that know no hidden place."""
    blind = [row.name for row in rows if row.name != STILL and (row.readings[_BALANCED].value or 0) < _BLIND]
    if not blind:
        return []
    return [f"Hidden places are not known yet (balanced accuracy below {_BLIND:g}): {'; '.join(blind)}."]


def build(runs: Sequence[Run], stage1: Stage1, digest: str, pack: PairPack, clips: int, out: Path) -> Report:
    """Measures everything and draws ``samples.jpg`` into ``out``."""
    codec, seen = Codec(stage1), batches(pack, clips)
    finders: dict[str, FlowFinder] = {STILL: still}
    finders |= {f"flow predictor, {run.mode}": run for run in runs} | {"codec of the default model": codec}
    settings: dict[str, object] = {
        "measured on": f"{len(seen)} batches of at most {_CLIPS_AT_ONCE} clips with {_DRIVES} driving frames each",
        **{run.mode: f"{run.told}; {parameters(run.predictor)}" for run in runs},
        "codec": f"stage 1 of the default checkpoint, {digest}; {parameters(stage1.reader, stage1.codec)}, body "
        "reader included",
    }
    summary = [measured_row(name, measure(finder, seen), min(clips, len(pack))) for name, finder in finders.items()]
    columns: dict[str, FlowFinder] = {"true flow": exact_maps} | {k: v for k, v in finders.items() if k != STILL}
    chosen = [pack.clip(i, np.arange(_DRIVES - 1, _DRIVES)) for i in range(min(_SHEET_CLIPS, len(pack)))]
    sheet(columns, pack.collate(chosen, np.random.default_rng(0), augment=False), out / "samples.jpg")
    picture = f"![start, truth, start moved by: {', '.join(columns)}](samples.jpg)"
    shown = f"Left to right: start, truth, the start's own pixels moved by {'; by '.join(columns)}, within "
    shown += "each one's own matte. Nothing is painted."
    return Report("The learned flow predictor", settings, summary, notes=(*_NOTES, *blindness(summary), shown, picture))


def main(argv: list[str] | None = None) -> int:
    """Writes ``flow_predictor.json``, ``flow_predictor.md`` and ``samples.jpg``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="held-out pack")
    parser.add_argument("--run", type=Path, action="append", required=True, help="folder of train-flow-predictor")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    o = parser.parse_args(argv)
    runs = [load_run(folder) for folder in o.run]
    digest = checkpoint_digest(o.checkpoint, STAGE1_PARTS)
    build(runs, load_stage1(o.checkpoint), digest, PairPack(o.pairs), o.clips, o.out).write(o.out, "flow_predictor")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
