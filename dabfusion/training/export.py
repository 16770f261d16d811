"""Gathers trained runs into a checkpoint folder, or puts a newly trained body reader into one.

python -m dabfusion export --stage1 RUN --flow-diffusion RUN --out checkpoints/studio
python -m dabfusion export --reader RUN --base checkpoints/studio --out checkpoints/studio
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from dabfusion.checkpoint import open_checkpoint, save_checkpoint
from dabfusion.dance_model import Sizes
from dabfusion.errors import UserError
from dabfusion.flow_diffusion.model import CONFIG_FILE, WEIGHTS_FILE

_NOTICE = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217. "
    "Avatars: VALID (c-frame/valid-avatars-glb), MIT."
)


def _weights(run: Path) -> dict[str, Tensor]:
    path = run / "ema.safetensors"
    if not path.is_file():
        raise UserError(f"The run {run} has no averaged weights yet; train it first.")
    return load_file(path)


def _part(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def _history(run: Path) -> dict[str, object]:
    """Steps, minutes and the last held-out figures of a run."""
    progress = json.loads((run / "progress.json").read_text("utf-8"))
    rows = (
        list(csv.DictReader((run / "held_out.csv").open(encoding="utf-8"))) if (run / "held_out.csv").exists() else []
    )
    return {**progress, "held_out": {k: float(v) for k, v in rows[-1].items()} if rows else {}}


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    return done.stdout.strip() or "unknown"


def export(stage1: Path, flow_diffusion: Path, out: Path) -> None:
    """Writes averaged weights as float16 with a config that says how they came about.

    Args:
        stage1: run of ``train-jointly`` (the folder "joint" of ``train-autoencoder``).
        flow_diffusion: run of ``train-flow-diffusion``.
        out: checkpoint folder.

    Raises:
        UserError: a run has no weights yet.
    """
    weights = _weights(stage1)
    dance = json.loads((flow_diffusion / CONFIG_FILE).read_text("utf-8"))
    config = {
        "preset": "studio",
        "license": "AGPL-3.0-or-later",
        "notice": _NOTICE,
        "flow_autoencoder": asdict(Sizes()),
        "flow_diffusion": dance["model"],
        "training": {
            "data": "Studio: rendered avatars, captured salsa and authored dances on the beat grid; "
            "held-out identities and takes are not in it",
            "commit": _commit(), "flow_autoencoder": _history(stage1),
            "flow_diffusion": dance["training"],
        },
    }  # fmt: skip
    parts = {
        "body_reader": _part(weights, "reader."),
        "codec": _part(weights, "codec."),
        "generator": _part(weights, "generator."),
        "flow_diffusion": load_file(flow_diffusion / WEIGHTS_FILE),
    }
    save_checkpoint(out, config, parts)


def export_reader(reader: Path, base: Path, out: Path) -> None:
    """Writes the checkpoint of ``base`` with another body reader; its config says so.

    Args:
        reader: run of ``train-reader``.
        base: checkpoint folder whose other parts are kept.
        out: checkpoint folder to write, which may be ``base``.

    Raises:
        UserError: the run has no weights yet.
        CheckpointError: ``base`` is incomplete.
    """
    checkpoint = open_checkpoint(base)
    parts = {name: checkpoint.tensors(name) for name in checkpoint.parts}
    parts["body_reader"] = _weights(reader)
    training = {**checkpoint.config.get("training", {}), "body_reader": {**_history(reader), "commit": _commit()}}
    save_checkpoint(out, {**checkpoint.config, "training": training}, parts)


def main(argv: list[str] | None = None) -> int:
    """Command line of ``export``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage1", type=Path, help="run folder of train-jointly")
    parser.add_argument("--flow-diffusion", type=Path, help="run folder of train-flow-diffusion")
    parser.add_argument("--reader", type=Path, help="run folder of train-reader; needs --base")
    parser.add_argument("--base", type=Path, help="checkpoint folder whose other parts are kept")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    options = parser.parse_args(argv)
    if options.reader and options.base:
        export_reader(options.reader, options.base, options.out)
    elif options.stage1 and options.flow_diffusion:
        export(options.stage1, options.flow_diffusion, options.out)
    else:
        parser.error("give --stage1 and --flow-diffusion, or --reader and --base")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
