"""The preview comes early, grows, stays small, and shows the frames that were rendered."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dabfusion.web.preview import MOST, SIDE, Preview, PreviewReel, draw_preview


def frames(count: int) -> np.ndarray:
    """Grey frames that grow brighter, (count, 64, 64, 3)."""
    levels = np.linspace(0, 255, count).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, 64, 64, 3))


@pytest.mark.parametrize("count", [240, 3600])
def test_previews_come_early_and_few(count: int) -> None:
    seen: list[Preview] = []
    reel = PreviewReel(30, seen.append)
    for k in range(0, count, 8):
        reel(frames(count)[k : k + 8])
    assert seen[0].seconds <= 1.0 and seen[-1].seconds > 0.5 * count / 30
    assert len(seen) < 16 and all(len(p.moving) < 400_000 for p in seen)
    moving = Image.open(io.BytesIO(seen[-1].moving))
    assert moving.size == (SIDE, SIDE) and 4 <= moving.n_frames <= MOST
    first = float(np.asarray(moving.convert("L")).mean())
    moving.seek(moving.n_frames - 1)
    shown = float(np.asarray(moving.convert("L")).mean())
    assert first < 6 and shown == pytest.approx(255 * seen[-1].seconds * 30 / count, abs=20)


def test_a_short_dance_has_none() -> None:
    seen: list[Preview] = []
    PreviewReel(30, seen.append)(frames(12))
    assert seen == []


def test_it_stands_still_for_those_who_want_that() -> None:
    text = draw_preview(Preview(1.0, b"moving", b"still"))
    assert "prefers-reduced-motion" in text and 'alt="Rough preview of the dance"' in text and "0:01" in text
