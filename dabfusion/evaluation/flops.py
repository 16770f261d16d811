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
from torch.utils.flop_counter import FlopCounterMode

from dabfusion.checkpoint import open_checkpoint
from dabfusion.config import GenerationOptions
from dabfusion.dance_model import load_dance_model
from dabfusion.flow_diffusion.model import FlowDiffusionConfig
from preprocess.photo import read_photo
from preprocess.preprocessor import Preprocessor

_FEW, _MORE = 8, 16  # frames of the two counts from which a frame's share follows


def count(run: Callable[[], object]) -> float:
    """GFLOP of everything that ``run`` does."""
    cpu_attention: Any = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    with FlopCounterMode(display=False, custom_mapping={cpu_attention: attention_flops}) as counter:
        run()
    return counter.get_total_flops() / 1e9


def attention_flops(
    query: torch.Size, key: torch.Size, value: torch.Size, *others: object, out_shape: object = None, **named: object
) -> int:  # fmt: skip
    """Two products of (B, heads, T, size): scores, and the weighted sum of values."""
    *batch, rows, size = query
    columns = key[-2]
    return 2 * math.prod(batch) * rows * columns * (size + value[-1])


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
