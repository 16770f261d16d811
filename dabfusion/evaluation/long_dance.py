"""``evaluate long``: does a dance of minutes hold? Identity, energy and beat advantage by the minute, and the seams.

The default song is made by Studio, so that its beats are known exactly and it lasts as long as is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from dabfusion.studio.grid import BEATS_PER_BAR, TEMPOS, plan_song
from dabfusion.studio.music import render_song

from .clip import Clip
from .clip_rows import cut_clip, cut_track
from .head_to_head import plot_speed
from .identity import Identity, identity_kept
from .instruments import Instruments
from .measure import person_readings
from .motion import joint_speed
from .plots import plot_over_time, plot_panels
from .pose import PoseTrack
from .report import Reading, Report, Row
from .seam_jump import track_seam_jump
from .sheet import Strip, draw_sheet, take_frames
from .studio_pictures import save_small

MINUTE = 60.0  #: s
STRETCH = 10.0  #: s behind each point of the plot that shows every measure over time
SAMPLE_RATE = 44100  #: Hz of the song that Studio makes
SHOWN = ("detected", "keypoint conf.", "motion energy", "acceleration", "2D-MM Align", "beat advantage", "MBCR")
_FIRST = 12.0  # s whose speed is plotted


@dataclass(frozen=True)
class Trend:
    """A straight line through a curve: change a minute, and its standard error."""

    slope: float
    error: float


def studio_song(path: Path, seconds: float, style: str = "house", seed: int = 900_000_000) -> np.ndarray:
    """Writes a song of that length, unless it is there, and returns its beats (B,) in seconds."""
    bars = int(np.ceil(seconds * max(TEMPOS[style]) / 60 / BEATS_PER_BAR)) + 4
    plan = plan_song(style, seed, beats=bars * BEATS_PER_BAR)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, render_song(plan, 0.0, seconds, SAMPLE_RATE).audio, SAMPLE_RATE)
    return plan.beat_times[plan.beat_times < seconds]


def trend(values: Sequence[float], step: float = 1.0) -> Trend:
    """The line through values that are ``step`` seconds apart; NaNs are left out. NaN for fewer than three."""
    y = np.asarray(values, float)
    x = np.arange(len(y)) * step / MINUTE
    known = np.isfinite(y)
    if known.sum() < 3:
        return Trend(float("nan"), float("nan"))
    x, y = x[known] - x[known].mean(), y[known]
    slope = float(x @ (y - y.mean()) / (x @ x))
    left = y - y.mean() - slope * x
    return Trend(slope, float(np.sqrt(left @ left / (len(y) - 2) / (x @ x))))


def measure_long(
    clip: Clip, photo: Path, seams: np.ndarray, tools: Instruments, out: Path, sheet: Path | None = None
) -> Report:  # fmt: skip
    """Measures a long dance as a whole and minute by minute.

    Args:
        clip: the video, thinned out if need be, with its beats.
        photo: whom it should show.
        seams: times (s) at which windows give way to one another.
        tools: the measuring networks.
        out: gets the plots.
        sheet: gets frames at equal times; None: none are drawn.

    Raises:
        MissingWeightsError: there is no pose model or no VGG-16.
    """
    track = tools.track(clip)
    identity = _identity(clip, photo, track, tools)
    kept = identity.per_second() if identity else []
    rows = [replace(row, name=f"minute {n + 1}") for n, row in enumerate(_stretches(MINUTE, clip, track, seams, kept))]
    whole = _row("whole", clip, track, seams, kept)
    energy = per_second(*joint_speed(track))
    curves = {"identity": kept, "motion energy": energy}
    trends = {"identity": trend(kept), "motion energy": trend(energy)}
    _plot(out, clip, curves, tools)
    _plot_all(out / "long_measures.png", _stretches(STRETCH, clip, track, seams, kept), clip.duration)
    if sheet is not None:
        save_small(draw_sheet([[Strip(f"{clip.duration:g} s at equal times", take_frames(clip.frames, 13))]]), sheet)
    settings = {"length": f"{clip.duration:g} s, measured at {clip.fps:g} frames a second", "seams": len(seams),
                "beats": clip.beat_source, "identity of": "1 frame a second, with the photo"}  # fmt: skip
    notes = [*_notes(trends), *([f"![frames]({sheet.name})"] if sheet is not None and sheet.parent == out else [])]
    return Report("A long dance", settings, [Row(whole.name, whole.readings, over_time=curves)], rows, notes)


def _stretches(
    seconds: float, clip: Clip, track: PoseTrack, seams: np.ndarray, kept: Sequence[float]
) -> list[Row]:  # fmt: skip
    """A row for each of the equal stretches, about ``seconds`` long, that a clip is cut into; ``kept`` is its identity
    in each second."""
    count = max(1, round(clip.duration / seconds))
    each = int(np.ceil(len(clip.frames) / count))
    rows = []
    for first in range(0, len(clip.frames), each):
        frames = min(each, len(clip.frames) - first)
        begin = first / clip.fps
        here = kept[round(begin) : round(begin + frames / clip.fps)]
        rows.append(_row(f"from {begin:g} s", cut_clip(clip, first, frames), cut_track(track, first, frames),
                         seams - begin, here))  # fmt: skip
    return rows


def _plot_all(path: Path, rows: Sequence[Row], duration: float) -> None:
    """Every measure of equal stretches of a dance, each at its middle."""
    values = {key: [row.readings[key].value for row in rows] for key in rows[0].readings}
    known = {key: [np.nan if v is None else v for v in found] for key, found in values.items()}
    plot_panels(path, [(k + 0.5) * duration / len(rows) for k in range(len(rows))], known)


def per_second(times: np.ndarray, values: np.ndarray) -> list[float]:
    """Means (S,) of values at ``times`` in each started second; NaN where there are none."""
    second = times.astype(int)
    parts = [values[second == s] for s in range(int(second.max(initial=-1)) + 1)]
    return [float(p.mean()) if len(p) else float("nan") for p in parts]


def _identity(clip: Clip, photo: Path, track: PoseTrack, tools: Instruments) -> Identity | None:
    known = tools.photo(photo)
    return identity_kept(clip.frames, track, known, tools.vgg, max(1, round(clip.fps))) if known else None


def _row(name: str, clip: Clip, track: PoseTrack, seams: np.ndarray, identity: Sequence[float]) -> Row:
    """One stretch; the seam jump is told beside that of as many moments halfway between seams."""
    person = person_readings(clip, track)
    readings = {key: person[key] for key in SHOWN}
    inside = seams[(seams > 0) & (seams < clip.duration)]
    between = (inside[1:] + inside[:-1]) / 2
    known = [v for v in identity if np.isfinite(v)]
    readings["identity"] = Reading(float(np.mean(known)) if known else None, "" if known else "a person in the photo")
    readings["seam jump"] = Reading(track_seam_jump(track, inside))
    readings["the same between seams"] = Reading(track_seam_jump(track, between))
    return Row(name, readings)


def _notes(trends: Mapping[str, Trend]) -> list[str]:
    told = ", ".join(f"{name} {line.slope:+.4f} (standard error {line.error:.4f})" for name, line in trends.items())
    return [
        f"Change a minute, by a straight line through the seconds: {told}.",
        "Seam jump: joint displacement at the middle of the overlaps of windows over the displacement elsewhere; 1 is "
        "seamless. Between seams, where nothing is joined, says how far from 1 chance takes it.",
        f"Every measure of each {STRETCH:g} s: ![every measure over time](long_measures.png)",
        "![identity](long_identity.png) ![motion energy](long_energy.png) ![speed against beats](long_speed.png)",
    ]


def _plot(out: Path, clip: Clip, curves: Mapping[str, list[float]], tools: Instruments) -> None:
    for measure, file in (("identity", "long_identity.png"), ("motion energy", "long_energy.png")):
        if curves[measure]:
            plot_over_time(out / file, measure, {"ours": curves[measure]})
    first = cut_clip(clip, 0, min(len(clip.frames), round(_FIRST * clip.fps)))
    plot_speed(out / "long_speed.png", f"first {_FIRST:g} s", first, tools)
