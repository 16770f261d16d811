"""Trains the paper's own stage 2: the conditional 3D U-Net that predicts the noise of flow maps (DabFusion Eq. 6).

    python -m dabfusion train-flow-unet --pairs DIR --dances DIR --out RUN [--checkpoint DIR] [--minutes M]
    python -m dabfusion train-flow-unet --aist DIR --predictor RUN --out RUN [--minutes M]

Resumes where ``--out`` holds a run of the same sizes. A cell of the person weighs five times as much in the loss as an
empty one (see :data:`.flow_sequences.PERSON_WEIGHT`); where there is no matte, all cells weigh the same, as published.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dabfusion.config import DEFAULT_CHECKPOINT
from dabfusion.errors import UserError
from dabfusion.flow_diffusion.flow_unet import CONFIG_FILE, FlowUnet, FlowUnetConfig, MapStatistics
from dabfusion.flow_diffusion.loss import noise_loss
from dabfusion.flow_diffusion.sampling import TRAIN_STEPS, add_noise
from dabfusion.flow_diffusion.unet3d import UNet3dConfig

from .aist import AistVideos
from .dance_data import read_packs
from .flow_sequences import (
    AistSequences,
    FlowSequence,
    Replayed,
    SequenceSource,
    StudioSequences,
    joined,
    load_decoder,
)
from .pairs import PairPack
from .predictor_run import load_predictor_run
from .stage1_run import Stage1Run, cosine_rate

_LOG = logging.getLogger(__name__)
_FITTED_ON = 6  # sequences from which the statistics are taken
_WARM_UP = 25  # steps: a run on a CPU has a few hundred
_STUDIO_FRAMES, _AIST_FRAMES = 30, 40


@dataclass(frozen=True)
class UnetSizes:
    """Of the U-Net and of what it sees: width and number of its levels, attention, cells a side, frames."""

    width: int = 64
    levels: int = 4
    heads: int = 8
    head_size: int = 32
    grid: int = 32
    frames: int = _STUDIO_FRAMES

    def __post_init__(self) -> None:
        step = 2 ** (self.levels - 1)
        if self.grid < step or self.grid % step:
            raise UserError(f"--grid must be a multiple of {step} for {self.levels} levels; got {self.grid}.")
        if self.width % 8 or self.head_size % 2:
            raise UserError("--width must be a multiple of 8, and --head-size an even number.")

    def unet(self, sequence: FlowSequence) -> UNet3dConfig:
        """The network for such sequences."""
        return UNet3dConfig(
            sequence.maps.shape[1], sequence.z0.shape[1], sequence.music.shape[2], self.width,
            tuple(2**k for k in range(self.levels)), self.heads, self.head_size,
        )  # fmt: skip


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes:
        minutes: of this session.
        batch: sequences a step.
        rate: peak learning rate.
        drop: share of the sequences whose music is hidden.
        uses: how often a sequence that was made is shown, with other noise each time.
        seed: of weights, sequences and noise.
    """

    minutes: float = 60.0
    batch: int = 4
    rate: float = 5e-4
    drop: float = 0.1
    uses: float = 4.0
    seed: int = 0


class Noising:
    """Draws time steps, noise and which sequences are to hear no music."""

    def __init__(self, drop: float, seed: int) -> None:
        self._drop, self._generator = drop, torch.Generator().manual_seed(seed)

    def loss(self, model: FlowUnet, sequence: FlowSequence) -> Tensor:
        """Eq. 6 on a batch, cells weighted; the sequences are on the model's device."""
        a0, count = model.normalised(sequence.maps), len(sequence.maps)
        noise = torch.randn(a0.shape, generator=self._generator).to(a0.device)
        t = self.time_steps(count).to(a0.device)
        has_music = (torch.rand(count, generator=self._generator) >= self._drop).to(a0.device)
        noisy = add_noise(a0, noise, t, model.abar)
        with torch.autocast(
            a0.device.type, torch.bfloat16, enabled=a0.is_cuda
        ):  # on CPUs it makes 3D convolutions slow
            guess = model.noise(noisy, t, sequence.z0, sequence.music, has_music)
        weight = (sequence.weight / sequence.weight.mean()).sqrt()
        return noise_loss(guess.float() * weight, noise * weight)

    def time_steps(self, count: int) -> Tensor:
        """Time steps (count,) over 0..999, one at random in each of ``count`` equal parts."""
        u = (torch.arange(count) + torch.rand(count, generator=self._generator)) / count
        return (u * TRAIN_STEPS).long().clamp(max=TRAIN_STEPS - 1)


def train(
    source: SequenceSource, out: Path, sizes: UnetSizes, options: TrainingOptions, data: str, device: str
) -> float:  # fmt: skip
    """Trains for ``options.minutes``, resuming from ``out``; ``options.json`` tells how the run was trained last.

    Args:
        source: what is learnt from.
        out: run folder.
        sizes: of the network.
        options: how.
        data: name of the source; a run goes on with its own only.
        device: where the U-Net is trained.

    Returns:
        The last step's loss.

    Raises:
        UserError: ``out`` holds a run of other sizes or data.
    """
    torch.manual_seed(options.seed)
    model = FlowUnet(_claim(out, source, sizes, options.seed, data)).to(device)
    (out / "options.json").write_text(json.dumps({**asdict(options), "device": device}, indent=1) + "\n", "utf-8")
    optimiser = torch.optim.AdamW(model.parameters(), options.rate, betas=(0.9, 0.99), weight_decay=1e-4)
    run = Stage1Run(out, model, optimiser)
    rng = np.random.default_rng([options.seed, run.step])
    noising = Noising(options.drop, options.seed + run.step)
    seen = Replayed(source, options.uses)
    last = float("nan")
    for done in run.progress.session(options.minutes):
        for group in optimiser.param_groups:
            group["lr"] = options.rate * cosine_rate(run.step, done, _WARM_UP)
        loss = noising.loss(model, seen.batch(rng, options.batch).to(model.device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        last = float(loss.detach())
        run.after_step({"loss": last})
    run.save()
    return last


def _claim(out: Path, source: SequenceSource, sizes: UnetSizes, seed: int, data: str) -> FlowUnetConfig:
    """The configuration of the run in ``out``; a new one takes its statistics from a few sequences."""
    path, asked = out / CONFIG_FILE, {"sizes": asdict(sizes), "data": data}
    if path.exists():
        saved = json.loads(path.read_text("utf-8"))
        if {name: saved.get(name) for name in asked} != asked:
            raise UserError(f"{out.name} holds a run of other sizes or data; choose another --out.")
        return FlowUnetConfig.from_dict(saved["flow_unet"])
    rng = np.random.default_rng([seed, 1])
    few = joined([source.batch(rng, 1) for _ in range(_FITTED_ON)])
    statistics = MapStatistics.of(few.maps, few.weight, few.z0)
    config = FlowUnetConfig(sizes.unet(few), sizes.grid, sizes.frames, source.fps, statistics)
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**asked, "flow_unet": config.as_dict()}, indent=1) + "\n", "utf-8")
    return config


def _source(chosen: argparse.Namespace, sizes: UnetSizes, device: torch.device) -> SequenceSource:
    """Studio's sequences or AIST++'s, as asked for."""
    if chosen.aist:
        predictor, generator = load_predictor_run(chosen.predictor)
        videos = AistVideos(chosen.aist)
        return AistSequences(videos, predictor.to(device), generator.to(device), sizes.frames, sizes.grid)
    for folder in (chosen.pairs, chosen.dances):
        if not folder.exists():
            raise UserError(f"There is no {folder}; see docs/training.md for how it is made.")
    try:
        dances = read_packs(chosen.dances)
    except FileNotFoundError as error:
        raise UserError(f"There are no packed dances in {chosen.dances}; see docs/training.md.") from error
    decoder = load_decoder(chosen.checkpoint, device)
    return StudioSequences(PairPack(chosen.pairs), dances, decoder, sizes.frames, sizes.grid)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    """Command-line arguments; raises UserError where the source is only half given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, sizes, default = parser.add_argument, UnetSizes(), TrainingOptions()
    add("--pairs", type=Path, help="pack of Studio pairs: whom the maps show")
    add("--dances", type=Path, help="packed dances, or a folder of packs: what they dance")
    add("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="its codec makes maps of dances")
    add("--aist", type=Path, help="in place of pairs and dances: folder with AIST++'s videos and songs")
    add("--predictor", type=Path, help="label-free run of train-flow-predictor, which makes maps of videos")
    add("--out", type=Path, required=True, help="run folder; resumed where it exists")
    add("--minutes", type=float, default=default.minutes, help="of this session")
    add("--width", type=int, default=sizes.width, help="channels of the finest level")
    add("--levels", type=int, choices=(2, 3, 4), default=sizes.levels)
    add("--heads", type=int, default=sizes.heads, help="of the attention")
    add("--head-size", type=int, default=sizes.head_size)
    add("--grid", type=int, default=sizes.grid, help="cells a side of the maps")
    add("--frames", type=int, help=f"of a sequence (default {_STUDIO_FRAMES}; of AIST++ {_AIST_FRAMES})")
    add("--batch", type=int, default=default.batch, help="sequences a step")
    add("--rate", type=float, default=default.rate, help="peak learning rate")
    add("--uses", type=float, default=default.uses, help="how often a sequence is shown; 1: always new ones")
    add("--seed", type=int, default=default.seed)
    add("--threads", type=int, default=0, help="CPU threads (0: all)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args(argv)
    studio, aist = (chosen.pairs, chosen.dances), (chosen.aist, chosen.predictor)
    if not (all(studio) and not any(aist)) and not (all(aist) and not any(studio)):
        raise UserError("Give either --pairs and --dances, or --aist and --predictor.")
    return chosen


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-flow-unet``."""
    o = _parse(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if o.threads:
        torch.set_num_threads(o.threads)
    sizes = UnetSizes(
        o.width, o.levels, o.heads, o.head_size, o.grid, o.frames or (_AIST_FRAMES if o.aist else _STUDIO_FRAMES)
    )
    options = TrainingOptions(o.minutes, o.batch, o.rate, uses=o.uses, seed=o.seed)
    data = "AIST++" if o.aist else "Studio"
    source = _source(o, sizes, torch.device(o.device))
    last = train(source, o.out, sizes, options, data, o.device)
    _LOG.info("loss of the last step: %.4f", last)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
