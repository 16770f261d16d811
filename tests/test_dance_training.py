"""Packed dances, their crops, the motion report, and a tiny dance model trained, resumed and sampled end to end."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dabfusion.config import STYLES
from dabfusion.flow_diffusion import FlowDiffusion, FlowDiffusionConfig, build_flow_diffusion
from dabfusion.long_video import DanceOptions, dance_codes, upsample_codes
from dabfusion.music_encoder.beats import beat_features
from dabfusion.skeleton import matrix_to_6d, mirror_rotation
from dabfusion.studio.grid import Section, plan_song
from dabfusion.training.build_dances import DanceMaker, Sources, _place
from dabfusion.training.build_songs import HeardSong
from dabfusion.training.dance_crops import Augmentation, DanceCrops, mirror_window, shift_count, turn_window
from dabfusion.training.dance_data import PackedDance, heard_music, pack_dance, read_packs, write_pack
from dabfusion.training.motion_report import beat_scores, measure_motion, one_of_each_style, truth_codes
from dabfusion.training.stand_in_rhythm import stand_in_rhythm
from dabfusion.training.train_flow_diffusion import Trainer, TrainingOptions

PLAIN = Augmentation(0, 0, 0, 0, 0.5, 0, 0, 0, tempo=0, breaks=0)


def about_z(angle: np.ndarray) -> np.ndarray:
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    rows = [np.stack(row, -1) for row in ((c, -s, zero), (s, c, zero), (zero, zero, one))]
    return np.stack(rows, -2)


@dataclass(frozen=True)
class Swing:
    """A dancer whose arms and trunk come to rest exactly on every beat; 8 s at 30 fps."""

    rotation: np.ndarray
    root: np.ndarray
    beat_times: np.ndarray
    tempo: float
    style: str
    energy: np.ndarray
    counts: np.ndarray
    move_names: tuple[str, ...]
    audio: np.ndarray | None = None
    sample_rate: int = 0


def swing(seed: int, name: str = "swing") -> Swing:
    rng = np.random.default_rng(seed)
    tempo, first = rng.uniform(90, 130), rng.uniform(0, 0.4)
    times = np.arange(240) / 30
    count = (times - first) * tempo / 60
    rotation = np.tile(np.eye(3), (240, 19, 1, 1))
    wave = np.cos(np.pi * count)
    for side, bones in ((1, (6, 7, 8)), (-1, (10, 11, 12))):
        for bone in bones:
            rotation[:, bone] = about_z(wave - side)
    root = np.stack([0.1 * wave, np.ones(240), np.zeros(240)], -1)
    beats = first + np.arange(40) * 60 / tempo
    return Swing(
        rotation, root, beats[beats < 8], tempo, "house", np.ones(240), 1 + count, (name,)
    )  # fmt: skip


@pytest.fixture(scope="module")
def dances() -> list[PackedDance]:
    return [pack_dance(swing(seed), seed) for seed in range(1, 27)]


def test_a_pack_gives_back_what_went_in(dances: list[PackedDance], tmp_path: Path) -> None:
    write_pack(tmp_path / "a.npz", dances[:2])
    write_pack(tmp_path / "b.npz", dances[2:3])
    found = read_packs(tmp_path)
    assert len(found) == 3
    for before, after in zip(dances, found, strict=False):
        np.testing.assert_array_equal(before.rotation, after.rotation)
        np.testing.assert_array_equal(before.music, after.music)
        np.testing.assert_array_equal(before.beats, after.beats)
        assert (before.seed, before.source, before.style) == (after.seed, after.source, after.style)
    with pytest.raises(FileNotFoundError):
        read_packs(tmp_path.parent / "nothing_here" / "..")


def test_every_25th_seed_and_the_held_out_takes_are_kept_for_measuring() -> None:
    assert pack_dance(swing(1), 50).held_out
    assert not pack_dance(swing(1), 51).held_out
    assert pack_dance(swing(1, "salsa_61_12"), 51).held_out
    assert not pack_dance(swing(1, "salsa_61_11"), 51).held_out


def test_mirroring_codes_is_mirroring_rotations() -> None:
    matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 19, 3, 3)))[0]
    six, root = mirror_window(matrix_to_6d(matrix), np.ones((5, 3)))
    np.testing.assert_allclose(six, matrix_to_6d(mirror_rotation(matrix)), atol=1e-6)
    np.testing.assert_array_equal(root[0], [-1, 1, 1])


def test_turning_codes_turns_the_rotations_to_the_dancers_left() -> None:
    facing = matrix_to_6d(np.tile(np.eye(3), (1, 19, 1, 1)))
    six, root = turn_window(facing, np.array([[0.0, 1.0, 1.0]]), 90)
    x, y = six[0, 0, :3], six[0, 0, 3:]
    np.testing.assert_allclose(np.cross(x, y), [1, 0, 0], atol=1e-6)  # forward is now +x, the dancer's left
    np.testing.assert_allclose(root, [[1, 1, 0]], atol=1e-6)


def test_shifting_the_count_is_counting_from_another_beat() -> None:
    times, beats = np.arange(60) / 15, np.arange(10) * 0.5
    for k in range(8):
        expected = beat_features(times, beats, 120.0, count_offset=k)
        np.testing.assert_allclose(shift_count(beat_features(times, beats, 120.0), k), expected, atol=1e-5)


def test_crops_start_where_they_say(dances: list[PackedDance]) -> None:
    batch = DanceCrops(dances, PLAIN).batch(64, 30, np.random.default_rng(0))
    assert batch.codes.shape == (64, 30, 117) and batch.condition.music.shape == (64, 30, 16)
    at_start = batch.condition.at_start
    assert 10 < at_start.sum() < 54
    torch.testing.assert_close(batch.codes[at_start, 0], batch.condition.start[at_start], atol=1e-3, rtol=0)
    assert (batch.condition.start[:, -3:] == 0).all()


def test_stand_in_rhythm_is_silent_in_breaks_and_follows_the_beat() -> None:
    counts = 1 + np.arange(300) / 15 * 2
    quiet = np.where(np.arange(300) < 150, 1.0, 0.0)
    rhythm = stand_in_rhythm(counts, quiet, 15.0, np.random.default_rng(0))
    assert rhythm.shape == (300, 8) and rhythm.min() >= 0 and rhythm.max() <= 1.5
    assert rhythm[150:].max() == 0 and rhythm[:150, 1].min() > 0


def test_motion_report_sees_a_dancer_on_the_beat_and_not_beside_it(dances: list[PackedDance]) -> None:
    codes = upsample_codes(truth_codes(dances[0], 120), 15, 30)
    on = measure_motion(codes, dances[0].beats)
    off = measure_motion(codes, dances[0].beats + 30 / dances[0].tempo)
    assert on.advantage > 0.6 and on.covered > 0.9 and 0.5 < on.energy < 3
    assert off.advantage < 0


def test_beat_scores_of_known_times() -> None:
    beats = np.arange(8) * 0.5
    assert beat_scores(beats[1:], beats)[0] == pytest.approx(1.0)
    assert beat_scores(beats + 0.05, beats)[0] == pytest.approx(np.exp(-0.5))
    assert beat_scores(np.zeros(0), beats) == (0.0, 0.0, 0.0)


def test_the_report_takes_one_dance_of_each_style_first(dances: list[PackedDance]) -> None:
    krump = pack_dance(Swing(**{**vars(swing(3)), "style": "krump"}), 3)
    house = dances[0].style
    found = [d.style for d in one_of_each_style([*dances[:4], krump], 3)]
    assert found == [*sorted([house, krump.style]), house]


def test_a_tiny_model_learns_resumes_and_dances(dances: list[PackedDance], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build_flow_diffusion(FlowDiffusionConfig(("house",), width=32, depth=2, heads=2, window=30))
    options = TrainingOptions(0.0, batch=8, frames=(30,), rate=5e-3, warmup=5, report_dances=1, report_seconds=2.0)
    known = [PackedDance(**{**vars(d), "style": 0}) for d in dances]
    trainer = Trainer(model, known, tmp_path, options, PLAIN)
    trainer.options = TrainingOptions(**{**vars(options), "minutes": 1.0})
    losses = [float(trainer.step(trainer.crops.batch(8, 30, trainer.rng)).total) for _ in range(50)]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
    trainer.options = options
    trainer.run()  # no minutes left: saves and measures
    with (tmp_path / "motion.csv").open() as file:
        assert {row["which"] for row in csv.DictReader(file)} == {"generated", "truth", "shuffled"}
    again = Trainer(FlowDiffusion.load(tmp_path).train(), known, tmp_path, options, PLAIN)
    assert again.progress.steps == 50
    torch.testing.assert_close(again.model.normaliser.mean, model.normaliser.mean)
    made = dance_codes(FlowDiffusion.load(tmp_path), truth_codes(known[0], 1)[0], known[0].music[:45], DanceOptions())
    assert made.shape == (45, 117) and np.isfinite(made).all()


def heard_song(seed: int, style: str = "house") -> HeardSong:
    """Forty seconds of a planned song, heard perfectly but for 5 ms, without any sound being made."""
    plan = plan_song(style, seed)
    start = 10.0
    beats = plan.beat_times - start
    beats = beats[(beats >= 0) & (beats < 40)] + 0.005
    rhythm = np.random.default_rng(seed).random((600, 8)).astype(np.float32)
    return HeardSong(plan, start, rhythm, beats, plan.tempo)


def test_heard_music_is_the_song_at_that_time() -> None:
    song = heard_song(3)
    music = heard_music(song, 6.0, 90, np.random.default_rng(0))
    assert music.shape == (90, 16)
    np.testing.assert_allclose(music[:, 8:], song.rhythm[90:180], atol=1e-6)
    counts = song.plan.counts(song.start + 6.0 + np.arange(90) / 15) - 1
    heard = np.arctan2(music[:, 4], music[:, 5]) / (2 * np.pi) * 8
    assert np.abs((heard - counts + 4) % 8 - 4).max() < 0.2  # the count of 8 is the true one


def test_a_tracker_that_is_wrong_is_not_believed() -> None:
    song = heard_song(3)
    wrong = HeardSong(song.plan, song.start, song.rhythm, song.beats + 30 / song.tempo, song.tempo)
    assert song.well_tracked > 0.95 and wrong.well_tracked < 0.1
    twice = np.sort(np.r_[song.beats, song.beats + 0.2])
    assert HeardSong(song.plan, song.start, song.rhythm, twice, 2 * song.tempo).well_tracked == 0
    for seed in range(8):
        music = heard_music(wrong, 6.0, 90, np.random.default_rng(seed))
        on_beat = np.arctan2(music[:, 0], music[:, 1]) / (2 * np.pi)
        counts = song.plan.counts(song.start + 6.0 + np.arange(90) / 15)
        assert np.abs((on_beat - counts + 0.5) % 1 - 0.5).max() < 0.15


def test_dances_go_to_heard_songs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dabfusion.training.build_dances.SECONDS", 8.0)
    songs = [heard_song(24), heard_song(25, "pop")]
    monkeypatch.setattr("dabfusion.training.build_dances.read_songs", lambda folder: songs)
    maker = DanceMaker(Sources(songs=tmp_path, heard=1.0))
    trained, kept = maker.make(1), maker.make(50)
    assert not trained.held_out
    assert kept.held_out and kept.tempo == pytest.approx(songs[1].plan.tempo)  # a song and a dance for measuring
    styles = [maker.make(seed).style for seed in range(1, 17)]
    assert STYLES.index("house") in styles and len(set(styles)) > 3  # often the song's genre, often another
    assert trained.music.shape == (120, 16) and trained.rotation.shape == (120, 19, 6)
    again = maker.make(1)
    np.testing.assert_array_equal(trained.rotation, again.rotation)
    np.testing.assert_array_equal(trained.music, again.music)


def test_around_a_break_only_those_dance_who_hold_in_it() -> None:
    song = replace(heard_song(3), plan=replace(heard_song(3).plan, lead_in=0.0, tempo=120.0, sections=(
        Section("verse", 0, 48), Section("break", 48, 4), Section("drop", 52, 120))))  # fmt: skip
    for seed in range(10):
        for broken in (True, None):
            start = song.start + _place(song, broken, np.random.default_rng(seed))
            silent = song.plan.energy(start + np.arange(0, 20, 0.1)).min() == 0
            assert silent == bool(broken)


@pytest.mark.parametrize("tempo, breaks", [(1.0, 0.0), (0.0, 1.0)])
def test_crops_at_other_tempi_and_with_breaks_stay_on_the_beat(
    dances: list[PackedDance], tempo: float, breaks: float
) -> None:
    """The arms of the swing rest on the beats: their speed must be least where the features say there is a beat."""
    crops = DanceCrops(dances, replace(PLAIN, tempo=tempo, breaks=breaks))
    batch = crops.batch(64, 45, np.random.default_rng(1))
    speed = batch.codes[..., 36:54].diff(dim=1).norm(dim=-1)  # (B, T-1) of the left arm
    pulse = batch.condition.music[:, :, 6]
    on_beat = torch.minimum(pulse[:, 1:], pulse[:, :-1]) > 0.4
    assert speed[on_beat].mean() < 0.45 * speed.mean()
    tempi = batch.condition.music[:, 0, 7]
    assert (tempi.max() - tempi.min() > 1.0) == bool(tempo)
    if breaks:  # not every window has room for one
        assert ((speed < 0.01).sum(1) >= 4).float().mean() > 0.5
    matrix = batch.codes[..., :6].unflatten(-1, (2, 3))
    torch.testing.assert_close(matrix.norm(dim=-1), torch.ones(matrix.shape[:-1]), atol=1e-3, rtol=0)
