"""Tables of measures: what was measured, under which settings, and what was not measured and why."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Reading:
    """One number, or the reason why there is none."""

    value: float | None
    needs: str = ""
    digits: int | None = None  #: after the point; None: as many as are worth reading

    @property
    def text(self) -> str:
        """What a table shows."""
        if self.value is None or not math.isfinite(self.value):
            return f"not measured: needs {self.needs}" if self.needs else "-"
        if self.digits is not None:
            return f"{self.value:.{self.digits}f}"
        return f"{self.value:.3f}" if abs(self.value) < 10 else f"{self.value:.1f}"

    def as_json(self) -> float | str | None:
        """A number, or the sentence, or null."""
        if self.value is not None and math.isfinite(self.value):
            return round(self.value, 5)
        return self.text if self.needs else None


@dataclass(frozen=True)
class Row:
    """The measures of one video, or the means of several."""

    name: str
    readings: Mapping[str, Reading]
    count: int = 1  #: videos behind the row
    over_time: Mapping[str, list[float]] = field(default_factory=dict)  #: per-second curves


def mean_row(name: str, rows: Sequence[Row]) -> Row:
    """The mean of several rows, measure by measure, over the videos in which it was measured."""
    readings: dict[str, Reading] = {}
    for key in dict.fromkeys(key for row in rows for key in row.readings):
        found = [row.readings[key] for row in rows if key in row.readings]
        values = [r.value for r in found if r.value is not None and math.isfinite(r.value)]
        needs = next((r.needs for r in found if r.needs), "")
        readings[key] = Reading(sum(values) / len(values)) if values else Reading(None, needs)
    return Row(name, readings, sum(row.count for row in rows))


@dataclass(frozen=True)
class Report:
    """A table with its settings."""

    title: str
    settings: Mapping[str, object]
    summary: Sequence[Row]
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "title": self.title, "settings": dict(self.settings), "notes": list(self.notes),
            "summary": [_row_json(r) for r in self.summary], "rows": [_row_json(r) for r in self.rows],
        }  # fmt: skip

    def markdown(self) -> str:
        """Settings, summary table, one table of all rows."""
        parts = [f"# {self.title}", "", *(f"- {key}: {value}" for key, value in self.settings.items()), ""]
        parts += [table(self.summary), ""]
        parts += [f"{note}\n" for note in self.notes]
        if self.rows:
            parts += ["## Every video", "", table(self.rows), ""]
        return "\n".join(parts)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Writes NAME.json and NAME.md into the folder (made if need be) and returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        data, text = folder / f"{name}.json", folder / f"{name}.md"
        data.write_text(json.dumps(self.as_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        text.write_text(self.markdown(), encoding="utf-8")
        return data, text


def table(rows: Sequence[Row]) -> str:
    """A Markdown table; measures that no row could take are listed below it instead of filling a column."""
    keys = list(dict.fromkeys(key for row in rows for key in row.readings))
    taken = [key for key in keys if any(row.readings[key].value is not None for row in rows if key in row.readings)]
    lines = ["| | videos | " + " | ".join(taken) + " |", "|---" * (len(taken) + 2) + "|"]
    for row in rows:
        cells = [row.readings[key].text if key in row.readings else "-" for key in taken]
        lines.append(f"| {row.name} | {row.count} | " + " | ".join(cells) + " |")
    for key in keys:
        if key not in taken:
            needs = next((row.readings[key].needs for row in rows if key in row.readings), "")
            lines.append(f"\n{key}: {Reading(None, needs).text}")
    return "\n".join(lines)


def _row_json(row: Row) -> dict[str, object]:
    readings = {key: reading.as_json() for key, reading in row.readings.items()}
    curves = {key: [round(v, 4) if math.isfinite(v) else None for v in curve] for key, curve in row.over_time.items()}
    return {"name": row.name, "videos": row.count, **readings, **({"over_time": curves} if curves else {})}
