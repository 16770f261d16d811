"""Trains the body reader alone, on single start frames of every kind.

python -m dabfusion train-reader --people DIR --out RUN [--checkpoint checkpoints/studio] [--minutes M]

Codec and generator need pairs with exact flow, which are dear; to read a body takes one picture. So the reader goes on
learning alone, from people that no pair shows: arms folded, sitting, leaning, in profile, cut off at the chest.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dabfusion.checkpoint import open_checkpoint
from dabfusion.dance_model import Sizes
from dabfusion.flow_autoencoder.body_reader import Body, BodyReader
from dabfusion.skeleton import BONES, NUM_BONES, ROTATION_SIZE, rotation_from_6d
from dabfusion.training.people import PeopleBatch, PeoplePack
from dabfusion.training.stage1_run import Stage1Run, cosine_rate
from dabfusion.training.train_codec import reader_loss

_PIXELS = 128.0  # normalised units -> pixels of a 256 x 256 frame
_MEASURE_EVERY = 250
_AT_ONCE = 40
_ARMS = [n for n, bone in enumerate(BONES) if bone.endswith(("Arm", "Hand"))]
_HEAD = BONES.index("Head")


def start_reader(checkpoint: Path | None) -> BodyReader:
    """The reader of a checkpoint folder, or an untrained one."""
    if checkpoint is None:
        return BodyReader()
    opened = open_checkpoint(checkpoint)
    sizes = Sizes.from_dict(opened.config["flow_autoencoder"])
    reader = BodyReader(sizes.reader_widths, sizes.reader_hidden)
    opened.load_into(reader, "body_reader")
    return reader


def turns(read: Body, truth: Body) -> Tensor:
    """Angles (B, 19) between read and true bone rotations, degrees."""
    a, b = (rotation_from_6d(v.code[:, :ROTATION_SIZE].float().unflatten(1, (NUM_BONES, 6))) for v in (read, truth))
    cosine = ((a * b).sum((-1, -2)) - 1) / 2
    return torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))


def misread(read: Body, truth: Body) -> dict[str, float]:
    """Mean errors: of points in the frame and beyond it, pixels of 256; of bones, arms and heads, degrees."""
    off = (read.points.float() - truth.points).norm(dim=-1) * _PIXELS
    inside = truth.points.abs().amax(-1) < 1
    turned = turns(read, truth)
    return {
        "points_px": float(off[inside].mean()),
        "beyond_px": float(off[~inside].mean()) if (~inside).any() else 0.0,
        "turn_deg": float(turned.mean()),
        "arms_deg": float(turned[:, _ARMS].mean()),
        "head_deg": float(turned[:, _HEAD].mean()),
    }


@torch.no_grad()
def evaluate(reader: BodyReader, pack: PeoplePack, people: int = 1200) -> dict[str, float]:
    """Means of :func:`misread` over the first people of a held-out pack, with hints and (``plain_``) without, and of
    the drawings among them (``drawn_``), of which a detector knows nothing."""
    rows: list[dict[str, float]] = []
    for first in range(0, min(people, len(pack)), _AT_ONCE):
        batch = pack.collate(np.arange(first, min(first + _AT_ONCE, len(pack))), None)
        hinted = reader(batch.start, batch.keypoints)
        plain = reader(batch.start, torch.zeros_like(batch.keypoints))
        row: dict[str, float] = {}
        kinds = (("", hinted, ~batch.drawn), ("plain_", plain, ~batch.drawn), ("drawn_", plain, batch.drawn))
        for kind, read, who in kinds:
            if who.any():
                figures = misread(*(Body(*(v[who] for v in vars(b).values())) for b in (read, batch.body)))
                row.update({kind + name: value for name, value in figures.items()})
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}


def step(reader: BodyReader, batch: PeopleBatch) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch, and figures to watch."""
    read = reader(batch.start, batch.keypoints)
    loss = reader_loss(read, batch.body)
    return loss, {"loss": float(loss.detach()), **misread(Body(*(v.detach() for v in vars(read).values())), batch.body)}


def train(
    people: Path,
    out: Path,
    held_out: Path | None = None,
    checkpoint: Path | None = None,
    minutes: float = 60,
    batch: int = 32,
    rate: float = 6e-4,
) -> None:
    """Trains for ``minutes``, resuming from ``out`` where it can; averaged weights go to ``out/ema.safetensors``."""
    torch.manual_seed(0)
    pack, reader = PeoplePack(people), start_reader(checkpoint)
    optimiser = torch.optim.AdamW(reader.parameters(), rate, betas=(0.9, 0.98), weight_decay=1e-3)
    run = Stage1Run(out, reader, optimiser)
    rng = np.random.default_rng([1, run.step])
    watched = PeoplePack(held_out) if held_out else None
    if watched is not None and run.step == 0:
        run.log_held_out(evaluate(run.averaged, watched))
    for done in run.progress.session(minutes):
        for group in optimiser.param_groups:
            group["lr"] = rate * cosine_rate(run.step, done)
        with torch.autocast("cpu", torch.bfloat16):
            loss, figures = step(reader, pack.batch(rng, batch))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimiser.step()
        run.after_step(figures)
        if run.step % _MEASURE_EVERY == 0:
            pack.refresh()
            if watched is not None:
                run.log_held_out(evaluate(run.averaged, watched))
    run.save()


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-reader``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=Path, required=True, help="pack: python -m dabfusion studio people")
    parser.add_argument("--held-out", type=Path, help="pack of held-out people to watch")
    parser.add_argument("--checkpoint", type=Path, help="checkpoint folder whose reader a new run starts from")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumed where it exists")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=6e-4, help="peak learning rate")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    o = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if o.threads:
        torch.set_num_threads(o.threads)
    train(o.people, o.out, o.held_out, o.checkpoint, o.minutes, o.batch, o.rate)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
