"""What the rest of the project knows about a song."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .beats import beat_features

BEATS_TOWER = "beats"


@dataclass(frozen=True)
class MusicEmbedding:
    """DabFusion's music embedding e on the model's frame grid, with the beats that it was made from.

    Attributes:
        features: (T, D) float32; row i stands for the time i / fps; the towers' columns side by side.
        fps: rows a second.
        tempo: BPM; 0 where the song has no beat.
        beat_times: (B,) ascending seconds.
        duration: seconds.
        towers: names of the towers, in the order of their columns.
        widths: number of columns of each tower.
        first_count: count (of 8) of ``beat_times[0]``.
    """

    features: np.ndarray
    fps: float
    tempo: float
    beat_times: np.ndarray
    duration: float
    towers: tuple[str, ...]
    widths: tuple[int, ...]
    first_count: int = 0

    def __post_init__(self) -> None:
        if len(self.towers) != len(self.widths):
            raise ValueError(f"{len(self.towers)} towers but {len(self.widths)} widths")
        if self.features.ndim != 2 or self.features.shape[1] != sum(self.widths):
            raise ValueError(f"features {self.features.shape} do not fit the widths {self.widths}")

    def section(self, start: float, length: float) -> MusicEmbedding:
        """The piece [start, start + length) of the song, in its own time: row i stands for start + i / fps.

        ``start`` need not lie on the frame grid: rows are interpolated, and the beats tower is computed anew, so that
        the beats keep their exact places. Beyond the song's ends the last rows go on, and so does the beat grid.

        Args:
            start: seconds, >= 0.
            length: seconds, > 0.

        Returns:
            An embedding of ceil(length * fps) rows whose ``beat_times`` lie in [0, length).

        Raises:
            ValueError: a negative start or a length that is not positive.
        """
        if start < 0 or length <= 0:
            raise ValueError(f"start must be >= 0 and length > 0, got {start} and {length}")
        times = start + np.arange(max(int(np.ceil(length * self.fps - 1e-6)), 1)) / self.fps
        inside = (self.beat_times >= start) & (self.beat_times < start + length)
        skipped = int(np.argmax(inside)) if inside.any() else 0
        return MusicEmbedding(
            features=self._features_at(times),
            fps=self.fps,
            tempo=self.tempo,
            beat_times=self.beat_times[inside] - start,
            duration=length,
            towers=self.towers,
            widths=self.widths,
            first_count=(self.first_count + skipped) % 8,
        )

    def tower(self, name: str) -> np.ndarray:
        """The columns (T, width) of one tower; KeyError where the embedding has no such tower."""
        if name not in self.towers:
            raise KeyError(name)
        index = self.towers.index(name)
        first = sum(self.widths[:index])
        return self.features[:, first : first + self.widths[index]]

    def _features_at(self, times: np.ndarray) -> np.ndarray:
        grid = np.arange(len(self.features)) / self.fps
        columns = []
        for name in self.towers:
            if name == BEATS_TOWER:
                columns.append(beat_features(times, self.beat_times, self.tempo, count_offset=self.first_count))
            else:
                columns.append(np.stack([np.interp(times, grid, column) for column in self.tower(name).T], 1))
        return np.concatenate(columns, 1).astype(np.float32)
