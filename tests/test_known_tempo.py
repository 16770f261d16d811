"""Grids of known tempi, on songs whose beats are known because they are made here."""

from __future__ import annotations

import numpy as np
import pytest
from test_evaluation_reports import BEAT, FIRST, DotTools, dance, song
from test_music_encoder import RATE, click_track, drum_song

from dabfusion.errors import UserError
from dabfusion.evaluation.head_to_head import head_to_head, match_pairs
from dabfusion.evaluation.known_tempo import KnownTempo, known_grid, read_tempi, tempo_of


def offset(grid: np.ndarray, beats: np.ndarray, period: float) -> float:
    """Signed seconds by which the grid is late, within half a beat."""
    return float((grid[0] - beats[0] + period / 2) % period - period / 2)


@pytest.mark.parametrize("kind", ["click", "kick", "snare"])
@pytest.mark.parametrize("bpm", [80.0, 110.0, 135.0])
def test_the_phase_of_clicks_is_found(bpm: float, kind: str) -> None:
    audio, beats = click_track(bpm, 4.0, first=0.13, kind=kind)
    grid = known_grid(audio, RATE, KnownTempo(bpm))
    np.testing.assert_allclose(np.diff(grid), 60 / bpm)
    assert abs(offset(grid, beats, 60 / bpm)) < 0.012


@pytest.mark.parametrize("rate", [RATE, 2 * RATE])
def test_loud_hats_between_the_beats_do_not_count(rate: int) -> None:
    audio, beats = drum_song(100.0, 6.0)
    grid = known_grid(np.repeat(audio, rate // RATE), rate, KnownTempo(100.0))
    assert abs(offset(grid, beats, 0.6)) < 0.012


def test_a_beat_that_is_told_is_taken() -> None:
    audio, _ = drum_song(100.0, 4.0)
    grid = known_grid(audio, RATE, KnownTempo(100.0, 1.45))
    assert grid[0] == pytest.approx(0.25) and grid[-1] == pytest.approx(3.85)
    assert len(known_grid(np.zeros(RATE, np.float32), RATE, KnownTempo(100.0))) == 0
    assert len(known_grid(np.zeros(0, np.float32), RATE, KnownTempo(100.0, 0.5))) == 0


def test_tempi_are_read_by_song(tmp_path) -> None:
    path = tmp_path / "tempi.csv"
    path.write_text("song,bpm,first\nann/a,80,0.021\nb, 110 ,\n")
    tempi = read_tempi(path)
    assert tempo_of(tempi, "ann", "a") == KnownTempo(80.0, 0.021) and tempo_of(tempi, "bob", "a") is None
    assert tempo_of(tempi, "bob", "b") == tempo_of(tempi, "", "b") == KnownTempo(110.0)


@pytest.mark.parametrize("text", ["", "song,bpm\n", "song,tempo\na,80\n", "song,bpm\na,fast\n", "song,bpm\na,0\n",
                                  "song,bpm,first\na,80,nan\n", "song,bpm\na\n"])  # fmt: skip
def test_tempi_that_make_no_sense_are_refused(tmp_path, text: str) -> None:
    path = tmp_path / "tempi.csv"
    path.write_text(text)
    with pytest.raises(UserError):
        read_tempi(path)


def test_head_to_head_measures_against_known_tempi(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DABFUSION_WEIGHTS", str(tmp_path))
    song(tmp_path / "song.wav")
    for name in ("a", "b"):
        dance(tmp_path / f"ours/{name}.mp4", tmp_path / "song.wav")
        dance(tmp_path / f"theirs/{name}.mp4", tmp_path / "song.wav", offset=BEAT / 2)
    pairs = match_pairs(tmp_path / "theirs", tmp_path / "ours", None)
    tools, column = DotTools(tmp_path, tmp_path / "cache"), "beat advantage, known tempo"

    def measured(tempo: KnownTempo) -> tuple[float, float]:
        report = head_to_head(pairs, tools, tmp_path / "out", tempi={"a": tempo})
        assert column in report.rows[0].readings and column not in report.rows[1].readings
        theirs, ours = (row.readings[column].value for row in report.summary[:2])
        return theirs, ours

    theirs, ours = measured(KnownTempo(60 / BEAT))
    assert ours > 0.4 > 0 > theirs
    theirs, ours = measured(KnownTempo(60 / BEAT, FIRST + BEAT / 2))
    assert theirs > 0.4 > 0 > ours
