"""The finished file: frames streamed one by one into an mp4 (H.264 + AAC) together with the exact piece of the song.

Audio is the clock: a piece of ``length`` seconds has round(length * fps) frames, so that picture and sound end within
half a frame of each other. The file appears under its name only when it is complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from .ai_mark import burn_mark, draw_mark
from .errors import VideoError
from .music_encoder.audio import cut_song
from .music_encoder.ffmpeg import ffmpeg_path
from .video_reader import VideoInfo, probe, read_frames

__all__ = ["VideoInfo", "VideoWriter", "frame_total", "probe", "read_frames"]

QUALITY = 17  # x264 CRF: visually lossless at this size
AUDIO_BITRATE = "192k"
THREADS = 2  # fixed, so that the file does not depend on the machine's cores
CLOSING_TIME = 120.0  # s that the encoder may take for its last frames
MAX_MESSAGES = 16 * 2**10
#: Tags that say how the picture came about, for people and for machines (IPTC digital source type).
AI_NOTE = "AI-generated video: a photo made to dance by DabFusion."
AI_TAGS = {
    "ai_generated": True,
    "software": "DabFusion",
    "digital_source_type": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
}


def frame_total(length: float, fps: int) -> int:
    """Frames of a video of ``length`` seconds: the nearest whole number (halves go up), at least 1."""
    return max(int(np.floor(length * fps + 0.5)), 1)


class VideoWriter:
    """Writes one video; use it as a context manager.

    >>> with VideoWriter("dance.mp4", 30, "song.mp3", start=12.5, length=4.0) as writer:   # doctest: +SKIP
    ...     for frame in frames:
    ...         writer.write(frame)

    Leaving the block normally finishes the file; leaving it by an exception (a failure, a cancel) kills the encoder and
    leaves nothing behind. An older file of the same name stays as it was until the new one is complete.
    """

    def __init__(
        self,
        path: Path | str,
        fps: int,
        song: Path | str,
        start: float,
        length: float,
        mark: bool = True,
        settings: Mapping[str, object] | None = None,
        size: tuple[int, int] = (256, 256),
    ) -> None:
        """Prepares to write; nothing is started before the ``with`` block.

        Args:
            path: the mp4 to write.
            fps: whole frames a second.
            song: the file whose sound goes into the video.
            start: where the piece begins in the song, seconds.
            length: seconds of video; where the song ends earlier, silence follows.
            mark: burn the visible "AI-generated" mark into the frames.
            settings: JSON values to store in the file's comment.
            size: width and height of the frames; both even.

        Raises:
            VideoError: a size or rate that cannot be written, or a folder that is not there.
        """
        self.path = Path(path)
        if fps != int(fps) or fps < 1:
            raise VideoError(f"The frame rate must be a whole number of frames per second; got {fps}.")
        if min(size) < 16 or size[0] % 2 or size[1] % 2:
            raise VideoError(f"The video's width and height must be even and at least 16; got {size[0]} x {size[1]}.")
        if start < 0 or length <= 0:
            raise VideoError(f"The video needs a start of at least 0 s and some length; got {start} s and {length} s.")
        if not self.path.parent.is_dir():
            raise VideoError(f"The folder {self.path.parent} is not there; make it or choose another one.")
        if self.path.is_dir():
            raise VideoError(f"{self.path} is a folder; give the video a file name.")
        self.fps, self.size = int(fps), size
        self.frame_count = frame_total(length, self.fps)
        self.written = 0
        self._song, self._start = Path(song), start
        self._comment = json.dumps({**AI_TAGS, "settings": dict(settings or {})}, ensure_ascii=True)
        self._mark = draw_mark(size) if mark else None
        self._temporary = self.path.with_name(f".dabfusion-{secrets.token_hex(8)}.mp4")
        self._messages = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> VideoWriter:
        try:
            with self._temporary.open("xb"):
                pass
        except OSError as error:
            raise VideoError(f"The folder {self.path.parent} cannot be written to; choose another one.") from error
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="dabfusion-")
            piece = Path(self._folder.name) / "piece.wav"
            cut_song(self._song, self._start, self.frame_count / self.fps, piece)
            self._process = subprocess.Popen(
                self._command(piece), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
            self._listener.start()
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, frames: np.ndarray) -> None:
        """Adds one frame (H, W, 3) or several (B, H, W, 3), uint8 RGB.

        Raises:
            VideoError: another shape or type, more frames than the length has, or the encoder gave up.
        """
        batch = np.asarray(frames)
        if batch.ndim == 3:
            batch = batch[None]
        if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[1:] != (self.size[1], self.size[0], 3):
            raise VideoError(
                f"A frame must be {self.size[1]} x {self.size[0]} x 3 uint8; got {frames.shape} {frames.dtype}."
            )
        if self.written + len(batch) > self.frame_count:
            raise VideoError(f"More frames came than the {self.frame_count} of the video; please report this.")
        if self._process is None or self._process.stdin is None:
            raise VideoError("The video is not open for writing; please report this.")
        for frame in batch:
            picture = frame if self._mark is None else burn_mark(frame, self._mark)
            try:
                self._process.stdin.write(np.ascontiguousarray(picture).tobytes())
            except OSError as error:
                raise VideoError(f"The video cannot be written ({self._reason()}).") from error
            self.written += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._discard()

    def _finish(self) -> None:
        """Lets the encoder end, and gives the file its name."""
        if self.written != self.frame_count or self._process is None or self._process.stdin is None:
            raise VideoError(f"Only {self.written} of {self.frame_count} frames came; please report this.")
        try:
            self._process.stdin.close()
            code = self._process.wait(CLOSING_TIME)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VideoError(f"The video cannot be finished ({self._reason()}).") from error
        if code != 0:
            raise VideoError(f"The video cannot be written ({self._reason()}).")
        try:
            os.replace(self._temporary, self.path)
        except OSError as error:
            raise VideoError(f"The video cannot be saved as {self.path}; choose another name.") from error

    def _discard(self) -> None:
        """Ends the encoder and removes everything but a finished video."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            if self._listener is not None:
                self._listener.join(timeout=5)
            for pipe in (self._process.stdin, self._process.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        self._temporary.unlink(missing_ok=True)
        if self._folder is not None:
            self._folder.cleanup()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Drains the encoder's messages, so that it never waits for us, and keeps the first of them."""
        if process.stderr is None:
            return
        while block := process.stderr.readline(4096):
            if len(self._messages) < MAX_MESSAGES:
                self._messages.extend(block)

    def _reason(self) -> str:
        if self._listener is not None:
            self._listener.join(timeout=1)
        text = self._messages.decode("utf-8", "replace")
        if "No space left" in text:
            return "the disk is full"
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "the encoder stopped"

    def _command(self, piece: Path) -> list[str]:
        width, height = self.size
        return [
            ffmpeg_path(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y",
            "-protocol_whitelist", "file,pipe",
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(self.fps), "-i", "pipe:0",
            "-protocol_whitelist", "file,pipe", "-f", "wav", "-i", f"file:{piece}",
            "-map", "0:v:0", "-map", "1:a:0", "-map_metadata", "-1",
            "-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int+full_chroma_inp",
            "-c:v", "libx264", "-preset", "medium", "-crf", str(QUALITY), "-pix_fmt", "yuv420p",
            "-threads", str(THREADS),
            "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
            "-c:a", "aac", "-b:a", AUDIO_BITRATE,
            "-metadata", f"comment={self._comment}", "-metadata", f"description={AI_NOTE}",
            "-movflags", "+faststart", "-f", "mp4", f"file:{self._temporary.absolute()}",
        ]  # fmt: skip
