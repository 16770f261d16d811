"""The report of :mod:`.music_control`: does the dancer obey the music?

    python -m dabfusion.evaluation.control_report --checkpoint checkpoints/studio --out docs/reports/control

A few minutes on one core; ``--songs`` names a folder of heard songs, else they are made first.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dabfusion.config import DEFAULT_CHECKPOINT
from dabfusion.training.motion_report import MotionMeasures

from .heard_dances import FIRST_SONG, GENRES, Dancer, Progress, held_out_songs, load_dance_model, quiet
from .music_control import (
    BEAT_SMOOTHING,
    SECONDS,
    SLOW_TEMPO,
    Steps,
    TempoCheck,
    breaks_of,
    check_beats,
    check_break,
    check_songs,
    check_tempo,
)
from .report import Reading, Row, table

_MOST_PAIRS = 10  # of checks that dance several times
_SONGS_FOR_BREAKS = 40

_ABOUT = {
    "On the beat": "Songs that training never heard, each in its own style, measured against the true beats.",
    "Tempo": "Steps are motion beats, the minima of the body's speed. As seen: with the fixed smoothing of the video's "
    "report, which at a slow tempo also sees what happens between the steps; so even ground truth, whose moves are the "
    "same at every tempo, is seen to make fewer than twice the steps. Counted in beats: with a smoothing of "
    f"{BEAT_SMOOTHING:g} of a beat; unmoved is what that gives for a dancer who does not follow the tempo at all. "
    "Songs count where the tracker heard both tempi (it takes a song at twice the tempo for one at the tempo itself, "
    "as people do: there the beats are told).",
    "Breaks": "Mean speed of the joints, torso lengths a second, while the song is silent (until a beat before its "
    "end, when dancers set out again) and elsewhere.",
    "Songs and seeds": "Distance of two dances from the same start pose in leg lengths, mean over the body's points "
    "relative to the hips. By nearest pose: every pose against the most similar one of the other dance at any time, so "
    "that the same moves at other times count as the same dance.",
}


@dataclass(frozen=True)
class ControlReport:
    """Tables by title, and the settings that they were measured under."""

    settings: dict[str, object]
    tables: dict[str, list[Row]]

    def write(self, folder: Path) -> Path:
        """Writes control.json and control.md into the folder; returns the path of the latter."""
        folder.mkdir(parents=True, exist_ok=True)
        parts = ["# Does the dancer obey the music?", "", *(f"- {k}: {v}" for k, v in self.settings.items())]
        for title, rows in self.tables.items():
            parts += ["", f"## {title}", "", _ABOUT[title], "", table(rows).replace("| videos |", "| dances |")]
        (folder / "control.md").write_text("\n".join(parts) + "\n", "utf-8")
        values = {t: {r.name: {n: v.as_json() for n, v in r.readings.items()} for r in rows}
                  for t, rows in self.tables.items()}  # fmt: skip
        text = json.dumps({"settings": self.settings, **values}, indent=1, ensure_ascii=False)
        (folder / "control.json").write_text(text + "\n", "utf-8")
        return folder / "control.md"


def measure_control(
    checkpoint: Path, songs: Path | None = None, count: int = 20, progress: Progress = quiet
) -> ControlReport:
    """All checks.

    Args:
        checkpoint: folder of a checkpoint, or of a training run of stage 2.
        songs: folder of heard songs for measuring; None: they are made now.
        count: songs (and seeds) of each check; those that dance several times use at most ten.
        progress: called with (stage, done, total).
    """
    dancer = Dancer(load_dance_model(checkpoint))
    every = held_out_songs(max(count + 1, _SONGS_FOR_BREAKS), songs, progress)
    few = min(count, _MOST_PAIRS)
    tables = {"On the beat": [_beat_row(n, found, count) for n, found in check_beats(dancer, every[:count]).items()]}
    progress("beats", 1, 4)
    tables["Tempo"] = [
        row
        for times, told in ((1.5, False), (2.0, True))
        for row in _tempo_rows(
            f"{SLOW_TEMPO:g} and {times * SLOW_TEMPO:g} BPM, {'told' if told else 'tracked'}",
            [check_tempo(dancer, k, GENRES[k % len(GENRES)], times, told) for k in range(few)],
        )
    ]
    progress("tempo", 2, 4)
    broken = [song for song in every if breaks_of(song)][:count]
    tables["Breaks"] = _break_rows([check_break(dancer, song, k) for k, song in enumerate(broken)])
    progress("breaks", 3, 4)
    tables["Songs and seeds"] = _song_rows([check_songs(dancer, (every[k], every[k + 1]), k) for k in range(few)])
    progress("songs", 4, 4)
    settings: dict[str, object] = {
        "rebuilt by": "`python -m dabfusion.evaluation.control_report --checkpoint CHECKPOINT --out FOLDER`",
        "dances": f"{SECONDS:g} s, {dancer.steps} steps, guidance {dancer.guidance:g}, seeds from 0, unpicked",
        "songs": f"Studio's, rendered and degraded, seeds from {FIRST_SONG} on; beats by the product's tracker",
    }
    return ControlReport(settings, tables)


def _beat_row(name: str, found: MotionMeasures, count: int) -> Row:
    readings = {
        "beat advantage": found.advantage, "2D-MM Align": found.align, "beats covered": found.covered,
        "motion energy": found.energy, "acceleration": found.acceleration, "foot skate": found.skate,
    }  # fmt: skip
    return Row(name, {n: Reading(v) for n, v in readings.items()}, count)


def _tempo_rows(name: str, found: Sequence[TempoCheck]) -> list[Row]:
    heard = [check for check in found if check.is_heard]
    known = {"both tempi known": Reading(len(heard) / max(len(found), 1))}
    return [
        Row(f"{name}, {which}", known | _steps_readings(steps), len(found))
        for which, steps in (("generated", [c.made for c in heard]), ("ground truth", [c.truth for c in heard]))
    ]


def _steps_readings(found: Sequence[Steps]) -> dict[str, Reading]:
    """Means over songs; factors are of the means."""
    rows = np.array([(*s.seen, *s.counted, s.unmoved) for s in found]).reshape(-1, 5)
    slow, fast, counted_slow, counted_fast, unmoved = rows.mean(0) if len(rows) else np.full(5, np.nan)
    readings = {
        "steps a second, slow": slow, "steps a second, fast": fast, "fast / slow, as seen": fast / slow,
        "fast / slow, counted in beats": counted_fast / counted_slow, "unmoved": unmoved / counted_slow,
    }  # fmt: skip
    return {n: Reading(float(v)) for n, v in readings.items()}


def _break_rows(found: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> list[Row]:
    rows = []
    for which, name in enumerate(("generated", "ground truth")):
        speeds = np.array([pair[which] for pair in found]).reshape(-1, 2)
        inside, outside = (float(v) for v in speeds.mean(0)) if len(speeds) else (float("nan"), float("nan"))
        readings = {"in the break": inside, "elsewhere": outside, "share": inside / outside}
        rows.append(Row(name, {n: Reading(v) for n, v in readings.items()}, len(speeds)))
    return rows


def _song_rows(pairs: Sequence[dict[str, tuple[float, float]]]) -> list[Row]:
    rows = []
    for name in pairs[0]:
        by_frame, by_pose = (float(np.mean([pair[name][k] for pair in pairs])) for k in (0, 1))
        rows.append(Row(name, {"by frame": Reading(by_frame), "by nearest pose": Reading(by_pose)}, len(pairs)))
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="checkpoint or training run")
    parser.add_argument("--songs", type=Path, help="folder of heard songs (studio songs --seed 900000)")
    parser.add_argument("--count", type=int, default=20, help="songs of each check")
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")
    args = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    report = measure_control(args.checkpoint, args.songs, args.count, _to_stderr)
    sys.stdout.write(f"{report.write(args.out)}\n")


def _to_stderr(stage: str, done: int, total: int) -> None:
    sys.stderr.write(f"{stage}: {done}/{total}\n")


if __name__ == "__main__":
    main()
