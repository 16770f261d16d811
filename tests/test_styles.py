"""What a song sounds like is told, followed where it is sure, and overruled by a choice."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import fake_services, hear_house, write_song

from dabfusion.config import AUTO_STYLE, STYLES
from dabfusion.heard_style import HeardStyle, follow_style, hear_style
from dabfusion.web.choices import choose_song
from dabfusion.web.styles import describe_style, style_menu


@pytest.mark.parametrize(("confidence", "danced"), [(0.7, "house"), (0.2, AUTO_STYLE)])
def test_auto_follows_a_sure_style_only(confidence: float, danced: str) -> None:
    heard = HeardStyle("house", confidence)
    assert follow_style(AUTO_STYLE, heard) == danced and follow_style("krump", heard) == "krump"
    assert follow_style(AUTO_STYLE, None) == AUTO_STYLE
    assert ("Sounds like house" in describe_style(heard)) == (danced == "house")
    means = "house" if danced == "house" else "whatever fits the song"
    assert style_menu(heard)[0] == (f"Auto ({means})", AUTO_STYLE)


def test_the_menu_has_every_style_once() -> None:
    assert [value for _, value in style_menu()] == [AUTO_STYLE, *STYLES]
    assert all(label[0].isupper() for label, _ in style_menu())


def test_a_song_brings_its_style(tmp_path: Path) -> None:
    song = choose_song(fake_services().songs, hear_house, str(write_song(tmp_path / "song.wav")))
    assert song.heard is not None and song.heard.name == "house"
    assert song.heard.confidence == pytest.approx(0.7, abs=0.03)
    assert song.picture.sounds_like.startswith("Sounds like house")
    assert hear_style(None, song.music) is None and hear_style(lambda _: ("polka", 1.0), song.music) is None
