"""Charts and cards of the page as HTML and SVG: sharp at any size, right in light and dark, readable aloud.

Everything that is put into the markup here is a number or a text of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

_WIDTH, _WAVE_HEIGHT, _SPEED_HEIGHT = 640, 104, 160
_BARS = 160


@dataclass(frozen=True)
class SongPicture:
    """What is needed to draw a song: how loud it is over time, and its beats."""

    loudness: np.ndarray  #: (N,) in [0, 1], evenly spaced over the song
    beats: np.ndarray  #: seconds
    tempo: float
    duration: float
    sounds_like: str = ""  #: a sentence about the style, if there is one to say


def loudness_bars(level: np.ndarray, bars: int = _BARS) -> np.ndarray:
    """A loudness curve (T,) as at most ``bars`` peaks in [0, 1]."""
    if level.size == 0:
        return np.zeros(1)
    edges = np.linspace(0, level.size, min(bars, level.size) + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(np.maximum(level, 0), edges)
    return peaks / max(float(peaks.max()), 1e-6)


def clock(seconds: float) -> str:
    """Seconds as m:ss."""
    whole = max(0, int(seconds + 0.5))
    return f"{whole // 60}:{whole % 60:02d}"


def draw_song(song: SongPicture, start: float, length: float) -> str:
    """The song as loudness bars with its beats and the chosen section."""
    scale, middle = _WIDTH / max(song.duration, 1e-6), _WAVE_HEIGHT / 2
    end = min(start + length, song.duration)
    step = _WIDTH / len(song.loudness)
    parts = [f'<rect class="section" x="{start * scale:.1f}" y="0" width="{(end - start) * scale:.1f}" '
             f'height="{_WAVE_HEIGHT}" rx="6"/>']  # fmt: skip
    for k, level in enumerate(song.loudness):
        height = 4 + level * (_WAVE_HEIGHT - 30)
        inside = " in" if start <= (k + 0.5) * step / scale <= end else ""
        parts.append(f'<rect class="wave{inside}" x="{k * step:.1f}" y="{middle - height / 2:.1f}" '
                     f'width="{step * 0.7:.1f}" height="{height:.1f}" rx="1"/>')  # fmt: skip
    for beat in song.beats:
        x, inside = beat * scale, " in" if start <= beat <= end else ""
        parts.append(f'<path class="beat{inside}" d="M{x:.1f} {_WAVE_HEIGHT - 10}v10M{x:.1f} 0v10"/>')
    count = int(np.sum((song.beats >= start) & (song.beats < end)))
    tempo = f"{song.tempo:.0f} beats a minute" if song.tempo > 0 else "no clear beat"
    caption = (f"{song.sounds_like} {clock(song.duration)} long, {tempo}. The dance uses {clock(start)} to "
               f"{clock(end)}, {count} beats.")  # fmt: skip
    return _figure("".join(parts), _WAVE_HEIGHT, "Loudness and beats of the song", caption.strip())


def draw_beat_report(report: dict[str, object], times: np.ndarray, speed: np.ndarray, duration: float) -> str:
    """How fast the body moves, against the music's beats; dots are the moments at which it stops or turns round.

    Args:
        report: from :meth:`BeatReport.as_dict`.
        times: (N,) seconds.
        speed: (N,) mean joint speed, torso lengths per second.
        duration: of the dance, seconds.
    """
    beats, stops = _numbers(report["beats"]), _numbers(report["motion_beats"])
    scale, top, floor = _WIDTH / max(duration, 1e-6), 8, _SPEED_HEIGHT - 28
    peak = max(float(speed.max()) if speed.size else 0.0, 1e-6)

    def height(value: float) -> float:
        return floor - (floor - top) * value / peak

    parts = [f'<path class="beat in" d="M{b * scale:.1f} {top}V{floor}"/>' for b in beats]
    parts.append(f'<path class="base" d="M0 {floor}H{_WIDTH}"/>')
    if speed.size:
        line = "L".join(f"{t * scale:.1f} {height(v):.1f}" for t, v in zip(times, speed, strict=True))
        parts.append(f'<path class="speed" d="M{line}"/>')
        for stop in stops:
            y = height(float(np.interp(stop, times, speed)))
            parts.append(f'<circle class="stop" cx="{stop * scale:.1f}" cy="{y:.1f}" r="4"/>')
    for second in range(0, int(duration) + 1, max(1, int(duration // 8))):
        parts.append(f'<text x="{min(second * scale + 2, _WIDTH - 40):.1f}" y="{_SPEED_HEIGHT - 6}">{second} s</text>')
    caption = ("The curve shows how fast the body moves, upright lines are the beats of the music "
               f"({report['tempo']:.0f} a minute), and dots are moments at which the body stops or turns. "
               f"{report['beats_hit']} of {len(beats)} beats have a dot within a tenth of a second.")  # fmt: skip
    return _figure("".join(parts), _SPEED_HEIGHT, "Movement against the beats of the music", caption)


def _numbers(value: object) -> list[float]:
    return [float(v) for v in value] if isinstance(value, list | tuple) else []


def _figure(drawing: str, height: int, title: str, caption: str) -> str:
    return (f'<figure class="chart"><svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
            f"{drawing}</svg><figcaption>{escape(caption)}</figcaption></figure>")  # fmt: skip


def draw_hints(hints: tuple[str, ...], praise: str, more: str = "") -> str:
    """Hints as a list; ``praise`` when there is nothing to say.

    Args:
        hints: sentences.
        praise: a sentence.
        more: markup of our own that stands, closed, below the hints where there are any.
    """
    items = "".join(f"<li>{escape(hint)}</li>" for hint in hints) or f'<li class="good">{escape(praise)}</li>'
    below = f"<details><summary>Which photos work?</summary>{more}</details>" if hints and more else ""
    return f'<div class="hints" role="status"><ul>{items}</ul></div>{below}'


def wait_text(seconds: float) -> str:
    """A waiting time as somebody would say it."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    return f"about {round(seconds / 60)} min left"


def draw_progress(stages: tuple[str, ...], now: int, share: float, steps: str, left: str) -> str:
    """Stages with the current one marked, a bar of the whole time, and what is left of it.

    Args:
        stages: their names, in order.
        now: index of the current stage; -1 while waiting for the worker.
        share: of the whole time, 0 to 1.
        steps: how far the current stage is, or what is waited for.
        left: the time left; empty while it cannot be told.
    """
    marks = ["past" if k < now else "now" if k == now else "" for k in range(len(stages))]
    items = "".join(
        f'<li class="{mark}"{" aria-current=step" if mark == "now" else ""}>{escape(name)}</li>'
        for mark, name in zip(marks, stages, strict=True)
    )
    percent = 100 * min(max(share, 0.0), 1.0)
    return (f'<div class="progress-card"><ol>{items}</ol><div class="bar" role="progressbar" aria-label="Progress" '
            f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent:.0f}"><i style="width:{percent:.1f}%"></i>'
            f'</div><p class="bar-text"><span>{escape(steps)}</span><span>{escape(left)}</span></p></div>')  # fmt: skip


def draw_message(text: str, bad: bool = False, idle: bool = False) -> str:
    """A sentence in the place where progress is shown."""
    look = " bad" if bad else " idle" if idle else ""
    return f'<div class="progress-card{look}" role="{"alert" if bad else "status"}">{escape(text)}</div>'
