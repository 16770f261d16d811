"""What skips, gate and perceptual loss each bring to the generator: the same weights, trained on without one of them.

    python -m dabfusion ablate-generator --pairs data/pairs --held-out data/pairs-test --perceptual VGG --out FOLDER

Every variant starts from a checkpoint's generator and trains for as many steps on the same batches, under the flow
that the checkpoint's own body reader and codec give; so does a control that leaves nothing out. All are then measured
on the same held-out pairs as they would be shown. A short retraining lets each variant get used to what it lost; it
does not say what a training from nothing would reach.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from dabfusion.config import DEFAULT_CHECKPOINT
from dabfusion.dance_model import crisp
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.training.pairs import PairBatch, PairPack
from dabfusion.training.perceptual import PerceptualLoss
from dabfusion.training.stage1_run import cosine_rate
from dabfusion.training.train_generator import FlowSource, draw, exact_maps, picture_loss

from .lpips import Lpips, load_lpips
from .made_once import checkpoint_digest
from .stage1 import Stage1, drawing_errors, load_stage1

_LOG = logging.getLogger(__name__)
_HELD_OUT_DRIVES = 2


@dataclass(frozen=True)
class Variant:
    """A generator with something left out."""

    name: str
    skips: bool = True
    gate: bool = True
    perceptual: bool = True


VARIANTS = (
    Variant("all of it"),
    Variant("without skips", skips=False),
    Variant("without the gate", gate=False),
    Variant("without the perceptual loss", perceptual=False),
)


@dataclass(frozen=True)
class AblationOptions:
    """How long to train: ``steps`` of ``clips`` start frames with ``drives`` driving frames each, drawn from
    ``batches`` batches whose flow is computed once."""

    steps: int = 120
    batches: int = 20
    clips: int = 4
    drives: int = 3
    rate: float = 5e-4
    held_out: int = 16
    seed: int = 0


Seen = tuple[PairBatch, FlowMaps]


def seen_batches(stage1: Stage1, pack: PairPack, options: AblationOptions) -> list[Seen]:
    """Random batches with the flow that generation would use."""
    rng = np.random.default_rng(options.seed)
    source = FlowSource(stage1.reader, stage1.codec, None, ready=True)
    batches = [pack.batch(rng, options.clips, options.drives) for _ in range(options.batches)]
    with torch.autocast("cpu", torch.bfloat16):
        return [(batch, source.predicted(batch)) for batch in batches]


def changed(generator: Generator, variant: Variant) -> Generator:
    """A trainable copy of a generator with the variant's parts switched off."""
    channels, blocks = generator.enter.out_channels, len(generator.decode_blocks)
    copy = Generator(channels, generator.parts, blocks, variant.skips, variant.gate)
    copy.load_state_dict(generator.state_dict())
    return copy


def train(generator: Generator, seen: list[Seen], vgg: PerceptualLoss | None, options: AblationOptions) -> None:
    """Trains in place; the same options give the same batches and windows to every variant."""
    rng = np.random.default_rng(options.seed + 1)
    optimiser = torch.optim.AdamW(generator.parameters(), options.rate, betas=(0.9, 0.98), weight_decay=1e-3)
    for step in range(options.steps):
        for group in optimiser.param_groups:
            group["lr"] = options.rate * cosine_rate(step, step / options.steps, warm_up=20)
        batch, maps = seen[step % len(seen)]
        with torch.autocast("cpu", torch.bfloat16):
            loss, _ = picture_loss(draw(generator, maps, batch, rng), vgg, rng)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
        optimiser.step()


@torch.no_grad()
def measure(generator: Generator, stage1: Stage1, pack: PairPack, clips: int, look: Lpips | None) -> dict[str, float]:
    """Drawing error and LPIPS (see :func:`dabfusion.evaluation.stage1.drawing_errors`) of held-out pairs, under the
    flow of generation and, named ``exact_...``, under the true flow."""
    source = FlowSource(stage1.reader, stage1.codec, None, ready=True)
    rows = []
    for first in range(0, min(clips, len(pack)), 4):
        chosen = [pack.clip(i, np.arange(_HELD_OUT_DRIVES)) for i in range(first, min(first + 4, clips, len(pack)))]
        batch = pack.collate(chosen, np.random.default_rng(0), augment=False)
        encoded = generator.encode(batch.start).repeated(batch.drives)
        row: dict[str, float] = {}
        for prefix, maps in (("", source.predicted(batch)), ("exact_", exact_maps(batch))):
            drawn = crisp(generator.decode(encoded, maps).float())
            row |= {prefix + name: value for name, value in drawing_errors(drawn, batch, look).items()}
        rows.append(row)
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def ablate(
    stage1: Stage1, packs: tuple[PairPack, PairPack], vgg: PerceptualLoss | None, look: Lpips | None,
    options: AblationOptions,
) -> dict[str, dict[str, float]]:  # fmt: skip
    """Figures of every variant by name, and of the checkpoint's generator as it is.

    Args:
        stage1: a checkpoint's stage 1.
        packs: pairs to train on, and held-out pairs.
        vgg: the perceptual loss; without it that variant is the control.
        look: LPIPS, where there are weights.
        options: how long.
    """
    seen = seen_batches(stage1, packs[0], options)
    figures = {"as it is, not trained on": measure(stage1.generator, stage1, packs[1], options.held_out, look)}
    for variant in VARIANTS:
        generator = changed(stage1.generator, variant)
        train(generator, seen, vgg if variant.perceptual else None, options)
        figures[variant.name] = measure(generator.eval(), stage1, packs[1], options.held_out, look)
        _LOG.info("%s: %s", variant.name, {k: round(v, 3) for k, v in figures[variant.name].items()})
    return figures


def markdown(figures: dict[str, dict[str, float]], settings: dict[str, object]) -> str:
    """A table, a row a variant."""
    columns = list(next(iter(figures.values())))
    lines = ["# What skips, gate and perceptual loss bring", "", *(f"- {k}: {v}" for k, v in settings.items()), ""]
    titles = {"drawing": "drawing error, levels of 255", "lpips": "LPIPS (VGG)"}
    heads = [titles[c.removeprefix("exact_")] + (", true flow" if c.startswith("exact_") else "") for c in columns]
    lines += ["| generator | " + " | ".join(heads) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in figures.items():
        lines.append(f"| {name} | " + " | ".join(f"{row[c]:.3f}" for c in columns) + " |")
    note = "Each variant goes on from the same weights for the same steps on the same batches. Less is better."
    return "\n".join([*lines, "", note, ""])


def main(argv: list[str] | None = None) -> int:
    """Command line of ``ablate-generator``."""
    default = AblationOptions()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="pack of Studio pairs to train on")
    parser.add_argument("--held-out", type=Path, required=True, help="pack of held-out pairs to measure on")
    parser.add_argument("--perceptual", type=Path, required=True, help="VGG-16 weights for the perceptual loss")
    parser.add_argument("--weights", type=Path, required=True, help="folder with the weights of LPIPS")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--clips", type=int, default=default.held_out, help="held-out clips")
    parser.add_argument("--out", type=Path, required=True, help="folder for ablation.json and ablation.md")
    o = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(0)
    options = AblationOptions(steps=o.steps, held_out=o.clips)
    stage1, packs = load_stage1(o.checkpoint), (PairPack(o.pairs), PairPack(o.held_out))
    figures = ablate(stage1, packs, PerceptualLoss(o.perceptual), load_lpips("vgg16", o.weights), options)
    settings: dict[str, object] = {
        "checkpoint": f"{o.checkpoint.name}, {checkpoint_digest(o.checkpoint)}",
        "trained on": f"{options.steps} steps of {options.clips} x {options.drives} pairs, rate {options.rate:g}",
        "measured on": f"{options.held_out} held-out clips, {_HELD_OUT_DRIVES} driving frames each",
    }
    o.out.mkdir(parents=True, exist_ok=True)
    (o.out / "ablation.json").write_text(json.dumps({**settings, "figures": figures}, indent=2) + "\n", "utf-8")
    (o.out / "ablation.md").write_text(markdown(figures, settings), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
