"""Reading finished videos back: their frames, and what the file says and holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from .errors import VideoError


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds.

    Attributes:
        frame_count: decoded frames.
        fps: average frames a second.
        width, height: pixels.
        video_duration: frame_count / fps, seconds.
        audio_duration: decoded samples / sample rate, seconds; None without sound.
        sample_rate: Hz; None without sound.
        codecs: names of the video and the audio codec ("" without sound).
        pixel_format: for example "yuv420p".
        metadata: the file's tags.
    """

    frame_count: int
    fps: float
    width: int
    height: int
    video_duration: float
    audio_duration: float | None
    sample_rate: int | None
    codecs: tuple[str, str]
    pixel_format: str
    metadata: dict[str, str]


def read_frames(path: Path | str, max_frames: int | None = None, every: int = 1) -> tuple[np.ndarray, float]:
    """All frames of a video, or the first ``max_frames``, or only each ``every``-th, which bounds the memory.

    Returns:
        (F, H, W, 3) uint8 RGB and the average frames a second of what is returned.

    Raises:
        VideoError: the file is not there, is no video, or holds no frame.
    """
    with _opened(path) as container:
        stream = _video_stream(container, path)
        frames = []
        for number, frame in enumerate(_decoded(container, stream, path)):
            if number % every:
                continue
            frames.append(_to_rgb(frame))
            if max_frames is not None and len(frames) >= max_frames:
                break
        if not frames:
            raise VideoError(f"There are no frames in {Path(path).name}.")
        return np.stack(frames), float(stream.average_rate or 0) / every


def probe(path: Path | str) -> VideoInfo:
    """Counts what a video file really holds, by decoding it.

    Raises:
        VideoError: the file is not there or is no video.
    """
    with _opened(path) as container:
        stream = _video_stream(container, path)
        count = sum(1 for _ in _decoded(container, stream, path))
        fps = float(stream.average_rate or 0)
        audio_codec, rate = "", None
        if container.streams.audio:
            audio_codec, rate = container.streams.audio[0].codec_context.name, int(container.streams.audio[0].rate)
        context = stream.codec_context
        metadata = dict(container.metadata)
        codecs, pixel_format = (context.name, audio_codec), str(context.pix_fmt)
        width, height = context.width, context.height
    samples = _count_samples(path) if rate else 0
    return VideoInfo(
        count, fps, width, height, count / fps if fps else 0.0, samples / rate if rate else None, rate, codecs,
        pixel_format, metadata,
    )  # fmt: skip


def _opened(path: Path | str) -> av.container.InputContainer:
    if not Path(path).is_file():
        raise VideoError(f"The video {Path(path).name} is not there.")
    try:
        return av.open(str(Path(path).absolute()), mode="r")
    except (av.FFmpegError, ValueError) as error:
        raise VideoError(f"The file {Path(path).name} cannot be read as a video.") from error


def _video_stream(container: av.container.InputContainer, path: Path | str) -> av.VideoStream:
    if not container.streams.video:
        raise VideoError(f"There is no picture in {Path(path).name}.")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _decoded(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path | str
) -> Iterator[av.VideoFrame]:
    try:
        yield from container.decode(stream)
    except av.FFmpegError as error:
        raise VideoError(f"The video {Path(path).name} is damaged.") from error


def _to_rgb(frame: av.VideoFrame) -> np.ndarray:
    """(H, W, 3) uint8 RGB; the matrix is the one that the file names, BT.601 where it names none."""
    bt709 = frame.colorspace == Colorspace.ITU709
    source = Colorspace.ITU709 if bt709 else Colorspace.ITU601
    return frame.reformat(format="rgb24", src_colorspace=source, dst_color_range=ColorRange.JPEG).to_ndarray()


def _count_samples(path: Path | str) -> int:
    """Samples that a player would play: what the decoder gives out, without the encoder's run-in and padding."""
    with _opened(path) as container:
        try:
            return sum(frame.samples for frame in container.decode(container.streams.audio[0]))
        except av.FFmpegError as error:
            raise VideoError(f"The sound of {Path(path).name} is damaged.") from error
