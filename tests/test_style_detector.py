"""The song-style detector: descriptions that do not depend on where a song begins, and a detector trained here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dabfusion.checkpoint import save_checkpoint
from dabfusion.config import STYLES
from dabfusion.errors import CheckpointError
from dabfusion.music_encoder.beats import beat_features
from dabfusion.music_encoder.embedding import MusicEmbedding
from dabfusion.music_encoder.style_detector import DESCRIPTION_SIZE, WEIGHTS, describe_song, detect_style
from dabfusion.studio.grid import plan_song
from dabfusion.training.build_songs import HeardSong, build_songs, read_songs
from dabfusion.training.train_song_style import accuracy, embedding_of, train


def drummed(style: str, seed: int, tempo: float, hats: float) -> HeardSong:
    """A minute of kicks on the beats and hats of some loudness between them, as the rhythm tower would hear it."""
    rng = np.random.default_rng(seed)
    plan = replace(plan_song(style, seed), tempo=tempo, lead_in=0.1)
    times = np.arange(900) / 15
    beats = 0.1 + np.arange(int(59 * tempo / 60)) * 60 / tempo
    phase = np.interp(times, beats, np.arange(len(beats))) % 1
    kick, hat = (np.exp(-(((phase - at + 0.5) % 1 - 0.5) ** 2) / 0.03) for at in (0.0, 0.5))
    columns = [kick + hats * hat, 0.8 + 0 * times, kick, 0.5 + 0 * times, hats * hat, kick, 0.3 * kick, hats * hat]
    rhythm = np.stack(columns, 1) + rng.normal(0, 0.02, (900, 8))
    return HeardSong(plan, 0.0, rhythm.clip(0).astype(np.float32), beats, tempo)


@pytest.fixture(scope="module")
def songs() -> list[HeardSong]:
    kinds = [("house", 125.0, 0.9), ("krump", 85.0, 0.2), ("ballet-jazz", 100.0, 0.0)]
    return [drummed(s, 7 * k + n, t + n, h) for n in range(6) for k, (s, t, h) in enumerate(kinds)]


def test_a_description_does_not_depend_on_the_start(songs: list[HeardSong]) -> None:
    whole = embedding_of(songs[0])
    a, b = (describe_song(whole.section(start, 30.0)) for start in (3.0, 11.8))
    assert a.shape == (DESCRIPTION_SIZE,) and a.dtype == np.float32
    assert np.abs(a - b).mean() < 0.35 * np.abs(a - describe_song(embedding_of(songs[1]))).mean()


def test_a_trained_detector_knows_its_songs_and_its_limits(songs: list[HeardSong], tmp_path: Path) -> None:
    detector = train(songs[:12], seed=1)
    first, two = accuracy(detector, songs[12:])
    assert first == 1.0 and two == 1.0
    save_checkpoint(tmp_path, {}, {WEIGHTS: detector.state_dict()})
    found = [detect_style(embedding_of(song), tmp_path) for song in songs[12:15]]
    assert [style for style, _ in found] == ["house", "krump", "ballet-jazz"]
    assert all(1 / len(STYLES) < sure <= 1 for _, sure in found)
    silent = MusicEmbedding(np.zeros((150, 16), np.float32), 15, 0.0, np.zeros(0), 10, ("beats", "rhythm"), (8, 8))
    assert detect_style(silent, tmp_path) == ("auto", 0.0)
    assert detect_style(embedding_of(songs[0]).section(0, 2.0), tmp_path) == ("auto", 0.0)
    other = MusicEmbedding(beat_features(np.arange(150) / 15, np.arange(20) / 2, 120), 15, 120, np.arange(20) / 2, 10,
                           ("beats",), (8,))  # fmt: skip
    assert detect_style(other, tmp_path) == ("auto", 0.0)
    with pytest.raises(CheckpointError):
        detect_style(embedding_of(songs[0]), tmp_path / "none")


def test_heard_songs_are_kept_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dabfusion.training.build_songs.PACK", 2)
    monkeypatch.setattr("dabfusion.training.build_songs.SECONDS", 12.0)
    paths = build_songs(tmp_path, 2, first_seed=77)
    song, other = read_songs(tmp_path)
    assert song.plan.style == STYLES[0] and other.plan.style == STYLES[1] and song.rhythm.shape == (180, 8)
    assert song.seconds == pytest.approx(12.0) and 0 <= song.first_count < 4
    true = song.true_beats
    assert np.allclose(np.diff(true), 60 / song.plan.tempo) and 0 <= song.well_tracked <= 1
    before = paths[0].stat().st_mtime_ns
    assert build_songs(tmp_path, 2, first_seed=77) == paths and paths[0].stat().st_mtime_ns == before
    with pytest.raises(FileNotFoundError):
        read_songs(tmp_path / "none")
