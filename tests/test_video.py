"""The finished file: exact counts, the right sound, the tags, and nothing left behind."""

from __future__ import annotations

import json
import os
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dabfusion.ai_mark import burn_mark, draw_mark
from dabfusion.errors import SongError, VideoError
from dabfusion.video import VideoWriter, frame_total, probe, read_frames

RATE = 44100
SIZE = (64, 48)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Three seconds: a tone that is silent but for [1.0, 1.5)."""
    samples = np.zeros(3 * RATE)
    t = np.arange(RATE // 2) / RATE
    samples[RATE : RATE + len(t)] = 0.5 * np.sin(2 * np.pi * 440 * t)
    path = tmp_path / "songs" / "song.wav"
    path.parent.mkdir()
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    return path


def picture(k: int) -> np.ndarray:
    """A frame (48, 64, 3) whose brightness tells its number."""
    return np.full((SIZE[1], SIZE[0], 3), 20 + 5 * k, np.uint8)


def write(path: Path, song: Path, length: float, **settings: object) -> Path:
    options = {"fps": 30, "start": 0.0, "mark": False, "size": SIZE, **settings}
    with VideoWriter(path, song=song, length=length, **options) as writer:
        for k in range(writer.frame_count):
            writer.write(picture(k % 40))
    return path


@pytest.mark.parametrize("fps", [15, 30])
@pytest.mark.parametrize("length", [0.5, 1.0, 1.017, 2.34, 2.9999])
def test_frames_and_sound_are_as_long_as_asked(tmp_path: Path, song: Path, length: float, fps: int) -> None:
    info = probe(write(tmp_path / "out.mp4", song, length, fps=fps))
    assert info.frame_count == round(length * fps) and info.fps == fps
    assert info.audio_duration is not None
    assert abs(info.video_duration - length) <= 0.5 / fps + 1e-6
    assert abs(info.video_duration - info.audio_duration) < 1 / 30
    assert info.codecs == ("h264", "aac") and info.pixel_format == "yuv420p"
    assert (info.width, info.height, info.sample_rate) == (*SIZE, RATE)
    with av.open(str(tmp_path / "out.mp4")) as file:
        durations = [float(stream.duration * stream.time_base) for stream in file.streams]
    assert durations == pytest.approx([round(length * fps) / fps] * 2, abs=1e-3)


def test_frame_total_rounds_to_the_nearest() -> None:
    assert [frame_total(x, 30) for x in (0.001, 1.0, 1.016, 1.017, 10 / 3, 180.0)] == [1, 30, 30, 31, 100, 5400]


def test_frames_come_back_in_order_and_colour(tmp_path: Path, song: Path) -> None:
    frames, fps = read_frames(write(tmp_path / "out.mp4", song, 1.0))
    assert frames.shape == (30, 48, 64, 3) and frames.dtype == np.uint8 and fps == 30
    for k in range(30):
        assert abs(float(frames[k].mean()) - (20 + 5 * k)) < 2.5
    assert len(read_frames(tmp_path / "out.mp4", max_frames=7)[0]) == 7


def test_colours_survive(tmp_path: Path, song: Path) -> None:
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200], [200, 200, 30]], np.uint8)
    frame = np.repeat(colours, 16, 0)[None].repeat(48, 0)  # four stripes
    with VideoWriter(tmp_path / "out.mp4", 30, song, 0.0, 0.5, mark=False, size=SIZE) as writer:
        writer.write(np.stack([frame] * 15))
    back = read_frames(tmp_path / "out.mp4")[0][7]
    np.testing.assert_allclose(back[24, 8::16], colours, atol=6)


def test_the_sound_is_the_piece_of_the_song(tmp_path: Path, song: Path) -> None:
    write(tmp_path / "out.mp4", song, 1.0, start=0.7)  # the tone is at [0.3, 0.8) of the piece
    with av.open(str(tmp_path / "out.mp4")) as file:
        parts = [frame.to_ndarray() for frame in file.decode(audio=0)]
    sound = np.abs(np.concatenate(parts, 1).mean(0))
    loud = np.flatnonzero(sound > 0.1) / RATE
    assert loud[0] == pytest.approx(0.3, abs=0.012) and loud[-1] == pytest.approx(0.8, abs=0.012)


def test_a_song_that_ends_early_is_followed_by_silence(tmp_path: Path, song: Path) -> None:
    info = probe(write(tmp_path / "out.mp4", song, 2.0, start=2.0))
    assert info.frame_count == 60 and abs((info.audio_duration or 0) - 2.0) < 1 / 30
    with pytest.raises(SongError):
        write(tmp_path / "late.mp4", song, 1.0, start=5.0)
    assert sorted(os.listdir(tmp_path)) == ["out.mp4", "songs"]


def test_settings_and_the_tag_are_inside(tmp_path: Path, song: Path) -> None:
    info = probe(write(tmp_path / "out.mp4", song, 0.5, settings={"seed": 7, "style": "größe=;\"'"}))
    comment = json.loads(info.metadata["comment"])
    assert comment["settings"] == {"seed": 7, "style": "größe=;\"'"} and comment["ai_generated"] is True
    assert "AI-generated" in info.metadata["description"]


def test_it_starts_to_play_before_it_is_loaded(tmp_path: Path, song: Path) -> None:
    data = write(tmp_path / "out.mp4", song, 0.5).read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_the_mark_is_small_and_in_the_corner(tmp_path: Path, song: Path) -> None:
    for base in (0, 128, 255):
        frame = np.full((256, 256, 3), base, np.uint8)
        marked = burn_mark(frame, draw_mark((256, 256)))
        changed = np.argwhere((marked != frame).any(2))
        assert changed.min(0)[0] > 230 and changed.min(0)[1] > 150 and changed.max() < 256
        patch = marked[changed.min(0)[0] : changed.max(0)[0], changed.min(0)[1] : changed.max(0)[1]].astype(int)
        assert patch.max() - patch.min() > 100  # light letters on a dark ground, on any picture
        assert (frame == base).all()
    assert burn_mark(np.zeros((16, 16, 3), np.uint8), draw_mark((16, 16))).shape == (16, 16, 3)


def test_the_mark_is_burnt_in_unless_told_otherwise(tmp_path: Path, song: Path) -> None:
    frames = np.full((15, 256, 256, 3), 90, np.uint8)
    for mark in (True, False):
        with VideoWriter(tmp_path / f"{mark}.mp4", 30, song, 0.0, 0.5, mark) as writer:
            writer.write(frames)
    corner = {mark: read_frames(tmp_path / f"{mark}.mp4")[0][5, 236:, 170:] for mark in (True, False)}
    assert np.ptp(corner[True]) > 100 > 10 > np.ptp(corner[False])


def test_the_same_frames_give_the_same_file(tmp_path: Path, song: Path) -> None:
    a, b = (write(tmp_path / f"{name}.mp4", song, 0.5) for name in "ab")
    assert a.read_bytes() == b.read_bytes()


def test_a_failure_leaves_nothing_and_keeps_the_older_file(tmp_path: Path, song: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"older")
    with pytest.raises(RuntimeError), VideoWriter(out, 30, song, 0.0, 2.0, size=SIZE) as writer:
        writer.write(picture(0))
        process = writer._process
        raise RuntimeError("cancelled")
    assert process is not None and process.poll() is not None
    assert sorted(os.listdir(tmp_path)) == ["out.mp4", "songs"] and out.read_bytes() == b"older"


def test_the_file_appears_only_when_it_is_complete(tmp_path: Path, song: Path) -> None:
    out = tmp_path / "out.mp4"
    with VideoWriter(out, 30, song, 0.0, 0.5, size=SIZE) as writer:
        for k in range(15):
            writer.write(picture(k))
            assert not out.exists()
    assert out.exists() and sorted(os.listdir(tmp_path)) == ["out.mp4", "songs"]


def test_too_few_and_too_many_frames(tmp_path: Path, song: Path) -> None:
    with pytest.raises(VideoError, match="1 of 15"), VideoWriter(tmp_path / "a.mp4", 30, song, 0, 0.5, size=SIZE) as w:
        w.write(picture(0))
    with (
        pytest.raises(VideoError, match="More frames"),
        VideoWriter(tmp_path / "a.mp4", 30, song, 0, 0.5, size=SIZE) as w,
    ):
        w.write(np.stack([picture(0)] * 16))
    assert os.listdir(tmp_path) == ["songs"]


def test_wrong_frames(tmp_path: Path, song: Path) -> None:
    for wrong in (np.zeros((48, 64, 3)), np.zeros((64, 48, 3), np.uint8), np.zeros((48, 64, 4), np.uint8)):
        with pytest.raises(VideoError, match="uint8"), VideoWriter(tmp_path / "a.mp4", 30, song, 0, 1, size=SIZE) as w:
            w.write(wrong)
    assert os.listdir(tmp_path) == ["songs"]


def test_what_cannot_be_written_is_said_at_once(tmp_path: Path, song: Path) -> None:
    with pytest.raises(VideoError, match="even"):
        VideoWriter(tmp_path / "a.mp4", 30, song, 0.0, 1.0, size=(63, 48))
    broken: Any = 29.97
    with pytest.raises(VideoError, match="whole number"):
        VideoWriter(tmp_path / "a.mp4", broken, song, 0.0, 1.0, size=SIZE)
    with pytest.raises(VideoError, match="not there"):
        VideoWriter(tmp_path / "no" / "a.mp4", 30, song, 0.0, 1.0, size=SIZE)
    with pytest.raises(VideoError, match="is a folder"):
        VideoWriter(tmp_path / "songs", 30, song, 0.0, 1.0, size=SIZE)


def test_a_folder_that_cannot_be_written_to(song: Path) -> None:
    with (
        pytest.raises(VideoError, match="cannot be written"),
        VideoWriter(Path("/proc/a.mp4"), 30, song, 0.0, 1.0, size=SIZE),
    ):
        pass


def test_a_song_that_is_none_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_text("no song")
    with pytest.raises(SongError), VideoWriter(tmp_path / "a.mp4", 30, tmp_path / "song.mp3", 0, 1, size=SIZE):
        pass
    assert os.listdir(tmp_path) == ["song.mp3"]


def test_reading_what_is_no_video(tmp_path: Path, song: Path) -> None:
    with pytest.raises(VideoError, match="not there"):
        read_frames(tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(VideoError, match="cannot be read"):
        read_frames(tmp_path / "text.mp4")
    with pytest.raises(VideoError, match="no picture"):
        probe(song)
