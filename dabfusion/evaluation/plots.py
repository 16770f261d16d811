"""Pictures of the figures: motion speed against beats, a measure over time, bars per style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path)
    return path


def plot_speed_against_beats(
    path: Path, title: str, times: np.ndarray, speed: np.ndarray, music_beats: np.ndarray, motion_beats: np.ndarray
) -> Path:
    """Mean joint speed (torso lengths per second) over time (s), music beats as lines, kinematic beats as dots."""
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    axes = figure.add_subplot(xlabel="seconds", ylabel="torso lengths / s", title=title)
    axes.plot(times, speed, color="tab:blue", label="joint speed")
    for number, beat in enumerate(music_beats):
        axes.axvline(beat, color="tab:orange", alpha=0.6, label="music beat" if number == 0 else None)
    if len(motion_beats):
        axes.plot(motion_beats, np.interp(motion_beats, times, speed), "o", color="tab:green", label="kinematic beat")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right", fontsize=8)
    return _save(figure, path)


def plot_over_time(path: Path, measure: str, curves: Mapping[str, Sequence[float]]) -> Path:
    """A measure's value in each second, one line a video."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel="seconds", ylabel=measure, title=f"{measure} over time")
    for name, values in curves.items():
        axes.plot(np.arange(len(values)) + 0.5, np.asarray(values, float), marker=".", label=name)
    axes.legend(fontsize=7)
    return _save(figure, path)


def plot_bars(path: Path, measure: str, values: Mapping[str, float]) -> Path:
    """One bar a style (or any other group)."""
    figure = Figure(figsize=(max(4.0, 0.9 * len(values)), 3.2), layout="constrained")
    axes = figure.add_subplot(ylabel=measure, title=measure)
    axes.bar(list(values), list(values.values()), color="tab:blue")
    axes.tick_params(axis="x", rotation=45)
    return _save(figure, path)


def plot_lines(
    path: Path, measure: str, across: str, places: Sequence[float], lines: Mapping[str, Sequence[float]]
) -> Path:  # fmt: skip
    """A measure at given places of something else (lengths, steps), one line a name."""
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel=across, ylabel=measure, title=measure)
    for name, values in lines.items():
        axes.plot(list(places), np.asarray(values, float), marker="o", label=name)
    axes.set_xticks(list(places))
    if len(lines) > 1:
        axes.legend(fontsize=8)
    return _save(figure, path)


def plot_panels(path: Path, places: Sequence[float], curves: Mapping[str, Sequence[float]]) -> Path:
    """Every measure over time (s) in a panel of its own, two panels a row; NaN leaves a gap."""
    rows = -(-len(curves) // 2)
    figure = Figure(figsize=(9, 1.7 * rows + 0.4), layout="constrained")
    for number, (measure, values) in enumerate(curves.items()):
        axes = figure.add_subplot(rows, 2, number + 1)
        axes.set_title(measure, fontsize=9)
        axes.plot(list(places), np.asarray(values, float), marker=".")
        axes.margins(y=0.15)
        if number >= len(curves) - 2:
            axes.set_xlabel("seconds")
    return _save(figure, path)
