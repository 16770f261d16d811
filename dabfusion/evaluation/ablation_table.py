"""The ablation's report: means, and what each part brings, clip by clip.

    python -m dabfusion.evaluation.ablation_table docs/reports/ablation

writes ``ablation.md`` anew from ``ablation.json``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

Figures = dict[str, float]
Variants = Mapping[str, list[Figures]]  #: a row a held-out clip, by the variant's name; the control comes second
UNTRAINED = "as it is, not trained on"
HALF = "half_way"  #: the drawing error after half of the steps
TRAINED, NOTHING = "on from the checkpoint's generator", "from nothing"


def means(rows: list[Figures]) -> Figures:
    """Means over clips."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def differences(rows: list[Figures], control: list[Figures]) -> dict[str, tuple[float, float, int]]:
    """What leaving something out costs, clip by clip: mean, its standard error, and on how many clips it costs."""
    found = {}
    for name in rows[0]:
        more = np.array([row[name] - other[name] for row, other in zip(rows, control, strict=True)])
        error = float(more.std(ddof=1) / np.sqrt(len(more))) if len(more) > 1 else float("nan")
        found[name] = (float(more.mean()), error, int((more > 0).sum()))
    return found


_TITLES = {"drawing": "drawing error, levels of 255", "vgg16": "LPIPS (VGG)", "alexnet": "LPIPS (AlexNet)"}
_NOTES = (
    "All variants of a part start from the same weights and train for the same steps on the same batches; less is "
    "better.",
    "The perceptual loss looks through the first layers of the very VGG-16 of LPIPS (VGG), so there it is judged by "
    "itself; LPIPS (AlexNet) is a network that no training saw.",
)
_NOTES_OF_PARTS = {
    TRAINED: "This says what a generator that was trained with skips, gate and perceptual loss loses without one of "
    "them, after a few steps to get used to that; where a long training without it would end, it does not say. The "
    "control is without what else the checkpoint was trained with (a critic, all of stage 1 end to end), so compare "
    "with it and not with the checkpoint as it is.",
    NOTHING: "Trainings from nothing are far from their end after so few steps: they say what helps to learn quickly.",
}


def title(column: str) -> str:
    """What a table calls a figure."""
    if column == HALF:
        return "drawing error after half of the steps"
    return _TITLES[column.removeprefix("exact_")] + (", true flow" if column.startswith("exact_") else "")


def cost(figure: tuple[float, float, int], clips: int) -> str:
    """A difference with its standard error, and whether the clips can tell it from nothing."""
    mean, error, worse = figure
    told = "" if abs(mean) > 2 * error else ", not to be told from 0"
    return f"{mean:+.4f} ± {error:.4f} (worse on {worse} of {clips}{told})"


def spoken(name: str, rows: list[Figures], control: list[Figures]) -> str:
    """How a gap to the control went on between the middle and the end of training."""
    half, end = (means(rows)[column] - means(control)[column] for column in (HALF, "drawing"))
    return f"{name} {half:+.2f} levels, then {end:+.2f}"


def section(found: Variants) -> list[str]:
    """A table of means, a row a variant, one of what leaving something out costs, and how that changed."""
    columns = list(next(iter(found.values()))[0])
    names = [name for name in found if name != UNTRAINED]
    control, without = found[names[0]], names[1:]
    lines = ["| generator | " + " | ".join(map(title, columns)) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, rows in found.items():
        lines.append(f"| {name} | " + " | ".join(f"{means(rows)[c]:.3f}" for c in columns) + " |")
    lines += ["", f'Against "{names[0]}", clip by clip (mean ± standard error; + is worse):', ""]
    lines += ["| | " + " | ".join(without) + " |", "|---" * (len(without) + 1) + "|"]
    for column in columns:
        cells = (cost(differences(found[name], control)[column], len(control)) for name in without)
        lines.append(f"| {title(column)} | " + " | ".join(cells) + " |")
    gaps = "; ".join(spoken(name, found[name], control) for name in without)
    return [*lines, "", f'Drawing error against "{names[0]}" after half of the steps, then after all: {gaps}.', ""]


def markdown(parts: Mapping[str, Variants], settings: Mapping[str, object]) -> str:
    """The whole report."""
    lines = ["# What skips, gate and perceptual loss bring", "", *(f"- {k}: {v}" for k, v in settings.items()), ""]
    for start, found in parts.items():
        lines += [f"## Trained {start}", "", *section(found), _NOTES_OF_PARTS[start], ""]
    return "\n".join([*lines, *(f"{note}\n" for note in _NOTES)])


def write(folder: Path, parts: Mapping[str, Variants], settings: Mapping[str, object]) -> None:
    """``ablation.json`` with every clip's figures, and ``ablation.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = {
        start: {name: [{k: round(v, 5) for k, v in row.items()} for row in rows] for name, rows in found.items()}
        for start, found in parts.items()
    }
    data = {"settings": dict(settings), "clips": rounded}
    (folder / "ablation.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    (folder / "ablation.md").write_text(markdown(rounded, settings), "utf-8")  # as it is made again from the file


def main(argv: list[str] | None = None) -> int:
    """Writes the text anew."""
    folder = Path((argv or sys.argv[1:])[0])
    data = json.loads((folder / "ablation.json").read_text("utf-8"))
    (folder / "ablation.md").write_text(markdown(data["clips"], data["settings"]), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
