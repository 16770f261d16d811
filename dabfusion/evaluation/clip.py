"""One video to be measured, with the sound and the photo that belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dabfusion.errors import SongError, UserError
from dabfusion.music_encoder.audio import decode_song
from dabfusion.music_encoder.beats import track_beats
from dabfusion.music_encoder.onsets import SAMPLE_RATE
from dabfusion.video_reader import read_frames

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi")
SOUND_SUFFIXES = (".wav", ".mp3", ".ogg", ".flac", ".opus", ".m4a", ".mp4")
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class Clip:
    """A video in memory.

    Attributes:
        name: what the tables call it.
        frames: (F, H, W, 3) uint8 RGB.
        fps: frames a second.
        audio: (N,) float32 mono at `sample_rate`, empty where the file is silent and no song was given.
        sample_rate: Hz.
        beat_times: (B,) seconds of the music beats inside the clip.
        beat_source: where the beats come from: "tracked" in the clip's own sound, or "given".
    """

    name: str
    frames: np.ndarray
    fps: float
    audio: np.ndarray
    sample_rate: int
    beat_times: np.ndarray
    beat_source: str

    @property
    def duration(self) -> float:
        """Seconds of picture."""
        return len(self.frames) / self.fps


def read_clip(path: Path, song: Path | None = None, beat_times: np.ndarray | None = None, every: int = 1) -> Clip:
    """Reads a video and its music.

    Args:
        path: the video.
        song: sound to take instead of the video's own; it starts with the video.
        beat_times: known beats (s); tracked in the sound where None.
        every: keep only each ``every``-th frame of a long video.

    Raises:
        VideoError: the video cannot be read. SongError: the given song cannot.
    """
    frames, fps = read_frames(path, every=every)
    if fps <= 0:
        raise UserError(f"{path.name} does not say how many frames a second it has.")
    audio = decode_song(song) if song is not None else own_sound(path)
    source = "given"
    if beat_times is None:
        source = "tracked"
        beat_times = track_beats(audio, SAMPLE_RATE)[1] if audio.size else np.zeros(0)
    duration = len(frames) / fps
    inside = beat_times[(beat_times >= 0) & (beat_times < duration)]
    return Clip(path.stem, frames, fps, audio[: round(duration * SAMPLE_RATE)], SAMPLE_RATE, inside, source)


def own_sound(path: Path) -> np.ndarray:
    """The sound in a video file, (N,) float32 mono at SAMPLE_RATE; empty where it has none."""
    try:
        return decode_song(path)
    except SongError:
        return np.zeros(0, np.float32)


def list_videos(folder: Path) -> list[Path]:
    """The videos of a folder, and of its sub-folders, by name.

    Raises:
        UserError: there are none.
    """
    if folder.is_file():
        return [folder]
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
    if not found:
        raise UserError(f"There are no videos in {folder}.")
    return found
