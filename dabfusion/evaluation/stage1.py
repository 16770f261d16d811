"""How exact stage 1 is on held-out Studio pairs: which part is to blame when frames are bad.

    python -m dabfusion evaluate-stage1 --pairs data/pairs-test --checkpoint checkpoints/studio --out stage1.json

End-point errors are means over visible person cells, in pixels of 256; drawing errors are of the layer as it is shown,
in front of a bright plate, per pixel of person, in 8-bit levels, and LPIPS (VGG-16) of the whole 256 x 256 picture in
front of the same plate. Rows: nothing moves; the ellipsoid body alone, given the true body; the true flow; the codec
given the true body, the body as read, and the body as read and fitted (what generation uses), with and without
key-point hints.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dabfusion.checkpoint import open_checkpoint
from dabfusion.config import DEFAULT_CHECKPOINT, FRAME_SIZE
from dabfusion.dance_model import Sizes, build_parts, crisp
from dabfusion.flow_autoencoder.body_fit import fit_body
from dabfusion.flow_autoencoder.body_reader import Body, BodyReader
from dabfusion.flow_autoencoder.capsules import propose
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_autoencoder.stiff_parts import with_stiff_parts
from dabfusion.training.pairs import PairBatch, PairPack
from dabfusion.training.train_generator import exact_maps

from .lpips import Lpips, load_lpips, weights_name
from .made_once import checkpoint_digest
from .report import Reading
from .weights import MissingWeightsError

_CLIPS_AT_ONCE, _DRIVES = 4, 4
LOOKED_AT = ("exact", "true_body", "fitted")  #: rows whose LPIPS is measured, which takes longest
STAGE1_PARTS = ("body_reader", "codec", "generator")  #: the files of a checkpoint that are stage 1's
PLATE = 0.9  #: grey that the drawings are put in front of: on black, a dark rim around the person would not show


@dataclass(frozen=True)
class Stage1:
    """The trained parts of stage 1."""

    reader: BodyReader
    codec: FlowCodec
    generator: Generator

    def decode(self, batch: PairBatch, body: Body) -> FlowMaps:
        """Flow maps of the driving frames, given a body, as the product decodes them."""
        description = self.codec.anchored(self.codec.describe(batch.start), body).repeated(batch.drives)
        return with_stiff_parts(self.codec.decode(description, body.repeated(batch.drives), batch.code))

    def read(self, batch: PairBatch, hints: bool) -> Body:
        """The body as read from the start frames."""
        return self.reader(batch.start, batch.keypoints if hints else torch.zeros_like(batch.keypoints))


def load_stage1(folder: Path) -> Stage1:
    """Stage 1 of a checkpoint folder; raises CheckpointError."""
    checkpoint = open_checkpoint(folder)
    parts = build_parts(Sizes.from_dict(checkpoint.config["flow_autoencoder"]))
    for name, part in zip(STAGE1_PARTS, parts, strict=True):
        checkpoint.load_into(part, name)
        part.eval().requires_grad_(False)
    return Stage1(*parts)


def proposals_alone(batch: PairBatch) -> Tensor:
    """Flow (B * T, 2, h, w) of the ellipsoid body, nothing learnt, given the true body."""
    proposal = propose(batch.body.repeated(batch.drives), batch.code, batch.coverage.shape[-1])
    return (proposal.logits.softmax(1)[:, :, None] * proposal.flows).sum(1)


def end_point_error(flow: Tensor, batch: PairBatch) -> float:
    """Mean length of the flow's error over visible person cells, pixels."""
    weight = batch.coverage * batch.visible
    error = (flow - batch.flow).square().sum(1, keepdim=True).sqrt()
    return float((weight * error).sum() / weight.sum()) * FRAME_SIZE / 2


def on_plate(layer: Tensor) -> Tensor:
    """Premultiplied RGBA (B, 4, H, W) in front of a bright plate: (B, 3, H, W)."""
    return layer[:, :3] + (1 - layer[:, 3:]) * PLATE


def drawing_errors(drawn: Tensor, batch: PairBatch, look: Lpips | None) -> dict[str, float]:
    """``drawing``: mean absolute error of RGB per pixel of person, 8-bit levels; ``lpips`` where there are weights."""
    shown, truth = on_plate(drawn), on_plate(batch.drive)
    found = {"drawing": float((shown - truth).abs().sum() / batch.drive[:, 3:].sum() / 3 * 255)}
    if look is not None:
        found["lpips"] = float(look(shown.clamp(0, 1), truth.clamp(0, 1)).mean())
    return found


def measure(stage1: Stage1, batch: PairBatch, look: Lpips | None = None) -> dict[str, float]:
    """All rows for one batch: names end in ``_epe_px``, ``_drawing``, ``_lpips`` (given its network) or
    ``_points_px``."""
    maps: dict[str, Callable[[], FlowMaps]] = {
        "exact": lambda: exact_maps(batch),
        "true_body": lambda: stage1.decode(batch, batch.body),
        "read": lambda: stage1.decode(batch, stage1.read(batch, True)),
        "fitted": lambda: stage1.decode(batch, fit_body(stage1.read(batch, True))),
        "fitted_no_hints": lambda: stage1.decode(batch, fit_body(stage1.read(batch, False))),
    }
    encoded = stage1.generator.encode(batch.start).repeated(batch.drives)
    still = torch.zeros_like(batch.flow)
    row = {
        "still_epe_px": end_point_error(still, batch),
        "proposals_epe_px": end_point_error(proposals_alone(batch), batch),
    }
    drawings = {"still": batch.start.repeat_interleave(batch.drives, 0)}
    for name, make in maps.items():
        made = make()
        row[f"{name}_epe_px"] = end_point_error(made.flow, batch)
        drawings[name] = crisp(stage1.generator.decode(encoded, made).float())
    for name, drawn in drawings.items():
        errors = drawing_errors(drawn, batch, look if name in LOOKED_AT else None)
        row |= {f"{name}_{what}": value for what, value in errors.items()}
    for name, hints in (("hints", True), ("no_hints", False)):
        points = stage1.read(batch, hints).points
        truth = batch.body.points.clamp(-1, 1)
        row[f"{name}_points_px"] = float((points - truth).norm(dim=-1).mean()) * FRAME_SIZE / 2
    return row


@torch.no_grad()
def evaluate(stage1: Stage1, pack: PairPack, clips: int, look: Lpips | None = None) -> dict[str, float]:
    """Means over the first ``clips`` clips of a pack, four driving frames each."""
    rows = []
    for first in range(0, min(clips, len(pack)), _CLIPS_AT_ONCE):
        numbers = range(first, min(first + _CLIPS_AT_ONCE, len(pack)))
        chosen = [pack.clip(i, np.arange(_DRIVES)) for i in numbers]
        rows.append(measure(stage1, pack.collate(chosen, np.random.default_rng(0), augment=False), look))
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def main(argv: list[str] | None = None) -> int:
    """Command line of ``evaluate-stage1``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--pairs", type=Path, required=True, help="held-out pack: python -m dabfusion studio pairs --held-out"
    )
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="where the weights of LPIPS are")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    options = parser.parse_args(argv)
    look, need = _find_lpips(options.weights)
    figures = evaluate(load_stage1(options.checkpoint), PairPack(options.pairs), options.clips, look)
    report = {
        "checkpoint": f"{options.checkpoint.name}, {checkpoint_digest(options.checkpoint)}",
        "LPIPS": need or f"{weights_name('vgg16')}, {FRAME_SIZE} x {FRAME_SIZE} px in front of grey {PLATE:g}",
        "clips": options.clips,
        "drives": _DRIVES,
        **{k: round(v, 3) for k, v in figures.items()},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    options.out.with_suffix(".md").write_text(markdown(report), encoding="utf-8")
    return 0


def _find_lpips(folder: Path | None) -> tuple[Lpips | None, str]:
    """The network, or the sentence that says what it needs."""
    try:
        return load_lpips("vgg16", folder), ""
    except MissingWeightsError as missing:
        return None, Reading(None, missing.need).text


def markdown(report: Mapping[str, object]) -> str:
    """The report as a table, a row a way to come by the flow."""
    rows = ("still", "proposals", "exact", "true_body", "read", "fitted", "fitted_no_hints")
    settings = (f"- {name}: {report[name]}" for name in ("checkpoint", "clips", "drives", "LPIPS") if name in report)
    heads = ("end-point error, px of 256", "drawing error, levels of 255", "LPIPS (VGG)")
    lines = ["# Stage 1, part by part", "", *settings, "", f"| | {' | '.join(heads)} |", "|---|---|---|---|"]
    for row in rows:
        cells = (report.get(f"{row}_{what}", "-") for what in ("epe_px", "drawing", "lpips"))
        lines.append(f"| {row.replace('_', ' ')} | " + " | ".join(map(str, cells)) + " |")
    points = (report.get(f"{row}_points_px", "-") for row in ("hints", "no_hints"))
    lines += ["", "Points of the body as read: {} px off with key-point hints, {} without.".format(*points), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
