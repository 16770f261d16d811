"""Trains stage 1 end to end: reader, codec, encoder and decoder together, so that flow also learns from the picture.

python -m dabfusion train-jointly --pairs DIR --out RUN [--codec RUN --generator RUN] [--perceptual VGG] [--minutes M]

Starts where ``train-codec`` and ``train-generator`` left off, or from nothing. Every batch is drawn under the codec's
flow, which is what inference has; what the drawing gets wrong reaches the flow through the warp.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from dabfusion.flow_autoencoder.body_fit import fit_body
from dabfusion.flow_autoencoder.body_reader import Body, BodyReader
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.training.adversarial import Critic, CriticRun
from dabfusion.training.pairs import PairBatch, PairPack
from dabfusion.training.perceptual import PerceptualLoss
from dabfusion.training.stage1_run import Stage1Run, cosine_rate
from dabfusion.training.train_codec import codec_loss, driving_bodies, joined, noisy_body, reader_loss
from dabfusion.training.train_codec import evaluate as evaluate_codec
from dabfusion.training.train_generator import FlowSource, draw, evaluate, picture_loss, sample_sheet

_FIT_STEPS = 20  # half-fitted bodies: cheaper, and what is borne here is borne when they fit better
_FLOW_WEIGHT = 0.25  # of the codec's and the reader's own losses against the drawing's


class Stage1(torch.nn.Module):
    """All of stage 1 as one module, to be trained and averaged together."""

    def __init__(self, reader: BodyReader, codec: FlowCodec, generator: Generator) -> None:
        super().__init__()
        self.reader, self.codec, self.generator = reader, codec, generator


@dataclass(frozen=True)
class JointOptions:
    """How to train; ``critic`` is the weight of the adversarial loss, 0 for none."""

    minutes: float = 60
    clips: int = 5
    drives: int = 3
    rate: float = 5e-4
    critic: float = 0.0
    seed: int = 0


def predict(model: Stage1, batch: PairBatch, rng: np.random.Generator) -> tuple[Tensor, FlowMaps, dict[str, float]]:
    """The reader's and codec's losses of a batch, the flow maps to draw under, and figures to watch."""
    pictures, others = driving_bodies(batch)
    count, times = len(batch.start), batch.drives
    everyone = model.reader(
        torch.cat([batch.start, pictures]), torch.cat([batch.keypoints, torch.zeros_like(batch.keypoints)])
    )
    read = Body(everyone.points[:count], everyone.code[:count], everyone.offsets[:count])
    body = noisy_body(batch.body, fit_body(read, _FIT_STEPS), rng)
    maps = model.codec.decode(model.codec.describe(batch.start).repeated(times), body.repeated(times), batch.code)
    flow, figures = codec_loss(maps, batch)
    return flow + reader_loss(everyone, joined(batch.body, others)), maps, figures


class JointTrainer:
    """One session of training in a run folder, which is resumed where it exists."""

    def __init__(
        self, model: Stage1, out: Path, options: JointOptions, perceptual: PerceptualLoss | None = None
    ) -> None:
        self.options, self.model, self.perceptual = options, model, perceptual
        self.optimiser = torch.optim.AdamW(model.parameters(), options.rate, betas=(0.9, 0.98), weight_decay=1e-3)
        self.run = Stage1Run(out, model, self.optimiser)
        self.rng = np.random.default_rng([options.seed, self.run.step])
        self.critic = CriticRun(Critic(), out / "critic.safetensors") if options.critic else None

    def step(self, batch: PairBatch) -> None:
        """One step of the optimiser."""
        done = self.run.progress.minutes_now / self.options.minutes
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.rate * cosine_rate(self.run.step, done)
        with torch.autocast("cpu", torch.bfloat16):
            loss, maps, figures = predict(self.model, batch, self.rng)
            drawing = draw(self.model.generator, maps, batch, self.rng)
            pictures, more = picture_loss(drawing, self.perceptual if self.run.step % 2 else None, self.rng)
            if self.critic is not None:
                fooled, judged = self.critic.judge(drawing, self.rng)
                pictures, more = pictures + self.options.critic * fooled, {**more, **judged}
        total = _FLOW_WEIGHT * loss + pictures
        self.optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.run.after_step({"loss": float(total.detach()), **figures, **more})

    def train(self, pack: PairPack, watched: PairPack | None, every: int = 200) -> None:
        """Trains for the session's minutes; measures held-out pairs and draws a sheet every so many steps."""
        for _ in self.run.progress.session(self.options.minutes):
            self.step(pack.batch(self.rng, self.options.clips, self.options.drives))
            if self.run.step % every == 0:
                pack.refresh()
                if watched is not None:
                    self.watch(watched)
                if self.critic is not None:
                    self.critic.save()
        self.run.save()

    def watch(self, pack: PairPack) -> None:
        """Figures and sample sheet of the averaged weights."""
        averaged = self.run.averaged
        source = FlowSource(averaged.reader, averaged.codec, None, ready=True)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            figures = evaluate_codec(averaged.reader, averaged.codec, pack, 24)
            self.run.log_held_out({**figures, **evaluate(averaged.generator, source, pack, 24)})
            sample_sheet(averaged.generator, source, pack, self.run.folder / "samples.png")


def build(codec: Path | None, generator: Path | None) -> Stage1:
    """Stage 1 from the averaged weights of earlier runs of its parts, untrained where there are none."""
    model = Stage1(BodyReader(), FlowCodec(), Generator())
    if codec is not None:
        torch.nn.ModuleDict({"reader": model.reader, "codec": model.codec}).load_state_dict(
            load_file(codec / "ema.safetensors")
        )
    if generator is not None:
        model.generator.load_state_dict(load_file(generator / "ema.safetensors"))
    return model


def train(
    pairs: Path,
    out: Path,
    held_out: Path | None,
    options: JointOptions,
    vgg: Path | None = None,
    parts: tuple[Path | None, Path | None] = (None, None),
) -> None:
    """Trains a session in the run folder ``out``; a new run starts from the runs of its ``parts``, codec and
    generator."""
    perceptual = PerceptualLoss(vgg) if vgg else None
    trainer = JointTrainer(build(*parts), out, options, perceptual)
    trainer.train(PairPack(pairs), PairPack(held_out) if held_out else None)


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-jointly``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="pack of Studio pairs")
    parser.add_argument("--held-out", type=Path, help="pack of held-out pairs to watch")
    parser.add_argument("--codec", type=Path, help="run folder of train-codec to start from")
    parser.add_argument("--generator", type=Path, help="run folder of train-generator to start from")
    parser.add_argument("--perceptual", type=Path, help="VGG-16 weights for the perceptual loss")
    parser.add_argument("--critic", type=float, default=0.0, help="weight of the adversarial loss")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumed where it exists")
    parser.add_argument("--minutes", type=float, default=JointOptions.minutes)
    parser.add_argument("--clips", type=int, default=JointOptions.clips, help="start frames a batch")
    parser.add_argument("--drives", type=int, default=JointOptions.drives, help="driving frames a start frame")
    parser.add_argument("--rate", type=float, default=JointOptions.rate, help="peak learning rate")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    o = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    options = JointOptions(o.minutes, o.clips, o.drives, o.rate, o.critic)
    train(o.pairs, o.out, o.held_out, options, o.perceptual, (o.codec, o.generator))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
