"""Trains the dance model on packed dances.

    python -m dabfusion.training.train_flow_diffusion --data dances/ --out runs/dance --minutes 60 --threads 2

Resumes where ``--out`` already holds a run (from its averaged weights). Writes there: the averaged weights and their
configuration (``flow_diffusion.safetensors``, ``.json``), ``loss.csv``, ``motion.csv``, ``progress.json``.
"""

from __future__ import annotations

import argparse
import logging
import math
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from dabfusion.config import CODE_FPS, STYLES
from dabfusion.flow_diffusion import FlowDiffusion, FlowDiffusionConfig, build_flow_diffusion
from dabfusion.flow_diffusion.loss import CodeLoss, CodeLosses, LossWeights, snr_weight
from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.flow_diffusion.model import WEIGHTS_FILE
from dabfusion.flow_diffusion.sampling import TRAIN_STEPS, add_noise, signal_shares
from dabfusion.long_video import DanceOptions

from .dance_crops import Augmentation, Batch, DanceCrops
from .dance_data import PackedDance, read_packs
from .motion_report import one_of_each_style, report
from .run import CsvLog, Ema, Progress

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; times in minutes."""

    minutes: float
    batch: int = 32
    frames: tuple[int, ...] = (60, 75, 90, 90, 105)
    rate: float = 1e-3
    warmup: int = 150
    drop: float = 0.1
    save_every: float = 4.0
    report_every: float = 10.0
    report_dances: int = 11
    report_seconds: float = 8.0
    seed: int = 0


class Trainer:
    """One session of training."""

    def __init__(
        self,
        model: FlowDiffusion,
        dances: list[PackedDance],
        out: Path,
        options: TrainingOptions,
        augmentation: Augmentation,
    ) -> None:
        self.options, self.out, self.model = options, out, model
        self.progress = Progress(out)
        self.held_out = [d for d in dances if d.held_out]
        known = [d for d in dances if not d.held_out]
        if not (out / WEIGHTS_FILE).exists():
            rows = np.random.default_rng(0).permutation(len(known))[:400]
            crops = DanceCrops([known[i] for i in rows], augmentation).batch(600, 60, np.random.default_rng(1))
            model.normaliser.fit(crops.codes)
        self.crops = DanceCrops(known, augmentation)
        self.averaged = build_flow_diffusion(model.config).to(model.device)
        self.ema = Ema(model, self.averaged)
        self.session_steps = 0
        self.loss = CodeLoss(mean_body(), CODE_FPS, LossWeights()).to(model.device)
        self.abar = signal_shares()
        decayed = [p for p in model.parameters() if p.ndim > 1]
        plain = [p for p in model.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.98))
        self.rng = np.random.default_rng((options.seed, self.progress.steps))
        self.generator = torch.Generator().manual_seed(options.seed + self.progress.steps)

    def step(self, batch: Batch) -> CodeLosses:
        """One step of the optimizer."""
        model, device = self.model, self.model.device
        x0 = model.normaliser(batch.codes.to(device))
        noise = torch.randn(x0.shape, generator=self.generator).to(device)
        t = self._time_steps(len(x0)).to(device)
        noisy = add_noise(x0, noise, t, self.abar)
        condition = batch.condition.to(device).dropped(model.no_style, self.options.drop, self.generator)
        with torch.autocast(device.type, torch.bfloat16):
            estimate = model(noisy, t, condition)
        weight = snr_weight(self.abar, t)
        losses: CodeLosses = self.loss(estimate.float(), x0, model.normaliser.std, model.normaliser.mean, weight)
        self.optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        self.optimizer.step()
        self.progress.steps += 1
        self.session_steps += 1
        self.ema.update(model, self.session_steps)  # a short session must not end with the weights that it began with
        return losses

    def _time_steps(self, count: int) -> torch.Tensor:
        """Time steps (count,) spread evenly over 0..999, one at random in each of ``count`` equal parts."""
        u = (torch.arange(count) + torch.rand(count, generator=self.generator)) / count
        return (u * TRAIN_STEPS).long().clamp(max=TRAIN_STEPS - 1)

    def rate(self) -> float:
        """Learning rate now: linear warm-up by steps, then a cosine over this session's minutes down to 3%."""
        done = min(self.progress.minutes_now / self.options.minutes, 1.0)
        cosine = 0.03 + 0.97 * (1 + math.cos(math.pi * done)) / 2
        return self.options.rate * cosine * min(1.0, (self.progress.steps + 1) / self.options.warmup)

    def run(self) -> None:
        """Trains for the session's minutes, saving and measuring on the way."""
        losses_log, motion_log = CsvLog(self.out / "loss.csv"), CsvLog(self.out / "motion.csv")
        saved = reported = 0.0
        sums: dict[str, float] = {}
        count = 0
        for _ in self.progress.session(self.options.minutes):
            frames = int(self.rng.choice(self.options.frames))
            losses = self.step(self.crops.batch(self.options.batch, frames, self.rng))
            for name, value in vars(losses).items():
                sums[name] = sums.get(name, 0.0) + value.item()
            count += 1
            if count == 20:
                row = {name: value / count for name, value in sums.items()}
                about = {"step": self.progress.steps, "minutes": self.progress.minutes, "rate": self.rate()}
                losses_log.write({**about, **row})
                log.info("step %d, %.1f min, loss %.4f", self.progress.steps, self.progress.minutes, row["total"])
                sums, count = {}, 0
            if self.progress.minutes_now - saved > self.options.save_every:
                saved = self.progress.minutes_now
                self.save()
            if self.progress.minutes_now - reported > self.options.report_every:
                reported = self.progress.minutes_now
                self.measure(motion_log)
        self.save()
        self.measure(motion_log)

    def save(self) -> None:
        """Writes the averaged weights, their configuration and the progress."""
        about = {
            "steps": self.progress.steps, "minutes": round(self.progress.minutes, 1), "dances": len(self.crops.dances),
            "commit": current_commit(), "options": asdict(self.options),
            "augmentation": asdict(self.crops.augmentation),
        }  # fmt: skip
        self.averaged.save(self.out, about)
        self.progress.save()

    def measure(self, motion_log: CsvLog) -> None:
        """Dances to held-out songs and writes how the result compares with the truth."""
        o = self.options
        dances = one_of_each_style(self.held_out, o.report_dances)
        if not dances:
            return
        for guidance in (1.0, 2.0):
            rows = report(self.averaged, dances, o.report_seconds, DanceOptions(guidance=guidance))
            for name, measures in rows.items():
                about = {"step": self.progress.steps, "minutes": self.progress.minutes, "guidance": guidance}
                motion_log.write({**about, "which": name, **asdict(measures)})
                log.info("guidance %g %s: %s", guidance, name, {k: round(v, 3) for k, v in asdict(measures).items()})


def current_commit() -> str:
    """The commit of the code that runs, or "unknown" outside a git checkout."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command-line arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pack of dances (.npz), or a folder of packs")
    parser.add_argument("--out", type=Path, required=True, help="run folder; an earlier run in it is resumed")
    parser.add_argument("--minutes", type=float, default=60.0, help="minutes of this session")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0 for all")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=TrainingOptions.batch)
    parser.add_argument("--rate", type=float, default=TrainingOptions.rate, help="peak learning rate")
    parser.add_argument("--width", type=int, default=FlowDiffusionConfig.width)
    parser.add_argument("--depth", type=int, default=FlowDiffusionConfig.depth)
    parser.add_argument("--heads", type=int, default=FlowDiffusionConfig.heads)
    parser.add_argument("--save-every", type=float, default=TrainingOptions.save_every, help="minutes")
    parser.add_argument("--report-every", type=float, default=TrainingOptions.report_every, help="minutes")
    parser.add_argument("--seed", type=int, default=TrainingOptions.seed)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    args = parse(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    dances = read_packs(args.data)
    if (args.out / WEIGHTS_FILE).exists():
        model = FlowDiffusion.load(args.out, args.device).train()
    else:
        sizes = FlowDiffusionConfig(
            STYLES, dances[0].music.shape[1], width=args.width, depth=args.depth, heads=args.heads, fps=CODE_FPS
        )
        model = build_flow_diffusion(sizes).to(args.device)
    options = TrainingOptions(
        args.minutes,
        args.batch,
        rate=args.rate,
        save_every=args.save_every,
        report_every=args.report_every,
        seed=args.seed,
    )
    trainer = Trainer(model, dances, args.out, options, Augmentation())
    log.info("%d dances to train on, %d held out", len(trainer.crops.dances), len(trainer.held_out))
    log.info("%.1f M parameters on %s", sum(p.numel() for p in model.parameters()) / 1e6, args.device)
    trainer.run()


if __name__ == "__main__":
    main()
