"""A run folder of ``train-flow-predictor``: whose it is, and what it has learnt."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.flow_predictor import FlowPredictor, FlowPredictorConfig, build_flow_predictor
from dabfusion.flow_autoencoder.generator import Generator

LABEL_FREE, EXACT = MODES = ("label-free", "exact")
#: What a run learns from: packs of Studio pairs, or the videos of the AIST Dance Video Database.
STUDIO, AIST = "pairs", "aist"


def claim_run(folder: Path, config: FlowPredictorConfig, mode: str, data: str = STUDIO) -> None:
    """Writes ``config.json`` to a new run folder; ``data`` is told where it is not :data:`STUDIO`.

    Raises:
        UserError: the folder is a run of another mode, other sizes or other data.
    """
    told = {"mode": mode} | ({"data": data} if data != STUDIO else {}) | {"flow_predictor": asdict(config)}
    text = json.dumps(told, indent=1) + "\n"
    path = folder / "config.json"
    if path.exists() and path.read_text("utf-8") != text:
        raise UserError(f"{folder.name} holds a run of another mode, other sizes or other data; choose another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def read_run_config(folder: Path) -> tuple[str, FlowPredictorConfig]:
    """Mode and sizes of a run.

    Raises:
        UserError: the folder is no run, or has no weights yet.
    """
    if not (folder / "ema.safetensors").is_file():
        raise UserError(f"{folder.name} is no run of train-flow-predictor: it has no ema.safetensors.")
    try:
        saved = json.loads((folder / "config.json").read_text("utf-8"))
        sizes: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved["flow_predictor"].items()}
        return saved["mode"], FlowPredictorConfig(**sizes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder.name} is no run of train-flow-predictor: its config.json tells no sizes.") from error


def load_predictor_run(folder: Path) -> tuple[FlowPredictor, Generator]:
    """The flow predictor of a label-free run and the generator trained along with it: averaged weights, frozen.

    The generator takes RGBA (B, 4, H, W): whole frames of a predictor with 3 channels get an alpha of 1.

    Raises:
        UserError: the folder is no run, or its mode is not label-free (such a run has no generator), or its weights
            do not fit.
    """
    mode, config = read_run_config(folder)
    if mode != LABEL_FREE:
        raise UserError(f"{folder.name} was trained in {mode} mode and has no generator; give a label-free run.")
    predictor = build_flow_predictor(config)
    try:
        weights = load_file(folder / "ema.safetensors")
        generator = Generator(len(weights["generator.enter.bias"]), parts=0)
        for name, module in (("predictor", predictor), ("generator", generator)):
            module.load_state_dict(_under(weights, name))
            module.eval().requires_grad_(False)
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise UserError(f"The weights of {folder.name} do not fit its config.json; train it anew.") from error
    return predictor, generator


def _under(weights: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The weights of one part, under its own keys."""
    return {k.removeprefix(f"{name}."): v for k, v in weights.items() if k.startswith(f"{name}.")}
