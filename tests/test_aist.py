"""AIST++ as the protocol has it, on made-up videos of a few frames."""

from __future__ import annotations

import numpy as np
import pytest
from aist_videos import grey, write_database, write_video

from dabfusion.errors import UserError
from dabfusion.training.aist import GENRES, SONGS, TEST_SONGS, AistVideos, parse_name, read_squares, square


def numbered(count):
    """Frame k is grey of value 2 k."""
    return grey(2 * np.arange(count))


@pytest.fixture
def folder(tmp_path):
    stems = (
        "gBR_sBM_c01_d04_mBR0_ch01", "gBR_sBM_c02_d04_mBR1_ch02", "gPO_sFM_c09_d10_mPO3_ch11",
        "gBR_sGR_c01_d04_d05_d06_mBR1_ch13", "gHO_sBM_c10_d20_mHO1_ch01",
    )  # fmt: skip
    return write_database(tmp_path / "aist", dict.fromkeys(stems, numbered(60)), 60)


def test_name_tells_everything():
    name = parse_name("gBR_sBM_cAll_d04_mBR0_ch01")
    assert (name.genre, name.situation, name.camera, name.dancers, name.song, name.choreography) == (
        "break",
        "BM",
        "cAll",
        ("d04",),
        "mBR0",
        1,
    )
    assert name.split == "test"
    group = parse_name("gLH_sGR_c07_d16_d17_d18_mLH2_ch21")
    assert group.dancers == ("d16", "d17", "d18") and group.genre == "la-hip-hop" and group.split == "train"


@pytest.mark.parametrize(
    "stem", ["gJS_sBM_c03_d02_mJS3_ch05", "gKR_sFM_c09_d28_mKR2_ch21", "gLH_sGR_c07_d16_d17_d18_mLH2_ch21"]
)
def test_name_is_written_as_it_was_read(stem):
    assert parse_name(stem).stem == stem


@pytest.mark.parametrize(
    "stem", ["dance", "gXX_sBM_c01_d04_mBR0_ch01", "gBR_sBM_c01_d04_mBR9_ch01", "gBR_sBM_c01_d04_mBR0_ch01_extra"]
)
def test_other_names_are_refused(stem):
    with pytest.raises(UserError, match="AIST"):
        parse_name(stem)


def test_split_is_fifty_and_ten_songs_one_a_genre():
    assert len(GENRES) == 10 and len(SONGS) == 60
    assert set(SONGS) > TEST_SONGS and len(set(SONGS) - TEST_SONGS) == 50
    assert sorted(song[1:3] for song in TEST_SONGS) == sorted(GENRES)


def test_videos_are_split_by_song_and_alone_and_seen_by_nine_cameras(folder):
    assert [name.stem for _, name in AistVideos(folder, "train").videos] == [
        "gBR_sBM_c02_d04_mBR1_ch02",
        "gPO_sFM_c09_d10_mPO3_ch11",
    ]
    assert [name.stem for _, name in AistVideos(folder, "test").videos] == ["gBR_sBM_c01_d04_mBR0_ch01"]
    assert len(AistVideos(folder, "train", ("c09",))) == 1


def test_clips_have_ten_frames_a_second_and_the_first_is_the_reference(folder):
    clips = list(AistVideos(folder, "test").clips(0, frames=4))
    assert len(clips) == 2  # 1 s is 10 frames: two stretches of 4, the rest is too short
    assert clips[0].frames.shape == (4, 128, 128, 3) and clips[0].frames.dtype == np.uint8
    shades = [int(c.frames[k, 64, 64, 0]) for c in clips for k in range(4)]
    assert shades == pytest.approx([12 * k for k in range(8)], abs=3)  # every sixth of 60 frames a second
    assert [c.start for c in clips] == [0.0, 0.4]
    assert clips[1].song.name == "mBR0.wav"
    assert np.array_equal(clips[1].reference, clips[1].frames[0])


def test_pairs_start_from_the_first_frame(folder):
    reference, drives = AistVideos(folder, "train").pairs(0, np.random.default_rng(0), 5)
    assert reference.shape == (128, 128, 3) and drives.shape == (5, 128, 128, 3)
    assert reference.max() <= 3 < drives.max()


@pytest.mark.parametrize(("fps", "frames", "wanted"), [(30, 12, [0, 3, 6, 9]), (25, 11, [0, 2, 5, 8, 10])])
def test_rates_that_do_not_divide_take_the_nearest_frames(tmp_path, fps, frames, wanted):
    write_video(tmp_path / "v.mp4", numbered(frames) * 5, fps)
    shades = read_squares(tmp_path / "v.mp4")[:, 64, 64, 0]
    assert shades.astype(int) == pytest.approx([10 * k for k in wanted], abs=4)


def test_square_keeps_the_middle():
    frame = np.zeros((40, 100, 3), np.uint8)
    frame[:, 30:70] = 200
    assert square(frame).shape == (128, 128, 3) and square(frame).min() == 200


def test_missing_songs_and_videos_are_told(folder, tmp_path):
    (folder / "wav" / "mBR0.wav").unlink()
    with pytest.raises(UserError, match=r"mBR0\.wav"):
        AistVideos(folder, "test")
    with pytest.raises(UserError, match="no test videos"):
        AistVideos(folder / "wav", "test")
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    with pytest.raises(UserError, match="cannot be read"):
        read_squares(tmp_path / "bad.mp4")
