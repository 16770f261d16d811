"""A song file from a stranger, decoded once: mono for listening to, and a piece in its own quality for the video.

Reads wav, mp3, ogg, flac, opus and m4a, and the sound of mp4, mov, mkv and webm files. Nothing that a header says is
believed: what counts is how many samples come out of the decoder.
"""

from __future__ import annotations

import re
import wave
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import numpy as np

from ..errors import SongError
from .ffmpeg import Outcome, input_arguments, stream_output
from .onsets import SAMPLE_RATE

MAX_SECONDS = 15 * 60.0
MIN_SECONDS = 0.5
TIMEOUT = 120.0  # s of wall-clock time for one pass over a song
#: Share of samples that may be broken (NaN, infinite) before the song is refused.
MAX_BROKEN = 0.01
CD_RATE, STUDIO_RATE = 44100, 48000  # Hz
TOO_SHORT = f"The song is shorter than {MIN_SECONDS:g} seconds; choose a longer one."
FORMATS = "WAV, MP3, OGG, FLAC, OPUS or M4A"


def decode_song(path: Path | str, *, max_seconds: float = MAX_SECONDS, timeout: float = TIMEOUT) -> np.ndarray:
    """Decodes a whole song to mono at :data:`SAMPLE_RATE` (22050 Hz).

    Args:
        path: the file; its name and extension do not matter.
        max_seconds: longest song that is accepted.
        timeout: wall-clock seconds after which decoding is given up.

    Returns:
        (N,) float32, full scale 1.0, finite, at least MIN_SECONDS long. A silent song is returned as is; of a damaged
        file the readable part is returned.

    Raises:
        SongError: not there, empty, not sound, no sound in it, too short, too long, broken, too slow to decode.
    """
    limit = int(max_seconds * SAMPLE_RATE)
    outcome = Outcome()
    parts: list[np.ndarray] = []
    count = 0
    with closing(_samples(Path(path), SAMPLE_RATE, 1, timeout, outcome)) as blocks:
        for part in blocks:
            parts.append(part[:, 0])
            count += len(part)
            if count > limit:
                raise SongError(f"The song is longer than {max_seconds / 60:g} minutes; cut it and try again.")
    audio = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    parts.clear()  # a long song is kept once, and worked on in place
    _check_outcome(outcome, count)
    if count < MIN_SECONDS * SAMPLE_RATE:
        raise SongError(TOO_SHORT)
    broken = ~np.isfinite(audio)
    if broken.mean() > MAX_BROKEN:
        raise SongError("The song holds broken samples; export it again and try once more.")
    audio[broken] = 0
    return np.clip(audio, -8.0, 8.0, out=audio)


def cut_song(path: Path | str, start: float, length: float, out_path: Path | str, *, timeout: float = TIMEOUT) -> int:
    """Writes the piece [start, start + length) of a song as a 16 bit stereo WAV in the song's own quality.

    The piece is counted in samples from the first sample of the song, as :func:`decode_song` counts them, so that times
    found there hold here. Where the song ends early, silence fills the piece, so that it always has its full length.

    Args:
        path: the song.
        start: seconds from the song's start, >= 0.
        length: seconds, > 0.
        out_path: the WAV file to write; its folder must exist.
        timeout: wall-clock seconds after which decoding is given up.

    Returns:
        The sample rate of the piece: 44100 for songs of the 44.1 kHz family, else 48000.

    Raises:
        SongError: the song cannot be read, or ends before ``start``.
        ValueError: a negative start or a length that is not positive.
    """
    if start < 0 or length <= 0:
        raise ValueError(f"start must be >= 0 and length > 0, got {start} and {length}")
    song = Path(path)
    rate = song_rate(song)
    first, wanted = round(start * rate), round(length * rate)
    position = written = 0
    outcome = Outcome()
    with wave.open(str(out_path), "wb") as out, closing(_samples(song, rate, 2, timeout, outcome)) as blocks:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(rate)
        for block in blocks:
            piece = block[max(first - position, 0) : max(first + wanted - position, 0)]
            out.writeframes(_to_16_bit(piece))
            position += len(block)
            written += len(piece)
            if written >= wanted:
                break
        if written == 0:
            _check_outcome(outcome, position)
            raise SongError(
                f"The song is {position / rate:.1f} s long, so nothing is left at {start:g} s; start earlier."
            )
        out.writeframes(bytes(4 * (wanted - written)))
    return rate


def song_rate(path: Path | str) -> int:
    """The rate at which the song's piece is kept: 44100 for 11025, 22050, 44100 and 88200 Hz songs, else 48000.

    Raises:
        SongError: the file cannot be read as sound.
    """
    outcome = Outcome()
    arguments = ["-t", "0.1", "-vn", "-sn", "-dn", "-map", "0:a:0", "-ac", "1", "-f", "f32le", "pipe:1"]
    song = _checked(Path(path))
    size = sum(len(block) for block in stream_output([*input_arguments(song), *arguments], TIMEOUT, outcome))
    _check_outcome(outcome, size)
    found = re.search(r"Audio: .*?(\d+) Hz", outcome.messages)
    return CD_RATE if found and int(found[1]) % 11025 == 0 else STUDIO_RATE


def _samples(
    path: Path, rate: int, channels: int, timeout: float, outcome: Outcome
) -> Generator[np.ndarray, None, None]:
    """Blocks (n, channels) float32 of the first sound stream of a file."""
    arguments = [
        "-threads", "1", *input_arguments(_checked(path)),
        "-vn", "-sn", "-dn", "-map", "0:a:0", "-ac", str(channels), "-ar", str(rate), "-f", "f32le", "pipe:1",
    ]  # fmt: skip
    rest = b""
    frame = 4 * channels
    with closing(stream_output(arguments, timeout, outcome)) as blocks:
        for block in blocks:
            data = rest + block
            whole = len(data) - len(data) % frame
            rest = data[whole:]
            yield np.frombuffer(data[:whole], "<f4").reshape(-1, channels)


def _checked(path: Path) -> Path:
    """The path, if an ordinary file with something in it lies there."""
    try:
        if not path.is_file():
            raise SongError("The song file is not there; choose it again.")
        if path.stat().st_size == 0:
            raise SongError("The song file is empty; choose another one.")
    except OSError as error:
        raise SongError("The song file cannot be opened; choose another one.") from error
    return path


def _check_outcome(outcome: Outcome, count: int) -> None:
    """Raises the sentence that fits, unless sound came out."""
    if outcome.timed_out:
        raise SongError("The song takes too long to decode; convert it to MP3 or WAV and try again.")
    if count > 0:
        return
    if "matches no streams" in outcome.messages or "does not contain any stream" in outcome.messages:
        raise SongError(f"There is no sound in this file; choose a song as {FORMATS}.")
    if outcome.code == 0:
        raise SongError(TOO_SHORT)
    raise SongError(f"This file cannot be read as a song; use {FORMATS}.")


def _to_16_bit(samples: np.ndarray) -> bytes:
    clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    return np.round(np.clip(clean, -1.0, 1.0) * 32767).astype("<i2").tobytes()
