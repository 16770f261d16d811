"""What becomes of a measure from the first piece of long videos to their last, with standard errors.

The first piece begins with the given frame, and songs change: the ground truth, too, is less like its first frame later
on. So each video is compared with itself, and what the same clips' ground truth loses stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .report import Row

PAIRED = ("identity", "LPIPS (VGG)", "SSIM", "PSNR", "detected", "beat advantage")
DISTANCES = ("FVD-16", "FVD-40")


@dataclass(frozen=True)
class Change:
    """A mean change and its standard error, in the measure's own unit."""

    mean: float
    error: float

    def __str__(self) -> str:
        digits = 3 if abs(self.mean) < 10 else 0
        return f"{self.mean:+.{digits}f} ({self.error:.{digits}f})"


def values_of(rows: Sequence[Row], measure: str) -> np.ndarray | None:
    """One number a clip (n,); None where one is not known."""
    found = [row.readings[measure].value if measure in row.readings else None for row in rows]
    known = [value for value in found if value is not None and np.isfinite(value)]
    return np.array(known) if len(known) == len(found) else None


def paired(differences: np.ndarray) -> Change | None:
    """The mean of clips' differences (n,); None for fewer than two."""
    if len(differences) < 2:
        return None
    return Change(float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences))))


def jackknifed(of: Callable[[list[int]], float | None], count: int) -> Change | None:
    """A figure of a whole set, its error by leaving out each of ``count`` clips in turn (Efron and Stein 1981).

    Args:
        of: the figure of the clips with these numbers; None where they are too few.
        count: of clips.

    Returns:
        The figure of all; None for fewer than three clips, or where a figure is not known.
    """
    if count < 3:
        return None
    whole = of(list(range(count)))
    without = [of([k for k in range(count) if k != left]) for left in range(count)]
    known = np.array([value for value in without if value is not None])
    if whole is None or len(known) < count:
        return None
    return Change(whole, float(np.sqrt((count - 1) / count * np.square(known - known.mean()).sum())))


def paired_changes(first: Sequence[Row], last: Sequence[Row], truth: tuple[Sequence[Row], Sequence[Row]]) -> list[str]:
    """A phrase for each of :data:`PAIRED`, as far as it is known: how it changes from clips' first rows to their last,
    how the ground truth's does, and what is left without that.

    Args:
        first, last: one row a clip, in the same order.
        truth: the same clips' ground truth, first and last.

    Returns:
        Phrases such as "identity -0.036 (0.007)", each measure in its own unit, standard errors in brackets.
    """
    phrases = []
    for measure in PAIRED:
        before, after, *real = (values_of(rows, measure) for rows in (first, last, *truth))
        if before is None or after is None or (own := paired(after - before)) is None:
            continue
        if real[0] is not None and real[1] is not None:
            true, rest = paired(real[1] - real[0]), paired(after - before - (real[1] - real[0]))
            phrases.append(f"{measure} {own}, ground truth {true}, beyond that {rest}")
        else:
            phrases.append(f"{measure} {own}")
    return phrases
