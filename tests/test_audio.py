"""Songs from strangers: every format, and every way in which a file can lie."""

from __future__ import annotations

import struct
import subprocess
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from dabfusion.errors import SongError
from dabfusion.music_encoder.audio import cut_song, decode_song, song_rate
from dabfusion.music_encoder.ffmpeg import ffmpeg_path

RATE = 44100
CLICKS = np.arange(0.5, 3.0, 0.5)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """(N,) or (N, C) float samples as a 16 bit WAV."""
    samples = np.asarray(samples).reshape(len(samples), -1)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    return path


def clicks(seconds: float = 3.0) -> np.ndarray:
    song = np.zeros(int(seconds * RATE))
    t = np.arange(int(0.05 * RATE)) / RATE
    for click in CLICKS[seconds > CLICKS]:
        first = round(click * RATE)
        song[first : first + len(t)] = 0.8 * np.sin(2 * np.pi * 900 * t) * np.exp(-t / 0.01)
    return song


def convert(source: Path, target: Path, *arguments: str) -> Path:
    command = [ffmpeg_path(), "-nostdin", "-loglevel", "error", "-y", "-i", str(source), *arguments, str(target)]
    subprocess.run(command, check=True, timeout=60)
    return target


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "song.wav", clicks())


FORMATS = {
    "wav": (), "mp3": ("-b:a", "128k"), "ogg": ("-c:a", "libvorbis"), "flac": (), "opus": ("-c:a", "libopus"),
    "m4a": ("-c:a", "aac"), "webm": ("-c:a", "libopus"),
}  # fmt: skip


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_decodes_with_its_clicks_in_place(song: Path, tmp_path: Path, extension: str) -> None:
    audio = decode_song(convert(song, tmp_path / f"other.{extension}", *FORMATS[extension]))
    assert audio.dtype == np.float32 and audio.ndim == 1
    assert len(audio) / 22050 == pytest.approx(3.0, abs=0.06)
    for click in CLICKS:
        around = np.abs(audio[int((click - 0.1) * 22050) : int((click + 0.1) * 22050)])
        onset = int(np.argmax(around > 0.3 * around.max())) / 22050 + click - 0.1
        assert onset == pytest.approx(click, abs=0.005)


def test_the_sound_of_a_video_is_read(song: Path, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    convert(song, video, "-f", "lavfi", "-i", "color=size=64x64:rate=10:duration=3", "-pix_fmt", "yuv420p")
    assert len(decode_song(video)) / 22050 == pytest.approx(3.0, abs=0.06)


@pytest.mark.parametrize("name", ["Größe – 踊り🎵.wav", "-i.wav", "http:__x.wav", "a b'c\"d;e$(f).wav", "%03d.wav"])
def test_any_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    assert len(decode_song(write_wav(tmp_path / name, clicks()))) > 60000


def test_a_path_through_dots_is_only_a_path(song: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert len(decode_song(tmp_path / "sub" / ".." / song.name)) > 60000


def rejected(path: Path) -> str:
    begun = time.monotonic()
    with pytest.raises(SongError) as caught:
        decode_song(path, timeout=20)
    assert time.monotonic() - begun < 15
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and str(path) not in sentence
    with pytest.raises(SongError):
        cut_song(path, 0.0, 1.0, path.with_name("piece.out"))
    return sentence


def test_missing_empty_and_folders(tmp_path: Path) -> None:
    assert "not there" in rejected(tmp_path / "nothing.mp3")
    assert "not there" in rejected(tmp_path)
    (tmp_path / "empty.mp3").touch()
    assert "empty" in rejected(tmp_path / "empty.mp3")


@pytest.mark.parametrize("extension", ["mp3", "wav", "ogg", "m4a", "flac"])
def test_text_under_another_name(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"text.{extension}"
    path.write_text("This is a letter and not a song.\n" * 200)
    assert "cannot be read" in rejected(path)


def test_random_bytes(tmp_path: Path) -> None:
    path = tmp_path / "noise.ogg"
    path.write_bytes(np.random.default_rng(3).bytes(50000))
    rejected(path)


def test_playlists_never_reach_another_file(song: Path, tmp_path: Path) -> None:
    lists = {
        "list.mp3": f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{song}\n#EXT-X-ENDLIST\n",
        "web.mp3": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        "concat.mp3": f"ffconcat version 1.0\nfile '{song}'\n",
        "session.wav": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        rejected(tmp_path / name)


def test_a_video_without_sound_says_so(tmp_path: Path) -> None:
    silent = tmp_path / "silent.mp4"
    command = [
        ffmpeg_path(),
        "-nostdin",
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        "color=size=64x64:rate=10:duration=1",
    ]
    subprocess.run([*command, "-pix_fmt", "yuv420p", str(silent)], check=True, timeout=60)
    assert "no sound" in rejected(silent)


def test_one_sample_is_too_short(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "one.wav", np.ones(1) * 0.5)
    with pytest.raises(SongError, match="shorter"):
        decode_song(path)


def test_a_silent_song_is_a_song(tmp_path: Path) -> None:
    audio = decode_song(write_wav(tmp_path / "quiet.wav", np.zeros(RATE)))
    assert len(audio) == 22050 and not audio.any()


def float_wav(path: Path, samples: np.ndarray) -> Path:
    data = samples.astype("<f4").tobytes()
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, 22050, 88200, 4, 32)
    riff = struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE")
    header = riff + fmt + struct.pack("<4sI", b"data", len(data))
    path.write_bytes(header + data)
    return path


def test_a_few_broken_samples_become_silence(tmp_path: Path) -> None:
    samples = 0.1 * np.ones(44100)
    samples[5000:5010] = np.nan
    audio = decode_song(float_wav(tmp_path / "nan.wav", samples))
    assert np.isfinite(audio).all() and len(audio) == 44100
    assert cut_song(tmp_path / "nan.wav", 0.0, 1.0, tmp_path / "piece.wav") == 44100


def test_a_song_of_broken_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SongError, match="broken"):
        decode_song(float_wav(tmp_path / "nan.wav", np.full(44100, np.nan)))


def lying_wav(path: Path, claimed: int, samples: np.ndarray) -> Path:
    write_wav(path, samples)
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", claimed)
    path.write_bytes(bytes(data))
    return path


def test_a_header_that_claims_hours_gives_what_is_there(tmp_path: Path) -> None:
    audio = decode_song(lying_wav(tmp_path / "lie.wav", 0x7FFFFFF0, clicks(2.0)), max_seconds=60)
    assert len(audio) / 22050 == pytest.approx(2.0, abs=0.01)


def test_a_long_song_is_refused_by_what_comes_out(tmp_path: Path) -> None:
    flac = convert(write_wav(tmp_path / "long.wav", np.zeros(12 * 8000), 8000), tmp_path / "long.flac")
    assert len(decode_song(flac, max_seconds=12.5)) == 12 * 22050
    with pytest.raises(SongError, match="longer than"):
        decode_song(flac, max_seconds=11.0)


def test_a_truncated_song_gives_its_readable_part(song: Path, tmp_path: Path) -> None:
    whole = convert(song, tmp_path / "whole.mp3", "-b:a", "128k").read_bytes()
    (tmp_path / "half.mp3").write_bytes(whole[: len(whole) // 2])
    assert 1.0 < len(decode_song(tmp_path / "half.mp3")) / 22050 < 2.0
    m4a = convert(song, tmp_path / "whole.m4a").read_bytes()
    (tmp_path / "half.m4a").write_bytes(m4a[: len(m4a) // 2])
    rejected(tmp_path / "half.m4a")


def test_time_is_limited(song: Path) -> None:
    with pytest.raises(SongError, match="too long"):
        decode_song(song, timeout=0.0)


@pytest.mark.parametrize(
    ("rate", "kept"), [(44100, 44100), (48000, 48000), (22050, 44100), (96000, 48000), (8000, 48000)]
)
def test_the_piece_keeps_the_family_of_rates(tmp_path: Path, rate: int, kept: int) -> None:
    assert song_rate(write_wav(tmp_path / "song.wav", np.zeros(rate), rate)) == kept


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return samples / 32767, file.getframerate()


@pytest.mark.parametrize(("start", "length"), [(0.0, 1.0), (0.7331, 1.5), (2.0, 1.0)])
def test_the_piece_is_exact_to_the_sample(tmp_path: Path, start: float, length: float) -> None:
    stereo = np.random.default_rng(0).uniform(-0.5, 0.5, (3 * RATE, 2))
    song = write_wav(tmp_path / "song.wav", stereo)
    assert cut_song(song, start, length, tmp_path / "piece.wav") == RATE
    piece, rate = read_wav(tmp_path / "piece.wav")
    first = round(start * RATE)
    assert rate == RATE and piece.shape == (round(length * RATE), 2)
    np.testing.assert_allclose(piece, stereo[first : first + len(piece)], atol=1e-4)


def test_the_piece_of_a_short_song_ends_in_silence(song: Path, tmp_path: Path) -> None:
    cut_song(song, 2.4, 2.0, tmp_path / "piece.wav")
    piece, _ = read_wav(tmp_path / "piece.wav")
    assert len(piece) == 2 * RATE and piece[: int(0.6 * RATE)].any() and not piece[int(0.61 * RATE) :].any()
    with pytest.raises(SongError, match="start earlier"):
        cut_song(song, 10.0, 1.0, tmp_path / "piece.wav")
    with pytest.raises(ValueError, match="length"):
        cut_song(song, 0.0, 0.0, tmp_path / "piece.wav")
