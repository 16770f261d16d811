"""Trains the whole of stage 1 in one go: body reader and flow codec first, then encoder and decoder under their flow,
then all of it end to end.

    python -m dabfusion train-autoencoder --pairs pairs --held-out pairs-test --out runs/stage1 --minutes 120

The parts can be trained apart, at the same time if there are cores for it: ``train-codec``, ``train-generator`` and
``train-jointly`` (same run folders: OUT/codec, OUT/generator, OUT/joint). The label-free flow predictor of the paper is
``train-flow-predictor``.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from dabfusion.training import train_codec, train_generator, train_jointly

_CODEC_SHARE, _GENERATOR_SHARE = 0.3, 0.3  # of the minutes; the rest is for both together
_CRITIC_SHARE, _CRITIC_WEIGHT = 0.35, 0.03  # of the joint minutes, and of the adversarial loss in them


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-autoencoder``; a run that is there is resumed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--pairs", type=Path, required=True, help="pack of Studio pairs (python -m dabfusion studio pairs)"
    )
    parser.add_argument("--held-out", type=Path, help="pack of held-out pairs to watch")
    parser.add_argument("--perceptual", type=Path, help="VGG-16 weights for the perceptual loss")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumed where it exists")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--clips", type=int, default=6, help="start frames a batch")
    parser.add_argument("--drives", type=int, default=3, help="driving frames a start frame")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    o = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if o.threads:
        torch.set_num_threads(o.threads)
    codec, generator = o.out / "codec", o.out / "generator"
    train_codec.train(o.pairs, codec, o.held_out, o.minutes * _CODEC_SHARE, o.clips, o.drives)
    train_generator.train(
        o.pairs, generator, o.held_out, codec, o.perceptual, o.minutes * _GENERATOR_SHARE, o.clips, o.drives,
        rate=1e-3, share=0.65,
    )  # fmt: skip
    left = o.minutes * (1 - _CODEC_SHARE - _GENERATOR_SHARE)
    for share, critic in ((1 - _CRITIC_SHARE, 0.0), (_CRITIC_SHARE, _CRITIC_WEIGHT)):
        options = train_jointly.JointOptions(left * share, o.clips, o.drives, critic=critic)
        train_jointly.train(o.pairs, o.out / "joint", o.held_out, options, o.perceptual, (codec, generator))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
