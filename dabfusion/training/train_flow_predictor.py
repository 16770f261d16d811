"""Trains stage 1's flow predictor, without labels through a generator (DabFusion Eq. 2) or on Studio's exact flow.

    python -m dabfusion train-flow-predictor --pairs DIR --out RUN [--mode label-free|exact] [--held-out DIR] [--minutes
    M]
    python -m dabfusion train-flow-predictor --aist FOLDER --out RUN [--minutes M]

On Studio's pairs both report, on held-out pairs, the end-point error in pixels of a 256 x 256 frame beside that of
"nothing moves", and how often the occlusion map is right beside how often "everything is visible" would be. On AIST++
nobody knows the flow: there the drawn frames of the test songs' videos are compared with the videos.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.flow_predictor import PRESETS, FlowPredictorConfig, build_flow_predictor
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_autoencoder.regions import MOTIONS
from dabfusion.training.frame_pairs import FramePairs, exact_loss, label_free_step
from dabfusion.training.perceptual import PerceptualLoss
from dabfusion.training.predictor_run import EXACT, LABEL_FREE, MODES, claim_run
from dabfusion.training.predictor_sources import AistSource, FrameSource, PairSource
from dabfusion.training.stage1_run import Stage1Run, cosine_rate

_HELD_OUT_EVERY = 200


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes:
        mode: "label-free" (pictures only) or "exact" (Studio's flow).
        minutes: of this session.
        clips, drives: start frames a batch, driving frames a start frame.
        rate: peak learning rate.
        photometric: see :func:`label_free_step`.
        generator_channels: width of the generator that is trained along (label-free).
        seed: of weights and batches.
    """

    mode: str = "label-free"
    minutes: float = 60.0
    clips: int = 8
    drives: int = 2
    rate: float = 1e-3
    photometric: float = 0.5
    generator_channels: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UserError(f"The mode must be one of {', '.join(MODES)}; got {self.mode!r}.")


def train(
    pairs: Path,
    out: Path,
    config: FlowPredictorConfig,
    options: TrainingOptions,
    held_out: Path | None = None,
    vgg: Path | None = None,
) -> dict[str, float]:
    """:func:`train_on` a pack of Studio pairs; without ``held_out`` there are no held-out figures."""
    return train_on(PairSource(pairs, config, held_out), out, config, options, vgg)


def train_on(
    source: FrameSource,
    out: Path,
    config: FlowPredictorConfig,
    options: TrainingOptions,
    vgg: Path | None = None,
) -> dict[str, float]:
    """Trains for ``options.minutes``, resuming from ``out``; returns the last held-out figures (empty where the source
    has none). ``options.json`` tells how the run was trained last.

    Raises:
        UserError: ``out`` holds a run of another mode, other sizes or other data, or weights are missing.
    """
    torch.manual_seed(options.seed)
    claim_run(out, config, options.mode, source.data)
    told = json.dumps({**asdict(options), "perceptual": vgg is not None}, indent=1) + "\n"
    (out / "options.json").write_text(told, "utf-8")
    predictor, generator = build_flow_predictor(config), Generator(options.generator_channels, parts=0)
    model = nn.ModuleDict(
        {"predictor": predictor, "generator": generator} if options.mode == LABEL_FREE else {"predictor": predictor}
    )
    perceptual = PerceptualLoss(vgg) if vgg else None
    optimiser = torch.optim.AdamW(model.parameters(), options.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    run = Stage1Run(out, model, optimiser)
    rng = np.random.default_rng([options.seed, run.step])
    for done in run.progress.session(options.minutes):
        for group in optimiser.param_groups:
            group["lr"] = options.rate * cosine_rate(run.step, done)
        seen = source.batch(rng, options.clips, options.drives)
        with torch.autocast("cpu", torch.bfloat16):
            if options.mode == EXACT:
                assert isinstance(seen, FramePairs)
                loss, figures = exact_loss(predictor(seen.x_ref, seen.x_drive), seen)
            else:
                loss, figures = label_free_step(predictor, generator, seen, perceptual, options.photometric, rng)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        run.after_step({"loss": float(loss.detach()), **figures})
        if run.step % _HELD_OUT_EVERY == 0:
            source.refresh()
            _measure(source, run)
    run.save()
    return _measure(source, run)


def _measure(source: FrameSource, run: Stage1Run[nn.ModuleDict]) -> dict[str, float]:
    """Logs and returns the held-out figures of the averaged weights, where the source has any."""
    figures = source.measure(run.averaged)
    if figures:
        run.log_held_out(figures)
    return figures


def open_source(
    pairs: Path | None, aist: Path | None, held_out: Path | None, mode: str, config: FlowPredictorConfig
) -> FrameSource:
    """What the command line asks to learn from.

    Raises:
        UserError: not exactly one of ``pairs`` and ``aist``, or ``aist`` with what only Studio has.
    """
    if pairs is not None and aist is None:
        return PairSource(pairs, config, held_out)
    if aist is None or pairs is not None:
        raise UserError("Give either --pairs (Studio's pairs) or --aist (videos of the AIST database), and not both.")
    if mode == EXACT:
        raise UserError("The exact mode needs Studio's flow, which videos have not; give --pairs instead of --aist.")
    if held_out is not None:
        raise UserError("With --aist the videos of the test songs are held out; leave --held-out away.")
    return AistSource(aist, config)


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-flow-predictor``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = TrainingOptions()
    parser.add_argument("--pairs", type=Path, help="pack of Studio pairs")
    parser.add_argument("--aist", type=Path, help="in place of --pairs: videos and songs of the AIST database")
    parser.add_argument("--held-out", type=Path, help="pack of held-out pairs to measure on (with --pairs)")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumed where it exists")
    parser.add_argument(
        "--mode", choices=MODES, default=default.mode, help="what is learnt from (default: pictures only)"
    )
    parser.add_argument("--preset", choices=tuple(PRESETS), help="sizes (default: studio; with --aist: paper)")
    parser.add_argument(
        "--size", type=int, choices=(64, 128, 256), help="side of the frames, pixels (default: the preset's)"
    )
    parser.add_argument("--motion", choices=MOTIONS, help="how a region moves (default: the preset's)")
    parser.add_argument(
        "--whole-frame",
        action="store_true",
        help="RGB frames with background, as published, in place of the person's RGBA (always with --aist)",
    )
    parser.add_argument("--perceptual", type=Path, help="VGG-16 weights for the perceptual loss (label-free)")
    parser.add_argument(
        "--photometric",
        type=float,
        default=default.photometric,
        help="weight of comparing the warped frame itself; 0 as published",
    )
    parser.add_argument("--minutes", type=float, default=default.minutes)
    parser.add_argument("--clips", type=int, default=default.clips, help="start frames a batch")
    parser.add_argument("--drives", type=int, default=default.drives, help="driving frames a start frame")
    parser.add_argument("--rate", type=float, default=default.rate, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    o = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if o.threads:
        torch.set_num_threads(o.threads)
    config = PRESETS[o.preset or ("studio" if o.aist is None else "paper")]
    config = replace(
        config,
        size=o.size or config.size,
        motion=o.motion or config.motion,
        channels=3 if o.whole_frame or o.aist is not None else config.channels,
    )
    options = TrainingOptions(o.mode, o.minutes, o.clips, o.drives, o.rate, o.photometric, seed=o.seed)
    source = open_source(o.pairs, o.aist, o.held_out, options.mode, config)
    train_on(source, o.out, config, options, o.perceptual)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
