"""What changes from the first piece of long videos to the last, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from dabfusion.evaluation.first_to_last import Change, jackknifed, paired, paired_changes, values_of
from dabfusion.evaluation.paper import LONG_WAYS, _first_to_last
from dabfusion.evaluation.paper_rows import Piece
from dabfusion.evaluation.report import Reading, Row


def rows(*values: float | None, measure: str = "identity") -> list[Row]:
    return [Row(str(n), {measure: Reading(value)}) for n, value in enumerate(values)]


def test_the_error_of_a_mean_is_that_of_the_differences_not_of_the_clips() -> None:
    change = paired(np.array([0.3, 1.0, 0.9]) - np.array([0.2, 0.9, 0.5]))
    assert change is not None
    assert change.mean == pytest.approx(0.2) and change.error == pytest.approx(0.1)
    assert paired(np.array([0.3])) is None


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=12)
    change = jackknifed(lambda chosen: float(values[chosen].mean()), 12)
    assert change is not None
    assert change.mean == pytest.approx(values.mean())
    assert change.error == pytest.approx(values.std(ddof=1) / np.sqrt(12))


def test_too_few_clips_have_no_error() -> None:
    assert jackknifed(lambda chosen: 1.0, 2) is None
    assert jackknifed(lambda chosen: None if len(chosen) < 4 else 1.0, 4) is None


def test_the_ground_truths_own_loss_is_told_and_taken_out() -> None:
    (phrase,) = paired_changes(rows(0.9, 0.8), rows(0.7, 0.7), (rows(0.9, 0.9), rows(0.8, 0.8)))
    assert phrase == "identity -0.150 (0.050), ground truth -0.100 (0.000), beyond that -0.050 (0.050)"


def test_against_the_truth_itself_there_is_nothing_to_take_out() -> None:
    (phrase,) = paired_changes(
        rows(0.2, 0.2, measure="SSIM"), rows(0.3, 0.5, measure="SSIM"), (rows(0.9, 0.9), rows(0.8, 0.8))
    )
    assert phrase == "SSIM +0.200 (0.100)"


def test_a_measure_that_one_clip_lacks_is_left_out() -> None:
    assert values_of(rows(0.5, None), "identity") is None and values_of(rows(0.5), "SSIM") is None
    assert paired_changes(rows(0.5, None), rows(0.5, 0.6), (rows(0.5, 0.5), rows(0.5, 0.5))) == []


def test_large_changes_are_told_without_a_fraction() -> None:
    assert str(Change(107.4, 61.6)) == "+107 (62)" and str(Change(-0.0364, 0.0075)) == "-0.036 (0.007)"


class Measured:
    """Three long clips: identity falls by .1, the true one by .04; FVD-16 is ten a clip's number more at the end."""

    def rows(self, name: str, way: str, piece: Piece) -> list[Row]:
        return rows(*[0.9 - piece.first / 1200 * (0.4 if way == "GT" else 1.0)] * 3)

    def mean(self, label: str, name: str, way: str, piece: Piece, chosen: list[int]) -> Row:
        distance = 500 + (10.0 * sum(chosen) if piece.first else 0)
        return Row(label, {"FVD-16": Reading(distance), "FVD-40": Reading(None)})

    def same_reference(
        self, name: str, way: str, piece: Piece, pieces: list[Piece], chosen: list[int]
    ) -> dict[str, Reading]:
        assert [p.first for p in pieces] == [0, 40, 80, 120]
        distance = 400 - (2.0 * sum(chosen) if piece.first == 120 else 0)
        return {"FVD-16 to all": Reading(distance), "FVD-40 to all": Reading(None)}


def test_table_7_says_it_of_every_way() -> None:
    told = _first_to_last(Measured(), 3, [Piece(first, 40) for first in (0, 40, 80, 120)])
    assert len(told) == len(LONG_WAYS)
    for sentence, label in zip(told, LONG_WAYS.values(), strict=True):
        assert sentence.endswith(
            f"{label}: identity -0.100 (0.000), ground truth -0.040 (0.000), beyond that -0.060 (0.000); "
            "FVD-16 +30 (12); FVD-16 to all -6.000 (2.309)."
        )
