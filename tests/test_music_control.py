"""What is measured of a dance at the level of codes, on dances made by hand and on a tiny model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dabfusion.config import STYLES
from dabfusion.evaluation import control_report, style_recognition
from dabfusion.evaluation.heard_dances import (
    GENRES,
    Dancer,
    heard_features,
    held_out_songs,
    load_dance_model,
    start_pose,
)
from dabfusion.evaluation.music_control import (
    Steps,
    TempoCheck,
    breaks_of,
    check_songs,
    count_steps,
    dance_distance,
    steps_per_second,
)
from dabfusion.evaluation.style_recognition import (
    Recognition,
    StyleJudge,
    draw_confusion,
    judge_codes,
    judged_windows,
    recognition_report,
    truth_dances,
)
from dabfusion.flow_diffusion import FlowDiffusionConfig, build_flow_diffusion
from dabfusion.long_video import song_noise
from dabfusion.skeleton import encode_pose, mirror_rotation
from dabfusion.studio.dance import sample_dance
from dabfusion.studio.grid import Section, plan_song
from dabfusion.training.build_songs import HeardSong


def arms(beats_a_second: float, seconds: float = 6.0) -> np.ndarray:
    """Codes at 30 fps of a dancer whose arms come to rest so often a second."""
    time = np.arange(round(seconds * 30)) / 30 + 0.011  # rests fall between frames, but not in the middle
    angle = 0.8 * np.cos(np.pi * beats_a_second * time)
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    turn = np.stack([np.stack(r, -1) for r in ((c, -s, zero), (s, c, zero), (zero, zero, one))], -2)
    rotation = np.tile(np.eye(3), (len(time), 19, 1, 1))
    for bone in (6, 7, 8, 10, 11, 12):
        rotation[:, bone] = turn
    return encode_pose(rotation, np.zeros((len(time), 3)))


def song(style: str = "house", seed: int = 3) -> HeardSong:
    """A heard song with a break from beat 32 to 36 of its plan, without any sound being made."""
    sections = (Section("verse", 0, 32), Section("break", 32, 4), Section("drop", 36, 60))
    plan = replace(plan_song(style, seed), tempo=120.0, lead_in=0.0, sections=sections)
    rhythm = np.random.default_rng(seed).random((450, 8)).astype(np.float32)
    return HeardSong(plan, 4.0, rhythm, np.arange(0, 30, 0.5), 120.0)


def test_steps_are_counted() -> None:
    assert steps_per_second(arms(2.0)) == pytest.approx(2.0, abs=0.35)
    assert steps_per_second(arms(4.0)) == pytest.approx(4.0, abs=0.35)


def test_the_same_dance_twice_as_fast_has_twice_the_steps() -> None:
    def waving(speed: float) -> np.ndarray:
        """Big steps with small ones between them."""
        slow, small = arms(1.4 * speed, 12.0), arms(4.2 * speed, 12.0)
        return slow + 0.15 * (small - small[:1])

    same = count_steps(waving(1.0), waving(2.0), (84.0, 168.0))
    assert same.counted[1] / same.counted[0] == pytest.approx(2.0, abs=0.15)
    deaf = count_steps(waving(1.0), waving(1.0), (84.0, 168.0))
    assert deaf.counted[1] == deaf.unmoved and deaf.unmoved / deaf.counted[0] < 1.6


def test_the_same_moves_at_other_times_are_near_by_pose_only() -> None:
    a = arms(1.5)
    late = np.concatenate([a[10:], a[:10]])
    by_frame, by_pose = dance_distance(a, late)
    assert by_frame > 0.1 and by_pose < 0.03
    assert dance_distance(a, a) == (0.0, 0.0)


def test_breaks_come_from_the_plan() -> None:
    ((start, end),) = breaks_of(song())
    assert start == pytest.approx(12.0, abs=0.05) and end == pytest.approx(14.0, abs=0.05)


def test_features_follow_the_tracked_beats() -> None:
    features = heard_features(song(), 2.25, 4.0)
    assert features.shape == (60, 16)
    assert features[0, 1] == pytest.approx(-1.0, abs=1e-5)  # cos: half-way between two beats
    assert start_pose(1).shape == (117,) and np.abs(start_pose(1)[-3:]).max() == 0


def test_noise_follows_seed_and_song() -> None:
    rng = np.random.default_rng(0)
    music, other = rng.random((2, 80, 16)).astype(np.float32)
    noise = song_noise(music, 4)
    assert noise.shape == (1, 80, 117)
    torch.testing.assert_close(noise, song_noise(music.copy(), 4))
    assert not torch.allclose(noise, song_noise(music, 5)) and not torch.allclose(noise, song_noise(other, 4))
    torch.testing.assert_close(noise[:, :45], song_noise(music[:45], 4))  # a longer dance begins the same
    long = song_noise(rng.random((3000, 16)).astype(np.float32), 1)
    assert abs(float(long.mean())) < 0.01 and abs(float(long.std()) - 1) < 0.01


@pytest.fixture(scope="module")
def dancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dancer]:
    torch.manual_seed(0)
    model = build_flow_diffusion(FlowDiffusionConfig(STYLES, 16, width=32, depth=1, heads=2))
    torch.nn.init.normal_(model.network.leave.weight, std=0.05)
    folder = tmp_path_factory.mktemp("run")
    model.save(folder)
    yield Dancer(load_dance_model(folder), steps=3)


def test_songs_and_seeds_are_told_apart(dancer: Dancer) -> None:
    found = check_songs(dancer, (song("house", 3), song("pop", 4)), 0)
    assert found["one song, same seed"] == (0.0, 0.0)
    assert found["two songs, same seed"][0] > 0 and found["one song, two seeds"][0] > 0


def test_the_report_is_written(dancer: Dancer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def songs(count: int, folder: Path | None, progress: object) -> list[HeardSong]:
        return [song(GENRES[k % 10], k) for k in range(count)]

    monkeypatch.setattr(control_report, "held_out_songs", songs)
    monkeypatch.setattr(control_report, "load_dance_model", lambda folder: dancer.model)

    def tempo(dancer: Dancer, seed: int, style: str, times: float, told: bool) -> TempoCheck:
        heard = (84.5, 84 * times if told or seed else 63.0)
        return TempoCheck(
            (84.0, 84 * times), heard, Steps((1.2, 2.3), (1.0, 1.9), 1.1), Steps((1.4, 2.1), (1.0, 2.0), 1.2)
        )

    monkeypatch.setattr(control_report, "check_tempo", tempo)
    monkeypatch.setattr(control_report, "_SONGS_FOR_BREAKS", 2)
    path = control_report.measure_control(tmp_path, count=2).write(tmp_path / "out")
    told = json.loads((tmp_path / "out" / "control.json").read_text())
    rows = told["Tempo"]
    twice = rows["84 and 168 BPM, told, generated"]
    assert twice["fast / slow, as seen"] == pytest.approx(2.3 / 1.2, abs=1e-3)
    assert twice["fast / slow, counted in beats"] == pytest.approx(1.9, abs=1e-3) and twice["unmoved"] == 1.1
    assert rows["84 and 126 BPM, tracked, ground truth"]["both tempi known"] == 0.5
    assert 0 <= told["Breaks"]["ground truth"]["share"] < 0.8
    text = path.read_text()
    assert all(title in text for title in ("On the beat", "Tempo", "Breaks", "Songs and seeds"))


def test_a_judge_sees_neither_place_nor_facing() -> None:
    dance = sample_dance(3, seconds=10, style="waack")
    codes = encode_pose(dance.rotation, dance.root - dance.root[0])
    c, s = np.cos(0.7), np.sin(0.7)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    moved = encode_pose(turn @ dance.rotation, (dance.root - dance.root[0]) @ turn.T + np.float32([0.3, 0, -0.2]))
    a, b = judged_windows(codes, 30), judged_windows(moved, 30)
    assert a.shape == (2, 60, 72)
    torch.testing.assert_close(a, b, atol=2e-4, rtol=0)
    assert len(judged_windows(codes[:150], 30)) == 0


def test_a_mirrored_window_is_a_mirrored_dance() -> None:
    dance = sample_dance(3, seconds=6, style="waack")
    away = dance.root - dance.root[0]
    other = encode_pose(mirror_rotation(dance.rotation).astype(np.float32), away * np.float32([-1, 1, 1]))
    seen = style_recognition.mirrored(judged_windows(encode_pose(dance.rotation, away), 30))
    torch.testing.assert_close(seen, judged_windows(other, 30), atol=1e-3, rtol=0)


def test_recognition_counts_windows(tmp_path: Path) -> None:
    truth = Recognition(np.array([0, 0, 1, 9]), np.array([0, 1, 1, 9]))
    assert truth.accuracy == 0.75 and truth.confusion[0, 1] == 0.5 and truth.confusion[9, 9] == 1
    made = truth_dances(1, 10, seconds=6.0)
    judged = judge_codes(StyleJudge().eval(), [c for _, c in made], [GENRES[g] for g, _ in made])
    assert judged.asked.tolist() == list(range(10)) and ((judged.seen >= 0) & (judged.seen < 10)).all()
    report = recognition_report(truth, judged, tmp_path)
    assert report.summary[0].readings["recognised"].value == 0.75 and (tmp_path / "confusion.png").stat().st_size > 5000
    draw_confusion(tmp_path / "one.png", {"one": truth})


def test_a_judge_learns_ground_truth() -> None:
    judge = style_recognition.train_judge(dances=40, steps=120)
    seen = style_recognition.judge_truth(judge, 20)
    assert seen.accuracy > 0.3  # chance is 0.1; the real one has thirty times the dances and steps


def test_held_out_songs_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dabfusion.evaluation.heard_dances.hear_song", lambda style, seed: song(style, seed % 97))
    assert [s.plan.style for s in held_out_songs(12)] == [*GENRES, *GENRES[:2]]
