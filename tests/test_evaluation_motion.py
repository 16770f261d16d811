"""Measures of motion against music, on figures whose motion is known."""

from __future__ import annotations

import numpy as np
import pytest

from dabfusion.evaluation.av_align import av_align, motion_peaks, peak_overlap
from dabfusion.evaluation.beat_advantage import beat_advantage
from dabfusion.evaluation.beat_align import beat_align
from dabfusion.evaluation.beats_covered import beats_covered
from dabfusion.evaluation.kinematic_beats import kinematic_beats
from dabfusion.evaluation.motion import joint_speed, keypoint_acceleration, motion_energy
from dabfusion.evaluation.pose import PoseTrack, dancer_height, detected, keypoint_confidence
from dabfusion.evaluation.seam_jump import seam_jump, track_seam_jump

FPS = 30.0
BEAT = 0.5  # seconds
BEATS = np.arange(0.25, 8, BEAT)
#: A standing figure, torso 40 px long: x, y of the 17 COCO keypoints.
STANDING = np.array(
    [[0, -62], [-3, -65], [3, -65], [-6, -63], [6, -63], [-12, -40], [12, -40], [-16, -20], [16, -20], [-18, 0],
     [18, 0], [-8, 0], [8, 0], [-8, 30], [8, 30], [-8, 60], [8, 60]], float,
)  # fmt: skip


def make_track(points: np.ndarray, fps: float = FPS, confidence: float = 0.9) -> PoseTrack:
    frames = len(points)
    boxes = np.concatenate([points.min(1), points.max(1)], -1)
    return PoseTrack(points, np.full((frames, 17), confidence), boxes, np.full(frames, 0.9), fps)


def dancer(offset: float, seconds: float = 8.0, fps: float = FPS, width: float = 20.0) -> PoseTrack:
    """Sways as a cosine whose turning points lie on the beats moved by `offset` seconds."""
    times = np.arange(round(seconds * fps)) / fps
    sway = width * np.cos(np.pi * (times - BEATS[0] - offset) / BEAT)
    return make_track(STANDING[None] + np.stack([sway, 0 * sway], -1)[:, None], fps)


def jitter(seed: int = 0) -> PoseTrack:
    noise = np.random.default_rng(seed).normal(0, 3, (240, 17, 2))
    return make_track(STANDING[None] + noise)


@pytest.mark.parametrize("fps", [10.0, 30.0, 29.97])
def test_turning_points_are_found_at_their_times(fps: float) -> None:
    found = kinematic_beats(dancer(0.0, fps=fps))
    inner = BEATS[(BEATS > 0.3) & (BEATS < 7.6)]
    assert np.abs(inner[:, None] - found).min(1).max() < 0.012


def test_a_figure_on_the_beat_scores_one_and_keeps_it_as_advantage() -> None:
    beats = kinematic_beats(dancer(0.0))
    assert beat_align(beats, BEATS) > 0.98
    assert beats_covered(beats, BEATS[1:-1]) == 1.0
    assert beat_advantage(beats, BEATS) > 0.7


def test_half_a_beat_off_scores_near_zero() -> None:
    beats = kinematic_beats(dancer(BEAT / 2))
    assert beat_align(beats, BEATS) < 0.05
    assert beats_covered(beats, BEATS) == 0.0
    assert beat_advantage(beats, BEATS) < 0.0


def test_jitter_aligns_by_chance_and_has_no_advantage() -> None:
    values = [beat_advantage(kinematic_beats(jitter(seed)), BEATS) for seed in range(8)]
    scores = [beat_align(kinematic_beats(jitter(seed)), BEATS) for seed in range(8)]
    assert np.mean(scores) > 0.15
    assert abs(np.mean(values)) < 0.03


def test_align_follows_the_formula() -> None:
    assert beat_align(np.array([1.0, 2.05]), np.array([1.0, 2.0])) == pytest.approx((1 + np.exp(-0.5)) / 2)
    assert beat_align(np.array([1.1]), np.array([1.0]), sigma=0.1) == pytest.approx(np.exp(-0.5))


def test_a_frozen_figure_has_no_beats_and_no_energy() -> None:
    still = make_track(np.repeat(STANDING[None], 60, 0))
    beats = kinematic_beats(still)
    assert motion_energy(still) == 0.0 and len(beats) == 0
    assert beat_align(beats, BEATS) == beats_covered(beats, BEATS) == beat_advantage(beats, BEATS) == 0.0


def test_no_music_beats_score_zero() -> None:
    beats = kinematic_beats(dancer(0.0))
    assert beat_align(beats, np.zeros(0)) == beats_covered(beats, np.zeros(0)) == 0.0
    assert beat_advantage(beats, np.array([1.0])) == 0.0


@pytest.mark.parametrize("fps", [10.0, 60.0])
def test_energy_is_torso_lengths_per_second_at_any_rate(fps: float) -> None:
    times = np.arange(int(2 * fps)) / fps
    gliding = make_track(STANDING[None] + np.stack([60 * times, 0 * times], -1)[:, None], fps)  # 60 px/s, torso 40 px
    assert motion_energy(gliding) == pytest.approx(1.5)
    assert keypoint_acceleration(gliding) == pytest.approx(0.0, abs=1e-6)
    assert joint_speed(gliding)[0][0] == pytest.approx(0.5 / fps)


def test_energy_does_not_depend_on_the_size_of_the_dancer() -> None:
    small, large = dancer(0.0), dancer(0.0)
    large = make_track(large.keypoints * 3)
    assert motion_energy(large) == pytest.approx(motion_energy(small))


def test_jitter_shows_as_acceleration() -> None:
    assert keypoint_acceleration(jitter()) > 10 * keypoint_acceleration(dancer(0.0))


def test_a_hidden_joint_is_drawn_through() -> None:
    track = dancer(0.0)
    points, confidence = track.keypoints.copy(), track.confidence.copy()
    points[10:13, 9], confidence[10:13, 9] = 1e4, 0.05
    hidden = PoseTrack(points, confidence, track.boxes, track.score, FPS)
    assert motion_energy(hidden) == pytest.approx(motion_energy(track), rel=0.02)


def test_nobody_in_the_video() -> None:
    nobody = PoseTrack(np.full((9, 17, 2), np.nan), np.zeros((9, 17)), np.full((9, 4), np.nan), np.zeros(9), FPS)
    assert detected(nobody) == keypoint_confidence(nobody) == dancer_height(nobody) == motion_energy(nobody) == 0.0
    assert len(kinematic_beats(nobody)) == 0 and np.isnan(track_seam_jump(nobody, np.array([0.1])))


def test_detected_and_height() -> None:
    track = dancer(0.0, seconds=1)
    score = np.where(np.arange(30) < 12, 0.4, 0.8)
    part = PoseTrack(track.keypoints, track.confidence, track.boxes, score, FPS)
    assert detected(part) == pytest.approx(0.6)
    assert dancer_height(part) == pytest.approx(125.0)
    assert keypoint_confidence(part) == pytest.approx(0.9)


def test_a_jump_at_the_join_is_seen() -> None:
    times = np.arange(60) / FPS
    x = 60 * times + np.where(times >= 1.0, 8.0, 0.0)  # 2 px a frame, 10 px across the join at 1 s
    track = make_track(STANDING[None] + np.stack([x, 0 * x], -1)[:, None])
    assert track_seam_jump(track, np.array([1.0])) == pytest.approx(5.0)
    assert track_seam_jump(track, np.array([0.5])) < 1.0
    assert np.isnan(track_seam_jump(track, np.array([5.0])))
    assert seam_jump(np.ones(9), 10.0, np.array([0.5])) == 1.0


def test_av_align_counts_each_peak_once() -> None:
    assert peak_overlap(np.array([1.0, 2.0]), np.array([1.0, 2.0]), 30) == 1.0
    assert peak_overlap(np.array([1.0, 1.01]), np.array([1.0]), 30) == pytest.approx(1 / 2)
    assert peak_overlap(np.array([1.0]), np.array([1.5]), 30) == 0.0
    assert peak_overlap(np.zeros(0), np.zeros(0), 30) == 0.0


def test_motion_peaks_are_strict_and_strong() -> None:
    peaks = motion_peaks(np.array([0, 0.05, 0, 0.5, 0.5, 0, 2.0, 1.0]), 10)
    assert peaks.tolist() == [pytest.approx(0.7)]


def test_av_align_of_a_square_that_jumps_with_clicks() -> None:
    rate, fps = 22050, 10
    frames = np.zeros((30, 64, 64, 3), np.uint8)
    texture = np.random.default_rng(0).integers(60, 255, (24, 24, 3), np.uint8)
    x, audio = 4, np.zeros(rate * 3, np.float32)
    for n in range(30):
        if n in (8, 16, 24):
            x += 4
            audio[int(n / fps * rate) :][:400] = np.random.default_rng(n).normal(0, 0.5, 400)
        frames[n, 20:44, x : x + 24] = texture
    assert av_align(frames, fps, audio, rate) > 0.7
    assert av_align(np.repeat(frames[:1], 30, 0), fps, audio, rate) == 0.0
    assert av_align(frames, fps, np.zeros(0, np.float32), rate) == 0.0
