"""Studio's songs: the grid is exact, the sound is on it, breaks are silent, worse copies keep true beats."""

from __future__ import annotations

import mido
import numpy as np
import pytest
from needs import missing

from dabfusion.errors import UserError
from dabfusion.studio import soundfont
from dabfusion.studio.dance import sample_dance
from dabfusion.studio.degrade import change_speed, degrade
from dabfusion.studio.grid import TEMPOS, plan_song
from dabfusion.studio.moves import STYLES
from dabfusion.studio.music import Note, Song, band_of, compose, render_song
from dabfusion.studio.patterns import BAND, STEPS
from dabfusion.studio.synth import synthesise

RATE = 22050


def _rise(song: Song, times: np.ndarray) -> float:
    """Mean rise of loudness (log energy of 10 ms) at given times, within 20 ms."""
    hop = RATE // 100
    frames = song.audio[: len(song.audio) // hop * hop].reshape(-1, hop)
    level = np.log(1e-5 + (frames**2).mean(1))
    rise = np.diff(level, prepend=level[0]).clip(0)
    at = np.round(times * 100).astype(int)
    at = at[(at > 2) & (at < len(rise) - 3)]
    return float(np.mean([rise[k - 2 : k + 3].max() for k in at]))


def test_every_style_has_a_tempo_and_a_band() -> None:
    assert {*TEMPOS} == {*BAND} == {*STYLES}
    for low, high in TEMPOS.values():
        assert 80 <= low < high <= 135
    assert all(len(p) == STEPS for bands in BAND.values() for b in bands for p in (*b.drums.values(), b.bass))


@pytest.mark.parametrize("style", STYLES)
def test_plan_is_gapless_and_its_grid_even(style: str) -> None:
    plan = plan_song(style, 4)
    ends = [s.start + s.length for s in plan.sections]
    assert [s.start for s in plan.sections] == [0, *ends[:-1]]
    assert np.allclose(np.diff(plan.beat_times), 60 / plan.tempo)
    assert np.allclose(plan.counts(plan.beat_times), np.arange(1, plan.beats + 1))
    energy = plan.energy(plan.beat_times + 0.01)
    for section in plan.sections:
        inside = energy[section.start : section.start + section.length]
        assert (inside == 0).all() if section.kind == "break" else (inside > 0).all()
    assert plan == plan_song(style, 4) and plan != plan_song(style, 5)


@pytest.mark.parametrize("style", ["break", "middle-hip-hop", "krump", "ballet-jazz", "waack"])
def test_the_sound_is_on_the_grid(style: str) -> None:
    plan = plan_song(style, 1)
    start = plan.beat_times[16]
    song = render_song(plan, start, 12.0, soundfont=False)
    assert song.audio.shape == (12 * RATE,) and song.audio.dtype == np.float32 and np.abs(song.audio).max() <= 1
    assert song.beat_times[0] == pytest.approx(0.0, abs=1e-9) and song.energy.shape == (360,)
    beat = 60 / plan.tempo
    off = [_rise(song, song.beat_times + k / 8 * beat) for k in (1, 3, 5, 7)]
    assert _rise(song, song.beat_times) > 1.5 * max(off)


def test_a_click_sounds_where_it_is_written() -> None:
    notes = [(Note("kick", 0, 0.2, 36, 127), at, 0.2) for at in (0.25, 1.0)]
    audio = synthesise(notes, {}, 1.5, RATE)
    assert np.abs(audio[: round(0.25 * RATE)]).max() == 0
    assert np.abs(audio[round(0.25 * RATE) :][:200]).max() > 0.1
    assert np.array_equal(audio[round(0.25 * RATE) :][:2000], audio[RATE:][:2000])


def test_breaks_are_silent() -> None:
    plan = next(
        p for p in (plan_song("house", seed) for seed in range(50)) if any(s.kind == "break" for s in p.sections)
    )
    pause = next(s for s in plan.sections if s.kind == "break")
    inside = [n for n in compose(plan) if pause.start <= n.start < pause.start + pause.length]
    ringing = [n for n in compose(plan) if n.start < pause.start < n.start + n.length - 1e-6]
    assert not inside
    assert all(n.part in ("crash", "kick", "snare", "hat", "perc") for n in ringing)


def test_composing_is_reproducible_and_songs_differ() -> None:
    assert compose(plan_song("pop", 2)) == compose(plan_song("pop", 2))
    assert compose(plan_song("pop", 2)) != compose(plan_song("pop", 3))


def test_a_piece_of_a_song_is_that_piece() -> None:
    plan = plan_song("lock", 2)
    long = render_song(plan, 8.0, 6.0, soundfont=False)
    short = render_song(plan, 10.0, 3.0, soundfont=False)
    a, b = long.audio[2 * RATE + RATE : 4 * RATE], short.audio[RATE : 2 * RATE]
    assert np.corrcoef(a, b)[0, 1] > 0.99
    assert np.allclose(short.beat_times[0] + 2.0, long.beat_times[long.beat_times >= 2.0][0])


def test_midi_file_keeps_exact_times(tmp_path) -> None:
    notes = [(Note("bass", 0, 0.5, 40, 90), 0.5, 0.25), (Note("snare", 0, 0.1, 38, 90), 1.234, 0.1)]
    soundfont.write_midi(notes, {"bass": 33}, tmp_path / "song.mid")
    now, starts = 0.0, []
    for message in mido.MidiFile(tmp_path / "song.mid"):
        now += message.time
        if message.type == "note_on" and message.velocity:
            starts.append((round(now, 3), message.channel, message.note))
    assert starts == [(0.5, 0, 40), (1.234, 9, 38)]


def test_missing_fluidsynth_is_said_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundfont.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="fluid-soundfont-gm"):
        render_song(plan_song("pop", 0), 0.0, 1.0, soundfont=True)
    assert np.abs(render_song(plan_song("pop", 0), 10.0, 1.0).audio).max() > 0  # falls back to the synthesiser


def test_fluidsynth_sounds_on_time() -> None:
    if not soundfont.available():
        missing("fluidsynth or a soundfont is not installed")
    notes = [(Note("snare", 0, 0.2, 37, 120), at, 0.2) for at in (0.5, 1.5)]
    audio = np.abs(soundfont.render(notes, {}, 2.0, RATE))
    for at in (0.5, 1.5):
        piece = audio[round((at - 0.1) * RATE) : round((at + 0.2) * RATE)]
        assert abs(np.argmax(piece > 0.2 * piece.max()) / RATE - 0.1) < 0.008


def test_worse_copies_keep_true_beats() -> None:
    song = render_song(plan_song("waack", 1), 20.0, 8.0, soundfont=False)
    fast = change_speed(song, 1.05)
    assert fast.tempo == pytest.approx(song.tempo * 1.05) and len(fast.audio) == pytest.approx(8 * RATE / 1.05, abs=2)
    assert _rise(fast, fast.beat_times) > 1.3 * _rise(fast, fast.beat_times + 0.375 * 60 / fast.tempo)
    for seed in range(8):
        worse = degrade(song, np.random.default_rng(seed))
        assert np.isfinite(worse.audio).all() and np.abs(worse.audio).max() <= 1 and worse.audio.dtype == np.float32
        ratio = song.tempo / worse.tempo
        assert np.allclose(worse.beat_times, song.beat_times * ratio)


def test_a_dance_can_bring_its_song() -> None:
    dance = sample_dance(2, seconds=3, with_audio=True)
    assert dance.audio is not None and dance.audio.shape == (3 * RATE,) and dance.sample_rate == RATE
    assert sample_dance(2, seconds=3).audio is None


@pytest.mark.parametrize("style", STYLES)
def test_six_songs_of_a_genre_are_six_songs(style: str) -> None:
    plans = [plan_song(style, seed) for seed in range(6)]
    bands = [band_of(plan) for plan in plans]
    arrangements = {(tuple(sorted(b.drums.items())), b.bass, b.comping, round(b.swing, 3)) for b in bands}
    assert len(arrangements) == 6 and len({p.tempo for p in plans}) == 6
    assert len({tuple(s.length for s in p.sections) for p in plans}) >= 4
    assert len({tuple(sorted(b.programs(p.seed).items())) for b, p in zip(bands, plans, strict=True)}) >= 3
    beats = [{(n.part, n.start % 4) for n in compose(p) if n.part in ("kick", "snare")} for p in plans]
    assert all(a != b for k, a in enumerate(beats) for b in beats[k + 1 :])


def test_an_arrangement_keeps_what_makes_the_genre() -> None:
    plain = BAND["house"][0]
    for seed in range(20):
        band = band_of(plan_song("house", seed))
        assert [k for k, mark in enumerate(band.drums["kick"]) if mark == "X"] == [0, 4, 8, 12]
        assert band.genre == plain.genre and all(len(p) == STEPS for p in (*band.drums.values(), band.bass))


def test_a_room_adds_an_echo_and_keeps_the_time() -> None:
    song = Song(np.zeros(RATE, np.float32), RATE, np.array([0.5]), np.ones(30, np.float32), 120.0, "pop")
    song.audio[RATE // 2] = 0.5
    echoes = []
    for seed in range(12):
        worse = degrade(song, np.random.default_rng(seed), keep_speed=True)
        assert worse.tempo == 120.0 and worse.audio.shape == song.audio.shape
        assert abs(int(np.abs(worse.audio).argmax()) - RATE // 2) < 40
        after = worse.audio[RATE // 2 + 400 : RATE // 2 + 3000]
        before = worse.audio[RATE // 2 - 3000 : RATE // 2 - 400]
        echoes.append(np.abs(after).mean() > 2 * np.abs(before).mean() + 1e-6)
    assert 1 <= sum(echoes) < 12
