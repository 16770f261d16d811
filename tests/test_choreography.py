"""Studio's dancers: geometry against forward kinematics, rests on the beats, poses that a body can take."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from dabfusion.errors import UserError
from dabfusion.skeleton import BONES, NUM_BONES, encode_pose, forward_kinematics
from dabfusion.studio import body, motion
from dabfusion.studio.choreography import choreograph
from dabfusion.studio.dance import sample_dance
from dabfusion.studio.motion import FPS, Motion
from dabfusion.studio.moves import LAYERS, STYLES, mirrored, parse_moves
from dabfusion.studio.repertoire import MOVES, POSES
from dabfusion.studio.tracks import HIT, STOP, THROUGH, sample

TEMPO = 112.0
BEAT = 60 / TEMPO


def _align(rests: np.ndarray, beats: np.ndarray) -> float:
    return float(np.exp(-(np.abs(rests[:, None] - beats).min(1) ** 2) / (2 * 0.05**2)).mean())


def _advantage(rests: np.ndarray, beats: np.ndarray) -> float:
    shifted = [_align(rests, beats + k / 8 * BEAT) for k in range(1, 8)]
    return _align(rests, beats) - float(np.mean(shifted))


def _dance(style: str, seed: int, seconds: float = 9.0) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(round(seconds * FPS)) / FPS
    rng = np.random.default_rng(seed)
    made = choreograph(1 + times / BEAT, np.full(len(times), 0.8), style, rng, settled=False)
    return made.rotation.astype(float), made.root


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.degrees(np.arccos(cosine.clip(-1, 1)))


def test_body_points_agree_with_the_models_kinematics() -> None:
    rotation, root = _dance("house", 0, 1.0)
    offsets = torch.tensor(body.OFFSETS, dtype=torch.float32)
    code = torch.tensor(encode_pose(rotation, root / (body.THIGH + body.SHIN)))
    expected = forward_kinematics(code, offsets, torch.zeros(3))
    assert np.allclose(body.body_points(rotation, root), expected.numpy(), atol=1e-4)


def test_euler_signs_are_what_the_notation_says() -> None:
    left, bow, lean = (body.euler(*(np.array(float(x)) for x in a)) for a in ((90, 0, 0), (0, 90, 0), (0, 0, 90)))
    assert np.allclose(left @ [0, 0, 1], [1, 0, 0])  # facing forward turns to the dancer's left, which is +x
    assert np.allclose(bow @ [0, 1, 0], [0, 0, 1])  # the head comes forward
    assert np.allclose(lean @ [0, 1, 0], [-1, 0, 0])  # to the dancer's right


def test_two_bones_reach_their_target_and_bend_as_told() -> None:
    rng = np.random.default_rng(0)
    start = np.zeros((50, 3))
    target = body.reach(start, rng.normal(0, 1, (50, 3)), 0.2, 0.95)
    pole = rng.normal(0, 1, (50, 3))
    rest = (np.array([0, -0.5, 0]), np.array([0, -0.5, 0]))
    first, second = body.two_bone(start, target, pole, rest, np.array([1.0, 0, 0]))
    middle = first @ rest[0]
    assert np.allclose(middle + second @ rest[1], target, atol=1e-9)
    along = target / np.linalg.norm(target, axis=-1, keepdims=True)
    side = middle - along * (middle * along).sum(-1, keepdims=True)
    across = pole - along * (pole * along).sum(-1, keepdims=True)
    assert (_angle(side, across) < 1e-3).all()
    assert np.allclose(np.linalg.det(first), 1) and np.allclose(second @ second.transpose(0, 2, 1), np.eye(3))


def test_tracks_rest_on_counts_and_flow_through_ands() -> None:
    keys = list(LAYERS["turn"].parse("1:0 2:40 2.5:70 3:90 4:10!"))
    assert [k.kind for k in keys] == [STOP, STOP, THROUGH, STOP, HIT]
    counts = np.arange(1, 4.001, 0.001)
    speed = np.abs(np.gradient(sample(keys, counts)[:, 0], counts))
    at = {c: speed[round((c - 1) * 1000)] for c in (1, 2, 2.5, 3, 4)}
    assert max(at[1], at[2], at[3], at[4]) < 1.0 < 30 < at[2.5]
    assert np.allclose(sample(keys, np.array([0.0, 1, 2, 2.5, 3, 4, 9]))[:, 0], [0, 0, 40, 70, 90, 10, 10])


def test_notation_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="no position"):
        LAYERS["la"].parse("1:nowhere")
    with pytest.raises(ValueError, match="numbers"):
        LAYERS["head"].parse("1:1,2,3,4")
    with pytest.raises(ValueError, match="unknown"):
        parse_moves("bad: polka, energy 0.5\n    head 1:nod")
    with pytest.raises(ValueError, match="unknown layer"):
        parse_moves("bad: pop, energy 0.5\n    tail 1:nod")


def test_mirroring_a_score_twice_gives_it_back_and_sides_change() -> None:
    move = parse_moves("m: pop, energy 0.5, whole\n    lf 1:wide\n    arms 1:up\n    la 2:hip\n    hips 1:left")[0]
    other = mirrored(move.score)
    assert mirrored(other) == move.score
    assert other["rf"] == move.score["lf"] and len(other["ra"]) == 2
    assert other["hips"][0].value[0] == -move.score["hips"][0].value[0]


def test_repertoire_is_rich_and_every_genre_has_moves() -> None:
    names = [m.name for m in MOVES]
    assert len(set(names)) == len(names) >= 60 and len(POSES) >= 12
    for style in STYLES:
        assert sum(style in m.styles for m in MOVES) >= 10, style


@pytest.mark.parametrize("style", STYLES)
def test_dancers_rest_on_the_beats(style: str) -> None:
    advantage, energy = [], []
    for seed in range(8):
        speed = motion.body_speed(*_dance(style, seed))
        rests = motion.speed_minima(speed)
        assert len(rests) > 8
        advantage.append(_advantage(rests, np.arange(-2, 30) * BEAT))
        energy.append(speed.mean())
    assert np.mean(advantage) > 0.25
    assert 0.4 < np.mean(energy) < 2.5  # torso lengths per second


@pytest.mark.parametrize("style", STYLES)
def test_bodies_stay_possible(style: str) -> None:
    for seed in range(3):
        rotation, root = _dance(style, seed)
        points = body.body_points(rotation, root)
        assert np.allclose(rotation @ rotation.transpose(0, 1, 3, 2), np.eye(3), atol=1e-5)
        assert points[..., 1].min() > -0.12  # nothing under the ground
        assert np.abs(root[:, [0, 2]]).max() < 1.2
        for side in ("Left", "Right"):
            hip, knee, ankle = (points[:, body.point(side + n)] for n in ("UpLeg", "Leg", "Foot"))
            hinge = rotation[:, body.point(side + "UpLeg"), :, 0]
            bend = (np.cross(knee - hip, ankle - knee) * hinge).sum(-1)
            assert bend.min() > -1e-6  # knees bend forwards only
        assert (
            np.linalg.norm(np.diff(points, axis=0), axis=-1).max() < 0.45
        )  # leg lengths a frame: a fast hit, not a jump


def test_standing_feet_do_not_slide() -> None:
    rotation, root = _dance("street-jazz", 3)
    points = body.body_points(rotation, root)
    moving = []
    for side in ("Left", "Right"):
        toes = points[:, body.point(side + "Toes")]
        speed = np.linalg.norm(np.diff(toes, axis=0), axis=-1)
        moving.append(speed > 0.02)
    airborne = np.mean(moving[0] & moving[1])
    assert airborne < 0.25 and np.mean(~moving[0] | ~moving[1]) > 0.75


def test_a_break_in_the_music_stops_the_dancer() -> None:
    times = np.arange(300) / FPS
    counts = 1 + times / BEAT
    energy = np.where((counts >= 9) & (counts < 13), 0.0, 0.9)
    made = choreograph(counts, energy, "pop", np.random.default_rng(1), settled=False)
    speed = motion.body_speed(made.rotation.astype(float), made.root)
    frozen = speed[(counts > 9.6) & (counts < 12)].mean()
    assert frozen < 0.25 * speed[counts < 8].mean()
    assert speed[counts > 13.5].mean() > 3 * frozen


def test_dances_are_reproducible_and_differ_by_seed() -> None:
    one, again, other = (sample_dance(s, seconds=4) for s in (5, 5, 6))
    assert np.array_equal(one.rotation, again.rotation) and np.array_equal(one.beat_times, again.beat_times)
    assert one.rotation.shape == (120, NUM_BONES, 3, 3) and one.rotation.dtype == np.float32
    assert one.root.shape == (120, 3) and one.energy.shape == one.counts.shape == (120,)
    assert other.style != one.style or not np.allclose(other.rotation, one.rotation)
    assert np.allclose(np.diff(one.beat_times), 60 / one.tempo)
    on_beat = np.interp(one.beat_times, np.arange(120) / FPS, one.counts)
    assert np.allclose(on_beat, np.round(on_beat), atol=1e-6)
    with pytest.raises(ValueError, match="Unknown style"):
        sample_dance(0, seconds=4, style="polka")


def _fake_take(tempo: float, seconds: float = 40.0, slip: float = 0.0) -> Motion:
    """A dancer whose arms swing and stop on every beat of ``tempo``, whose beats are then found again."""
    beat = 60 / tempo
    times = np.arange(round(seconds * FPS)) / FPS
    made = choreograph(
        1 + (times - slip) / beat, np.full(len(times), 0.9), "lock", np.random.default_rng(2), settled=False
    )
    rotation = made.rotation.astype(float)
    return Motion("fake", rotation, made.root, motion.body_beats(rotation, made.root))


def test_beats_of_a_body_are_found() -> None:
    take = _fake_take(100, slip=0.21)
    phase = ((take.beats - 0.21) / 0.6 + 0.5) % 1 - 0.5
    assert abs(np.median(np.diff(take.beats)) - 0.6) < 0.03
    assert np.median(np.abs(phase)) * 0.6 < 0.06


def test_captured_motion_is_bent_on_to_the_beats_of_the_music() -> None:
    take = _fake_take(96, slip=0.3)
    dance = sample_dance(3, seconds=8, style="salsa", takes=[take])
    assert dance.source == "captured" and dance.move_names == ("fake",)
    rests = motion.speed_minima(motion.body_speed(dance.rotation.astype(float), dance.root.astype(float)))
    beat = 60 / dance.tempo
    grid = dance.beat_times[0] + np.arange(-2, 40) * beat
    shifted = [_align(rests, grid + k / 8 * beat) for k in range(1, 8)]
    assert _align(rests, grid) - np.mean(shifted) > 0.2
    forward = dance.rotation[0, 0, :, 2]
    assert forward[2] > 0.6  # begins facing the camera, roughly
    assert np.abs(dance.root[:, [0, 2]]).max() <= motion.STAGE + 1e-6
    with pytest.raises(UserError, match="beats"):
        motion.on_beats(motion.cut(take, 0, 60), np.arange(40) * 0.5, 300)


def test_turning_mirroring_and_resampling_keep_the_pose() -> None:
    take = motion.cut(_fake_take(100, 8), 30, 90)
    assert abs(motion.facing(motion.facing_camera(take, 30.0)) - 30) < 1e-6
    there_and_back = motion.mirrored(motion.mirrored(take))
    assert np.allclose(there_and_back.rotation, take.rotation) and np.allclose(there_and_back.root, take.root)
    flipped = body.body_points(motion.mirrored(take).rotation, motion.mirrored(take).root)
    points = body.body_points(take.rotation, take.root)
    assert np.allclose(flipped[:, body.point("LeftHand")], points[:, body.point("RightHand")] * [-1, 1, 1])
    assert np.allclose(motion.resampled(take, np.arange(60) / FPS).rotation, take.rotation, atol=1e-6)


def test_takes_load_from_a_folder_on_the_ground(tmp_path) -> None:
    take = _fake_take(100, 12)
    quaternion = _quaternions(take.rotation)
    np.savez(
        tmp_path / "a.npz", rotation=quaternion, root=take.root + np.array([0, 0.4, 0]), bones=np.array(BONES), fps=30.0
    )
    loaded = motion.load_takes(tmp_path)[0]
    assert np.allclose(loaded.rotation, take.rotation, atol=1e-3)
    feet = body.body_points(loaded.rotation, loaded.root)[:, [body.point("LeftToes"), body.point("RightToes")], 1]
    assert abs(np.percentile(feet.min(1), 20)) < 0.06
    with pytest.raises(UserError, match="no motion file"):
        motion.load_takes(tmp_path / "nothing")
    np.savez(tmp_path / "b.npz", rotation=quaternion, root=take.root, bones=np.array(BONES[::-1]), fps=30.0)
    with pytest.raises(UserError, match="19 bones"):
        motion.load_takes(tmp_path, "b.npz")


def _quaternions(matrix: np.ndarray) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(matrix.reshape(-1, 3, 3)).as_quat().reshape(*matrix.shape[:2], 4)


def test_the_same_seed_is_the_same_dance_in_every_process() -> None:
    """Python orders sets anew in every process; no choice may hang on that."""
    code = (
        "from dabfusion.studio.dance import sample_dance; import hashlib;"
        "styles = ('house', 'waack', 'krump', 'ballet-jazz');"
        "dances = [sample_dance(seed, seconds=6, style=style) for seed, style in enumerate(styles)];"
        "print(hashlib.sha256(b''.join(d.rotation.tobytes() for d in dances)).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1
