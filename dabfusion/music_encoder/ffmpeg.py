"""Running ffmpeg on a file from a stranger: bounded time, memory and output, a closed list of formats, no network.

The ffmpeg is the one that imageio-ffmpeg carries, so nothing has to be installed beside Python packages.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

#: What may be opened: sound files and the common video containers. No playlists (hls, concat), no picture sequences.
DEMUXERS: tuple[str, ...] = ("wav", "w64", "aiff", "caf", "mp3", "ogg", "flac", "aac", "mov", "matroska")
MAX_ALLOCATION = 256 * 2**20  # bytes of a single block inside ffmpeg
MAX_MESSAGES = 32 * 2**10  # bytes of ffmpeg's own messages that are kept
CHUNK = 1 << 18  # bytes read at a time


@dataclass
class Outcome:
    """What is known of a run once its output has been read.

    Attributes:
        messages: the beginning of what ffmpeg said.
        code: its exit status; None while it runs.
        timed_out: it was stopped because its time was over.
    """

    messages: str = ""
    code: int | None = None
    timed_out: bool = False


def ffmpeg_path() -> str:
    """The ffmpeg program to run."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def input_arguments(path: Path) -> list[str]:
    """Arguments that open a stranger's file and nothing else; the name is never taken for an option or an address."""
    return [
        "-protocol_whitelist", "file,pipe",
        "-format_whitelist", ",".join(DEMUXERS),
        "-max_streams", "64",
        "-i", f"file:{path.absolute()}",
    ]  # fmt: skip


def stream_output(arguments: list[str], timeout: float, outcome: Outcome) -> Generator[bytes, None, None]:
    """Runs ffmpeg and yields what it writes to its standard output.

    The process is killed when the time is over, and when the caller stops reading (or fails) early.

    Args:
        arguments: everything after ``ffmpeg -nostdin ...``; the output must be ``pipe:1``.
        timeout: wall-clock seconds for the whole run.
        outcome: filled in when the run ends.
    """
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", "-nostats", "-max_alloc", str(MAX_ALLOCATION), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    kept = bytearray()
    listener = threading.Thread(target=_listen, args=(process, kept), daemon=True)
    timer = threading.Timer(timeout, _stop, (process, outcome))
    timer.daemon = True
    listener.start()
    timer.start()
    try:
        if process.stdout is not None:
            while block := process.stdout.read(CHUNK):
                yield block
        process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
        outcome.code = process.wait()
        listener.join(timeout=5)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        outcome.messages = kept.decode("utf-8", "replace")


def _listen(process: subprocess.Popen[bytes], kept: bytearray) -> None:
    """Drains the messages, so that the process never waits for us, and keeps the first of them."""
    if process.stderr is None:
        return
    while block := process.stderr.readline(4096):
        if len(kept) < MAX_MESSAGES:
            kept.extend(block[: MAX_MESSAGES - len(kept)])


def _stop(process: subprocess.Popen[bytes], outcome: Outcome) -> None:
    outcome.timed_out = True
    process.kill()
