"""Trains stage 1's flow predictor, without labels through a generator (DabFusion Eq. 2) or on Studio's exact flow.

    python -m dabfusion train-flow-predictor --pairs DIR --out RUN [--mode label-free|exact] [--held-out DIR] [--minutes
    M]

Both report, on held-out pairs, the end-point error in pixels of a 256 x 256 frame beside that of "nothing moves", and
how often the occlusion map is right beside how often "everything is visible" would be.
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
from dabfusion.flow_autoencoder.flow_predictor import PRESETS, FlowPredictor, FlowPredictorConfig, build_flow_predictor
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_autoencoder.regions import MOTIONS
from dabfusion.training.frame_pairs import PIXELS, exact_loss, frame_pairs, label_free_step
from dabfusion.training.pairs import PairPack
from dabfusion.training.perceptual import PerceptualLoss
from dabfusion.training.predictor_run import MODES, claim_run
from dabfusion.training.stage1_run import Stage1Run, cosine_rate

_HELD_OUT_EVERY = 200


@torch.no_grad()
def evaluate(
    predictor: FlowPredictor, pack: PairPack, config: FlowPredictorConfig, clips: int = 24
) -> dict[str, float]:
    """Against Studio's truth on the first clips of a pack, person cells only.

    Returns:
        ``epe_px`` and ``still_epe_px`` (nothing moves), over what the reference shows, in pixels of a 256 frame;
        ``occlusion_accuracy`` (threshold 0.5) and ``visible_share``, what calling everything visible would reach.
    """
    rng, sums = (
        np.random.default_rng(0),
        {"error": 0.0, "still": 0.0, "right": 0.0, "visible": 0.0, "shown": 0.0, "person": 0.0},
    )
    for first in range(0, min(clips, len(pack)), 4):
        chosen = [pack.clip(i, np.arange(8)) for i in range(first, min(first + 4, len(pack)))]
        pairs = frame_pairs(pack.collate(chosen, rng, False), config, rng)
        maps = predictor(pairs.x_ref, pairs.x_drive)
        person = pairs.coverage * (pairs.coverage > 0.4)
        shown = person * pairs.visible
        visible = pairs.visible > 0.5
        sums["error"] += float(((maps.flow - pairs.flow).norm(dim=1, keepdim=True) * shown).sum())
        sums["still"] += float((pairs.flow.norm(dim=1, keepdim=True) * shown).sum())
        sums["right"] += float((((maps.occlusion > 0.5) == visible) * person).sum())
        sums["visible"] += float((visible * person).sum())
        sums["shown"] += float(shown.sum())
        sums["person"] += float(person.sum())
    return {
        "epe_px": sums["error"] / sums["shown"] * PIXELS, "still_epe_px": sums["still"] / sums["shown"] * PIXELS,
        "occlusion_accuracy": sums["right"] / sums["person"], "visible_share": sums["visible"] / sums["person"],
    }  # fmt: skip


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
    """Trains for ``options.minutes``, resuming from ``out``; returns the last held-out figures (empty without
    ``held_out``). ``options.json`` tells how the run was trained last.

    Raises:
        UserError: ``out`` holds a run of another mode or other sizes, or the packs or weights are missing.
    """
    torch.manual_seed(options.seed)
    pack, watched = PairPack(pairs), PairPack(held_out) if held_out else None
    claim_run(out, config, options.mode)
    told = json.dumps({**asdict(options), "perceptual": vgg is not None}, indent=1) + "\n"
    (out / "options.json").write_text(told, "utf-8")
    predictor, generator = build_flow_predictor(config), Generator(options.generator_channels, parts=0)
    model = nn.ModuleDict(
        {"predictor": predictor, "generator": generator} if options.mode == "label-free" else {"predictor": predictor}
    )
    perceptual = PerceptualLoss(vgg) if vgg else None
    optimiser = torch.optim.AdamW(model.parameters(), options.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    run = Stage1Run(out, model, optimiser)
    rng = np.random.default_rng([options.seed, run.step])
    for done in run.progress.session(options.minutes):
        for group in optimiser.param_groups:
            group["lr"] = options.rate * cosine_rate(run.step, done)
        seen = frame_pairs(pack.batch(rng, options.clips, options.drives), config, rng)
        with torch.autocast("cpu", torch.bfloat16):
            if options.mode == "exact":
                loss, figures = exact_loss(predictor(seen.x_ref, seen.x_drive), seen)
            else:
                loss, figures = label_free_step(predictor, generator, seen, perceptual, options.photometric, rng)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        run.after_step({"loss": float(loss.detach()), **figures})
        if run.step % _HELD_OUT_EVERY == 0:
            pack.refresh()
            if watched is not None:
                run.log_held_out(evaluate(_averaged(run), watched, config))
    run.save()
    if watched is None:
        return {}
    figures = evaluate(_averaged(run), watched, config)
    run.log_held_out(figures)
    return figures


def _averaged(run: Stage1Run) -> FlowPredictor:
    model = run.ema.average
    assert isinstance(model, nn.ModuleDict)
    predictor = model["predictor"]
    assert isinstance(predictor, FlowPredictor)
    return predictor


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-flow-predictor``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = TrainingOptions()
    parser.add_argument("--pairs", type=Path, required=True, help="pack of Studio pairs")
    parser.add_argument("--held-out", type=Path, help="pack of held-out pairs to measure on")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumed where it exists")
    parser.add_argument(
        "--mode", choices=MODES, default=default.mode, help="what is learnt from (default: pictures only)"
    )
    parser.add_argument("--preset", choices=tuple(PRESETS), default="studio", help="sizes")
    parser.add_argument(
        "--size", type=int, choices=(64, 128, 256), help="side of the frames, pixels (default: the preset's)"
    )
    parser.add_argument("--motion", choices=MOTIONS, help="how a region moves (default: the preset's)")
    parser.add_argument(
        "--whole-frame",
        action="store_true",
        help="RGB frames with background, as published, in place of the person's RGBA",
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
    config = PRESETS[o.preset]
    config = replace(
        config,
        size=o.size or config.size,
        motion=o.motion or config.motion,
        channels=3 if o.whole_frame else config.channels,
    )
    options = TrainingOptions(o.mode, o.minutes, o.clips, o.drives, o.rate, o.photometric, seed=o.seed)
    train(o.pairs, o.out, config, options, o.held_out, o.perceptual)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
