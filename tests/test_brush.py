"""Strokes add and take away exactly where they were painted, survive settings files, and hostile ones are refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from fakes import FakePhotos, write_photo

from dabfusion.config import GenerationOptions
from dabfusion.errors import OptionError
from dabfusion.settings import DanceSettings, parse_settings, read_settings
from dabfusion.web.choices import PhotoChoice, add_point, add_stroke, choose_photo, undo_fix
from dabfusion.web.uploads import stroke_path
from preprocess.brush import paint
from preprocess.errors import PhotoError
from preprocess.segment import Cutout
from preprocess.stroke import Stroke


def test_a_stroke_covers_its_capsule_and_nothing_else() -> None:
    empty = Cutout(np.zeros((100, 200), bool), 0.8)
    mask = paint(empty, [Stroke(((40, 50), (160, 50)), 10, True)]).mask
    rows, columns = np.mgrid[0:100, 0:200]
    away = np.hypot(columns - np.clip(columns, 40, 160), rows - 50)
    assert mask[away <= 9].all() and not mask[away >= 12].any()
    holed = paint(Cutout(mask, 0.8), [Stroke(((100, 50),), 4, False)]).mask
    assert not holed[50, 100] and holed[50, 60] and mask[50, 100]


def test_the_last_stroke_wins_and_nothing_left_is_a_sentence() -> None:
    full = Cutout(np.ones((60, 60), bool), 0.8)
    away, back = (Stroke(((0, 30), (59, 30)), 80, inside) for inside in (False, True))
    assert paint(full, [away, back]).mask.all()
    with pytest.raises(PhotoError, match="undo"):
        paint(full, [back, away])


def chosen(folder: Path) -> PhotoChoice:
    return choose_photo(FakePhotos(), str(write_photo(folder / "photo.png")), "dark-stage")


def test_clicks_and_strokes_are_undone_in_their_order(tmp_path: Path) -> None:
    stage, first = FakePhotos(), chosen(tmp_path)
    one = add_stroke(stage, first, [[0.9, 0.05], [0.95, 0.05]], 4, True)
    two = add_point(stage, one, 10, 10, True)
    assert one.cutout.mask.sum() > first.cutout.mask.sum() and len(two.fixes) == 2
    assert np.array_equal(undo_fix(stage, two).cutout.mask, one.cutout.mask)
    assert np.array_equal(undo_fix(stage, one).cutout.mask, first.cutout.mask)


@pytest.mark.parametrize(
    "path", [None, "x", [], [[0.1]], [[0.1, 2]], [[math.nan, 0]], [["a", 0]], [[0.5, 0.5]] * 1000, {"path": 1}]
)
def test_a_strange_path_is_a_sentence(path: object) -> None:
    with pytest.raises(OptionError):
        stroke_path(path)


@pytest.mark.parametrize("size", [None, 0, -3, 1e9, math.inf, "4"])
def test_a_strange_size_is_a_sentence(tmp_path: Path, size: object) -> None:
    with pytest.raises(OptionError):
        add_stroke(FakePhotos(), chosen(tmp_path), [[0.5, 0.5]], size, True)


def test_strokes_survive_a_settings_file(tmp_path: Path) -> None:
    settings = DanceSettings(GenerationOptions(seed=3), strokes=(Stroke(((1.5, 2.0), (3.0, 4.0)), 5.5, False),))
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings.as_dict()))
    assert read_settings(file) == settings
    empty, far = ({"path": path, "radius": 1, "inside": True} for path in ([], [[1e9, 0]]))
    for wrong in ([{}], "x", [empty], [far]):
        with pytest.raises(OptionError):
            parse_settings({"seed": 3, "strokes": wrong})
