"""The pictures of the held-out report: contact sheet, bars per style, identity over time, speed against beats."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from .clip import read_clip
from .folders import BEATS_FILE
from .instruments import Instruments
from .kinematic_beats import kinematic_beats, smoothed_speed
from .plots import plot_over_time, plot_speed_against_beats
from .report import Row
from .sheet import Strip, draw_sheet, take_frames
from .studio_truth import OURS, TRUTH, TruthClip
from .weights import MissingWeightsError

LARGEST = 480_000  #: bytes of a picture
BARS = ("motion energy", "2D-MM Align", "beat advantage", "identity")


def draw_pictures(
    out: Path, truth: Sequence[TruthClip], work: Path, real: Sequence[Row], made: Sequence[Row], tools: Instruments
) -> None:
    """Writes all of them into ``out``; those whose measure is missing are left out."""
    out.mkdir(parents=True, exist_ok=True)
    strips = []
    for clip in truth:
        frames = [read_clip(clip.video(work, m), beat_times=np.zeros(0)).frames for m in (TRUTH, OURS)]
        titles = (f"{clip.style}, {clip.person}: ground truth", "ours, same first frame and song")
        strips.append([Strip(t, take_frames(f)) for t, f in zip(titles, frames, strict=True)])
    save_small(draw_sheet(strips), out / "studio_sheet.png")
    plot_styles(out / "studio_styles.png", [clip.style for clip in truth], real, made)
    curves = {name: mean_curve(rows) for name, rows in (("ground truth", real), ("ours", made))}
    if all(curves.values()):
        plot_over_time(out / "studio_identity.png", "identity", curves)
    for name, maker, rows in (("truth", TRUTH, real), ("ours", OURS, made)):
        _plot_speed(out / f"studio_speed_{name}.png", truth[0], work, maker, rows[0], tools)


def _plot_speed(path: Path, clip: TruthClip, work: Path, maker: str, row: Row, tools: Instruments) -> None:
    beats = read_beats(work, maker, clip.name)
    video = read_clip(clip.video(work, maker), beat_times=beats)
    try:
        track = tools.track(video)
    except MissingWeightsError:
        return
    advantage = row.readings["beat advantage"].text
    title = f"{clip.name}, {'ground truth' if maker == TRUTH else 'ours'}: beat advantage {advantage}"
    plot_speed_against_beats(path, title, *smoothed_speed(track), video.beat_times, kinematic_beats(track))


def read_beats(work: Path, maker: str, name: str) -> np.ndarray:
    """True beats (B,) of one clip."""
    return np.asarray(json.loads((work / maker / BEATS_FILE).read_text(encoding="utf-8"))[name], float)


def mean_curve(rows: Sequence[Row]) -> list[float]:
    """The mean of the videos' identity in each second, empty where none has it."""
    kept = [row.over_time["identity"] for row in rows if row.over_time.get("identity")]
    if not kept:
        return []
    longest = max(len(curve) for curve in kept)
    padded = np.array([[*curve, *[np.nan] * (longest - len(curve))] for curve in kept])
    counted = np.isfinite(padded).sum(0)
    return [float(v) for v in np.where(counted > 0, np.nansum(padded, 0) / np.maximum(counted, 1), np.nan)]


def plot_styles(path: Path, styles: Sequence[str], real: Sequence[Row], made: Sequence[Row]) -> Path | None:
    """Bars of both sides for every style, one panel a measure; None where nothing was measured."""
    names = list(dict.fromkeys(styles))
    panels = [m for m in BARS if any(row.readings[m].value is not None for row in (*real, *made) if m in row.readings)]
    if not panels:
        return None
    figure = Figure(figsize=(max(5.0, 0.8 * len(names)), 2.2 * len(panels)), layout="constrained")
    places = np.arange(len(names))
    for number, measure in enumerate(panels):
        axes = figure.add_subplot(len(panels), 1, number + 1, ylabel=measure)
        for shift, label, rows in ((-0.2, "ground truth", real), (0.2, "ours", made)):
            axes.bar(places + shift, [_style_mean(n, styles, rows, measure) for n in names], 0.4, label=label)
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_xticks(places, names if number == len(panels) - 1 else [""] * len(names), rotation=45, ha="right")
        if number == 0:
            axes.legend(fontsize=8)
    FigureCanvasAgg(figure).print_png(path)
    return path


def _style_mean(style: str, styles: Sequence[str], rows: Sequence[Row], measure: str) -> float:
    found = [row.readings[measure].value for s, row in zip(styles, rows, strict=True)
             if s == style and measure in row.readings]  # fmt: skip
    known = [v for v in found if v is not None]
    return float(np.mean(known)) if known else 0.0


def save_small(picture: Image.Image, path: Path, largest: int = LARGEST) -> Path:
    """Writes a PNG of at most ``largest`` bytes: fewer colours first, then fewer pixels."""
    small = picture
    while True:
        small.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= largest or min(small.size) < 64:
            return path
        factor = 0.95 * min(1.0, (largest / path.stat().st_size) ** 0.5)
        small = picture.resize((max(1, round(small.width * factor)), max(1, round(small.height * factor))),
                               Image.Resampling.LANCZOS)  # fmt: skip
