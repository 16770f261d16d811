"""Floating-point operations of each stage, counted as the operators run; a multiplication with its addition counts two.

Only matrix products, convolutions and attention are counted, which is nearly all there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from dabfusion.checkpoint import open_checkpoint
from dabfusion.config import GenerationOptions
from dabfusion.dance_model import load_dance_model
from dabfusion.flow_diffusion.model import FlowDiffusionConfig
from preprocess.photo import read_photo
from preprocess.preprocessor import Preprocessor

_FEW, _MORE = 8, 16  # frames of the two counts from which a frame's share follows


class OperationCounter(TorchDispatchMode):
    """Adds up the operations of everything that runs inside; ``total`` so far.

    torch's own FlopCounterMode also follows modules through hooks that refuse inference mode, in which ours run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self._formulas: dict[Any, Any] = {**flop_registry, torch.ops.aten._scaled_dot_product_flash_attention_for_cpu:
                                          _cpu_attention}  # fmt: skip

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs one operator, or the operators that it is made of, and counts it."""
        named = kwargs or {}
        formula = self._formulas.get(func._overloadpacket)
        if formula is None:
            with self:
                parts = func.decompose(*args, **named)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **named)
        if formula is not None:
            self.total += int(formula(*args, **named, out_val=out))
        return out


def count(run: Callable[[], object]) -> float:
    """GFLOP of everything that ``run`` does."""
    with OperationCounter() as counter:
        run()
    return counter.total / 1e9


def attention_flops(query: torch.Size, key: torch.Size, value: torch.Size) -> int:
    """Two products of (B, heads, T, size): scores, and the weighted sum of values."""
    *batch, rows, size = query
    return 2 * math.prod(batch) * rows * key[-2] * (size + value[-1])


def _cpu_attention(
    query: Tensor, key: Tensor, value: Tensor, dropout_p: float = 0.0, is_causal: bool = False, *,
    attn_mask: Tensor | None = None, scale: float | None = None, out_val: object = None,
) -> int:  # fmt: skip
    """What torch's table of formulas lacks: attention as CPUs do it, with that operator's arguments."""
    return attention_flops(query.shape, key.shape, value.shape)


def stage_flops(photo: Path, checkpoint: Path) -> dict[str, float]:
    """GFLOP of each stage of one video.

    Raises:
        CheckpointError, PhotoError: the checkpoint or the photo cannot be used.
    """
    opened = open_checkpoint(checkpoint)
    model = load_dance_model(opened, torch.device("cpu"))
    config = FlowDiffusionConfig.from_dict(opened.config["flow_diffusion"])
    photos, read = Preprocessor.from_checkpoints(), read_photo(photo)
    start = photos.start_frame(read)
    body = model.read_body(start)
    music = np.zeros((config.window, config.music_size), np.float32)
    codes = np.repeat(body.code[None], _MORE, 0)

    def dance() -> object:
        return model.sample_codes(body, music, GenerationOptions(steps=1), lambda *_: None, lambda: False)

    def draw(frames: int) -> float:
        return count(lambda: list(model.frames(start, body, codes[:frames])))

    few, more = draw(_FEW), draw(_MORE)
    each = (more - few) / (_MORE - _FEW)
    fresh = Preprocessor.from_checkpoints()
    return {
        "photo: detect and cut out": count(lambda: fresh.start_frame(read)),
        "body: read the start frame": count(lambda: model.read_body(start)),
        f"dance: one step of a window of {config.window} codes, guided": count(dance),
        "render: once a video": few - _FEW * each,
        "render: one frame": each,
    }
