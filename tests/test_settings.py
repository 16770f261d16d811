"""Settings go out as JSON and come back the same; anything else is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dabfusion.config import GenerationOptions
from dabfusion.errors import OptionError
from dabfusion.settings import DanceSettings, read_settings

SETTINGS = DanceSettings(
    GenerationOptions(seed=4, steps=9, start=2, length=3.5, style="house", guidance=1.5, mark=False, shape="portrait",
                      size=512),
    2, "#204060", ((10.25, 20.0, True), (3.0, 4.0, False)),
)  # fmt: skip


@pytest.mark.parametrize("wrapped", [False, True])
def test_settings_survive_a_round_trip(tmp_path: Path, wrapped: bool) -> None:
    file = tmp_path / "dance.json"
    values = SETTINGS.as_dict()
    file.write_text(json.dumps({"ai_generated": True, "settings": values} if wrapped else values))
    assert read_settings(file) == SETTINGS


def test_dances_from_before_there_was_a_size_were_small(tmp_path: Path) -> None:
    file = tmp_path / "dance.json"
    file.write_text(json.dumps({name: value for name, value in SETTINGS.as_dict().items() if name != "size"}))
    assert read_settings(file).options.size == 256


def test_a_report_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"options": GenerationOptions(seed=3).as_dict(), "tempo": 120, "person": 1}))
    assert read_settings(file) == DanceSettings(GenerationOptions(seed=3), 1)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{}", b"null", b"[" * 5000, b'{"seed": 1e999}', b'{"seed": "1"}', b'{"seed": 1, "steps": -4}',
        b'{"seed": 1, "style": ["house"]}', b'{"seed": 1, "points": [[1, 2]]}', b'{"seed": 1, "points": 7}',
        b'{"seed": 1, "points": [[NaN, 2, true]]}', b'{"seed": 1, "person": 0}', b'{"seed": 1, "background": 3}',
        b"\0\0\0\x20ftypisom" + b"\xff" * 400, b"\x89PNG\r\n", b'{"seed": 1}' + b" " * 2**21,
        b'{"settings": {"seed": 1, "start": NaN}}',
    ],
)  # fmt: skip
def test_anything_else_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "wrong.json"
    file.write_bytes(content)
    with pytest.raises(OptionError) as caught:
        read_settings(file)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and str(tmp_path) not in message
