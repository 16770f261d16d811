"""The music encoder: towers side by side, over the whole song, once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import CheckpointError
from .audio import decode_song
from .bar_phase import first_count
from .beat_tracker import beats_from_onsets
from .beats import frame_count
from .embedding import MusicEmbedding
from .onsets import SAMPLE_RATE, measure_onsets
from .towers import BeatsTower, RhythmTower, Song, Tower

DEFAULT_TOWERS = ("beats", "rhythm")
DEFAULT_FPS = 15.0  # rows a second: the rate of flow codes


class MusicEncoder:
    """DabFusion's music encoder, e = [tower 1, tower 2, ...], composed of towers that were built elsewhere.

    >>> encoder = MusicEncoder([BeatsTower(), RhythmTower()], fps=15.0)
    >>> encoder.encode(np.zeros(22050, np.float32), 22050).features.shape
    (15, 16)
    """

    def __init__(self, towers: Sequence[Tower], fps: float = DEFAULT_FPS) -> None:
        if not towers or fps <= 0:
            raise ValueError("at least one tower and a positive frame rate are needed")
        self.towers = tuple(towers)
        self.fps = fps

    @property
    def width(self) -> int:
        """Numbers per frame of all towers together."""
        return sum(tower.width for tower in self.towers)

    def encode(self, audio: np.ndarray, sample_rate: int) -> MusicEmbedding:
        """Listens to a whole song.

        Args:
            audio: (N,) float32 mono, full scale 1.0.
            sample_rate: Hz.

        Returns:
            The embedding with round(duration * fps) rows, at least one; zeros and no beats for silent and empty songs.
        """
        onsets = measure_onsets(audio, sample_rate)
        tempo, beat_times = beats_from_onsets(onsets, len(audio) / sample_rate)
        count = first_count(onsets, beat_times)
        song = Song(np.asarray(audio, np.float32), sample_rate, onsets, tempo, beat_times, count)
        frames = frame_count(song.duration, self.fps)
        columns = [tower.encode(song, frames, self.fps) for tower in self.towers]
        return MusicEmbedding(
            features=np.concatenate(columns, 1).astype(np.float32),
            fps=self.fps,
            tempo=tempo,
            beat_times=beat_times,
            duration=song.duration,
            towers=tuple(tower.name for tower in self.towers),
            widths=tuple(tower.width for tower in self.towers),
            first_count=count,
        )

    def encode_file(self, path: Path | str) -> MusicEmbedding:
        """Decodes a song file (once) and listens to it; SongError where that cannot be done."""
        return self.encode(decode_song(path), SAMPLE_RATE)


def build_music_encoder(
    names: Sequence[str] = DEFAULT_TOWERS, fps: float = DEFAULT_FPS, weights: Path | str | None = None
) -> MusicEncoder:
    """Builds the encoder that a checkpoint names.

    Args:
        names: towers out of "beats", "rhythm", "clap", "wav2clip".
        fps: rows a second.
        weights: folder with the weights of the learned towers (``clap/``, ``wav2clip/``), see :func:`build_tower`.

    Raises:
        CheckpointError: an unknown tower, or one whose weights are not there.
    """
    return MusicEncoder([build_tower(name, weights) for name in names], fps)


def build_tower(name: str, weights: Path | str | None = None) -> Tower:
    """Builds one tower by its name; see :func:`build_music_encoder`."""
    if name == "beats":
        return BeatsTower()
    if name == "rhythm":
        return RhythmTower()
    folder = Path(weights) if weights is not None else None
    if name == "clap":
        from .clap import load_clap  # late: transformers takes seconds to import

        return load_clap(folder / "clap" if folder else None)
    if name == "wav2clip":
        from .wav2clip import load_wav2clip

        if folder is None:
            raise CheckpointError("The wav2clip tower needs a folder with its weights; see the README.")
        return load_wav2clip(folder / "wav2clip")
    raise CheckpointError(f"There is no music tower named {name!r}; known are beats, rhythm, clap and wav2clip.")
