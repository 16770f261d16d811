"""What skips, gate and perceptual loss each bring to the generator: the same training without one of them.

    python -m dabfusion ablate-generator --pairs data/pairs --held-out data/pairs-test --perceptual VGG \\
        --weights WEIGHTS --out FOLDER [--steps 40] [--from-nothing 160]

Every variant starts from a checkpoint's generator (and again from an untrained one) and trains for as many steps on the
same batches, under the flow that the checkpoint's own body reader and codec give; so does a control that leaves nothing
out. All are then measured on the same held-out pairs as they would be shown. A short retraining lets each variant get
used to what it lost; a short training from nothing says what helps to learn, not where a long one would end.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
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

from .ablation_table import HALF, NOTHING, TRAINED, UNTRAINED, Figures, means, write
from .lpips import Lpips, load_lpips
from .made_once import checkpoint_digest
from .stage1 import STAGE1_PARTS, Stage1, drawing_errors, load_stage1

_LOG = logging.getLogger(__name__)
_HELD_OUT_DRIVES = 2
LOOKS = ("vgg16", "alexnet")


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

    steps: int = 160
    batches: int = 40
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


def train(
    generator: Generator, seen: list[Seen], vgg: PerceptualLoss | None, options: AblationOptions,
    half_way: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Trains in place; the same options give the same batches and windows to every variant."""
    rng = np.random.default_rng(options.seed + 1)
    optimiser = torch.optim.AdamW(generator.parameters(), options.rate, betas=(0.9, 0.98), weight_decay=1e-3)
    for step in range(options.steps):
        if step == options.steps // 2 and half_way is not None:
            half_way()
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
def measure(
    generator: Generator, stage1: Stage1, pack: PairPack, clips: int, looks: Mapping[str, Lpips]
) -> list[Figures]:
    """Drawing error (see :func:`dabfusion.evaluation.stage1.drawing_errors`) and LPIPS by each of its networks, by
    their names, of held-out clips under the flow of generation, a row each; ``exact_drawing`` under the true flow."""
    source = FlowSource(stage1.reader, stage1.codec, None, ready=True)
    rows = []
    for number in range(min(clips, len(pack))):
        chosen = [pack.clip(number, np.arange(_HELD_OUT_DRIVES))]
        batch = pack.collate(chosen, np.random.default_rng(0), augment=False)
        encoded = generator.encode(batch.start).repeated(batch.drives)
        row: Figures = {}
        for prefix, maps in (("", source.predicted(batch)), ("exact_", exact_maps(batch))):
            drawn = crisp(generator.decode(encoded, maps).float())
            row[f"{prefix}drawing"] = drawing_errors(drawn, batch, None)["drawing"]
            if not prefix:
                row |= {name: drawing_errors(drawn, batch, look)["lpips"] for name, look in looks.items()}
        rows.append(row)
    return rows


@dataclass(frozen=True)
class Bench:
    """What every variant is trained on and measured with: batches with their flow, the perceptual loss (without it
    that variant is the control), held-out pairs, and LPIPS by the names of its networks."""

    stage1: Stage1
    seen: list[Seen]
    vgg: PerceptualLoss | None
    held_out: PairPack
    looks: Mapping[str, Lpips]


def compare(base: Generator, bench: Bench, options: AblationOptions) -> dict[str, list[Figures]]:
    """Figures by name, a row a held-out clip: of a generator as it is, and of what each variant makes of it."""

    def measured(generator: Generator, looks: Mapping[str, Lpips]) -> list[Figures]:
        return measure(generator, bench.stage1, bench.held_out, options.held_out, looks)

    found = {UNTRAINED: measured(base, bench.looks)}
    for variant in VARIANTS:
        generator = changed(base, variant)
        half: list[Figures] = []
        vgg = bench.vgg if variant.perceptual else None
        train(generator, bench.seen, vgg, options, partial(_keep, half, partial(measured, generator, {})))
        rows = measured(generator.eval(), bench.looks)
        found[variant.name] = [row | {HALF: before["drawing"]} for row, before in zip(rows, half, strict=True)]
        _LOG.info("%s: %s", variant.name, {k: round(v, 3) for k, v in means(found[variant.name]).items()})
    return found


def _keep(rows: list[Figures], measured: Callable[[], list[Figures]]) -> None:
    rows += measured()


def untrained(generator: Generator, seed: int) -> Generator:
    """A generator of the same sizes that knows nothing."""
    torch.manual_seed(seed)
    return Generator(generator.enter.out_channels, generator.parts, len(generator.decode_blocks)).eval()


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
    parser.add_argument("--from-nothing", type=int, default=0, metavar="STEPS", help="untrained generators, too")
    parser.add_argument("--batches", type=int, default=default.batches, help="seen again and again")
    parser.add_argument("--clips", type=int, default=default.held_out, help="held-out clips")
    parser.add_argument("--out", type=Path, required=True, help="folder for ablation.json and ablation.md")
    o = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = AblationOptions(o.steps, o.batches, held_out=o.clips)
    stage1, pack = load_stage1(o.checkpoint), PairPack(o.pairs)
    looks = {name: load_lpips(name, o.weights) for name in LOOKS}
    vgg, held_out = PerceptualLoss(o.perceptual), PairPack(o.held_out)
    bench = Bench(stage1, seen_batches(stage1, pack, options), vgg, held_out, looks)
    settings: dict[str, object] = {
        "checkpoint": f"{o.checkpoint.name}, stage 1 alone: {checkpoint_digest(o.checkpoint, STAGE1_PARTS)}",
        "batches": f"{options.batches} of {options.clips} x {options.drives} pairs, under the flow of generation",
        "measured on": f"{min(options.held_out, len(held_out))} held-out clips, {_HELD_OUT_DRIVES} driving frames each",
    }
    started, parts = time.monotonic(), {}
    for start, base, chosen in (
        (TRAINED, stage1.generator, options),
        (NOTHING, untrained(stage1.generator, options.seed), replace(options, steps=o.from_nothing, rate=1e-3)),
    ):
        if chosen.steps:
            parts[start] = compare(base, bench, chosen)
            settings[start] = f"{chosen.steps} steps, peak rate {chosen.rate:g}, no critic"
            write(o.out, parts, {**settings, "minutes": round((time.monotonic() - started) / 60, 1)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
