"""Options refuse what is out of range, in a sentence; the time base divides exactly."""

from __future__ import annotations

import dataclasses

import pytest

from dabfusion.config import CODE_FPS, FRAMES_PER_CODE, STYLES, VIDEO_FPS, GenerationOptions
from dabfusion.errors import OptionError


def test_the_time_base_divides_exactly() -> None:
    assert FRAMES_PER_CODE * CODE_FPS == VIDEO_FPS


@pytest.mark.parametrize("style", ["auto", *STYLES])
def test_every_style_is_accepted(style: str) -> None:
    assert GenerationOptions(style=style).style == style


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1}, {"seed": 1.5}, {"seed": True}, {"steps": 0}, {"steps": 1001}, {"start": -0.1},
        {"start": float("nan")}, {"start": "3"}, {"length": 0.0}, {"length": float("inf")}, {"length": 601.0},
        {"style": "waltz"}, {"motion_strength": 2.5}, {"accent": 1.5}, {"fps": 0}, {"fps": 29.97}, {"guidance": -1.0},
        {"mark": "no"},
        {"shape": "round"}, {"shape": None}, {"size": 128}, {"size": True}, {"size": 512.0}, {"size": [256]},
    ],
)  # fmt: skip
def test_bad_values_are_refused_in_one_sentence(wrong: dict) -> None:
    with pytest.raises(OptionError) as caught:
        GenerationOptions(**wrong)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and len(message) < 250


def test_options_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        GenerationOptions().seed = 3


def test_options_survive_a_round_trip() -> None:
    options = GenerationOptions(seed=5, length=2.5, style="house")
    assert GenerationOptions(**options.as_dict()) == options
