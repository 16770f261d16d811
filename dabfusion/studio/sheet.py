"""A contact sheet of a pack of pairs: what one looks at to see that flow, visibility and pictures belong together."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from dabfusion.flow_autoencoder.geometry import extend_flow, warp

_PLATE = 0.82  # grey behind the people
_STRONG = 0.6  # flow of this length (normalised units) has full colour
_HIDDEN = np.array([0.85, 0.2, 0.2], np.float32)


def flow_colours(flow: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Flow (h, w, 2) as colours (h, w, 3): the direction as hue, the length as saturation; white where nobody is."""
    angle = (np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi)) % 1.0
    length = np.clip(np.linalg.norm(flow, axis=-1) / _STRONG, 0, 1)
    hues = np.array([colorsys.hsv_to_rgb(h / 360, 1.0, 0.9) for h in range(360)], np.float32)
    colour = 0.95 + length[..., None] * (hues[(angle * 359).astype(int)] - 0.95)
    share = coverage[..., None]
    return share * colour + (1 - share)


def visibility_colours(visible: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Visibility (h, w) as colours (h, w, 3): light where the start frame shows the person, red where it does not."""
    shown = visible[..., None] * 0.95 + (1 - visible[..., None]) * _HIDDEN
    return coverage[..., None] * shown + (1 - coverage[..., None]) * 0.3


def sheet_rows(clip: dict[str, np.ndarray], drives: int) -> np.ndarray:
    """One clip as a block of rows, a driving frame a row: start, drive, warped start, flow, visibility.

    Args:
        clip: arrays of one clip of a pack, see ``studio.dataset.ARRAYS``.
        drives: how many of its driving frames.

    Returns:
        (256 * drives, 1280, 3) uint8.
    """
    start = torch.from_numpy(np.array(clip["start_rgba"])).permute(2, 0, 1)[None].float() / 255
    rows = []
    for k in range(drives):
        flow = np.asarray(clip["flow"][k], np.float32)
        visible, coverage = (np.asarray(clip[name][k], np.float32) / 255 for name in ("visible", "coverage"))
        whole = extend_flow(_tensor(flow), _tensor(coverage[..., None]))
        warped = warp(start, whole)[0].permute(1, 2, 0).numpy() * _enlarged(visible * coverage)[..., None]
        drive = np.asarray(clip["drive_rgba"][k], np.float32) / 255
        maps = [_enlarged(colour) for colour in (flow_colours(flow, coverage), visibility_colours(visible, coverage))]
        pictures = [_over_grey(v) for v in (start[0].permute(1, 2, 0).numpy(), drive, warped)]
        rows.append(np.concatenate([*pictures, *maps], 1))
    return (np.concatenate(rows, 0).clip(0, 1) * 255 + 0.5).astype(np.uint8)


def write_sheet(clips: list[dict[str, np.ndarray]], path: Path, drives: int = 2, columns: int = 2) -> None:
    """Writes the sheet of some clips as a picture, ``columns`` clips side by side."""
    blocks = [sheet_rows(clip, drives) for clip in clips]
    blocks += [np.full_like(blocks[0], 255)] * (-len(blocks) % columns)
    lines = [np.concatenate(blocks[i : i + columns], 1) for i in range(0, len(blocks), columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(lines, 0)).save(path)


def _tensor(maps: np.ndarray) -> Tensor:
    """(h, w, C) -> (1, C, h, w)."""
    return torch.from_numpy(maps).permute(2, 0, 1)[None]


def _enlarged(maps: np.ndarray) -> np.ndarray:
    """(64, 64) or (64, 64, C) at 256 x 256, bilinear."""
    flat = maps if maps.ndim == 3 else maps[..., None]
    big = (
        F.interpolate(_tensor(np.ascontiguousarray(flat)), (256, 256), mode="bilinear", align_corners=False)[0]
        .permute(1, 2, 0)
        .numpy()
    )
    return big if maps.ndim == 3 else big[..., 0]


def _over_grey(rgba: np.ndarray) -> np.ndarray:
    """Premultiplied (H, W, 4) over grey: (H, W, 3)."""
    return rgba[..., :3] + (1 - rgba[..., 3:]) * _PLATE
