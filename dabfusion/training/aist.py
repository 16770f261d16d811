"""AIST++ as DabFusion uses it: videos by the songs' split, 128 x 128, 10 frames a second, first frame as the reference.

The folder holds the videos of the AIST Dance Video Database (``gBR_sBM_c01_d04_mBR0_ch01.mp4``) and their songs
(``mBR0.wav``), in any sub-folders. The database is not ours to ship: get it from its makers under their terms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from dabfusion.errors import UserError

#: Genre codes of the file names -> the names that the project uses.
GENRES: dict[str, str] = {
    "BR": "break", "PO": "pop", "LO": "lock", "MH": "middle-hip-hop", "LH": "la-hip-hop", "HO": "house", "WA": "waack",
    "KR": "krump", "JS": "street-jazz", "JB": "ballet-jazz",
}  # fmt: skip
#: Songs of each genre: number 0 to 5.
SONGS: tuple[str, ...] = tuple(f"m{genre}{n}" for genre in GENRES for n in range(6))
#: The ten songs, one a genre, that AIST++'s cross-modal split tests on; the other fifty are for training.
TEST_SONGS: frozenset[str] = frozenset({"mBR0", "mPO1", "mLO2", "mMH3", "mLH4", "mHO5", "mWA0", "mKR2", "mJS3", "mJB5"})
CAMERAS: tuple[str, ...] = tuple(f"c{n:02d}" for n in range(1, 10))
SPLITS = ("train", "test")
SIZE = 128
FPS = 10
_NAME = re.compile(r"g([A-Z]{2})_s([A-Z]{2})_c(\d{2}|All)_(d\d{2}(?:_d\d{2})*)_(m([A-Z]{2})(\d))_ch(\d{2})")


@dataclass(frozen=True)
class ClipName:
    """What a file name of the database says.

    Attributes:
        genre: as in :data:`GENRES`.
        situation: "BM" (basic moves), "FM" (free moves), ...
        camera: "c01" to "c10", or "cAll" for what belongs to all of them (motion files).
        dancers: one or more, "d04".
        song: "mBR0".
        choreography: number.
    """

    genre: str
    situation: str
    camera: str
    dancers: tuple[str, ...]
    song: str
    choreography: int

    @property
    def split(self) -> str:
        """ "test" for the songs of :data:`TEST_SONGS`, else "train"."""
        return "test" if self.song in TEST_SONGS else "train"

    @property
    def stem(self) -> str:
        """The file name again, without suffix."""
        code = next(k for k, name in GENRES.items() if name == self.genre)
        return f"g{code}_s{self.situation}_{self.camera}_{'_'.join(self.dancers)}_{self.song}_ch{self.choreography:02d}"


def parse_name(stem: str) -> ClipName:
    """Reads a file name without suffix.

    Raises:
        UserError: it is not a name of the database, or its genre or song is unknown.
    """
    found = _NAME.fullmatch(stem)
    if found is None or found[1] not in GENRES or found[5] not in SONGS:
        raise UserError(f"{stem} is not a file name of the AIST database (such as gBR_sBM_c01_d04_mBR0_ch01).")
    return ClipName(GENRES[found[1]], found[2], f"c{found[3]}", tuple(found[4].split("_")), found[5], int(found[8]))


@dataclass(frozen=True)
class AistClip:
    """A stretch of a video, with its song.

    Attributes:
        frames: (N, 128, 128, 3) uint8 RGB at 10 frames a second; frame 0 is the reference.
        song: the wav file.
        start: seconds at which frame 0 lies, in video and song.
        name: of the video.
    """

    frames: np.ndarray
    song: Path
    start: float
    name: ClipName

    @property
    def reference(self) -> np.ndarray:
        """x_ref (128, 128, 3)."""
        return self.frames[0]


class AistVideos:
    """The videos of one side of the split.

    Args:
        folder: holds mp4 and wav files, in any sub-folders.
        split: "train" or "test", by song.
        cameras: which views; group dances (several dancers) are left out.

    Raises:
        UserError: there are no such videos, or a video's song is missing.
    """

    def __init__(self, folder: Path, split: str = "train", cameras: tuple[str, ...] = CAMERAS) -> None:
        if split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, not {split!r}")
        songs = {path.stem: path for path in sorted(folder.rglob("*.wav"))}
        self.videos: list[tuple[Path, ClipName]] = []
        for path in sorted(folder.rglob("*.mp4")):
            name = parse_name(path.stem)
            if name.split == split and name.camera in cameras and len(name.dancers) == 1:
                self.videos.append((path, name))
        if not self.videos:
            raise UserError(f"There are no {split} videos of the AIST database in {folder}.")
        missing = sorted({name.song for _, name in self.videos} - songs.keys())
        if missing:
            raise UserError(f"The song {missing[0]}.wav is missing in {folder} ({len(missing)} in all).")
        self._songs = songs

    def __len__(self) -> int:
        return len(self.videos)

    def frames(self, number: int) -> np.ndarray:
        """One whole video: (N, 128, 128, 3) uint8, decoded anew at every call.

        Raises:
            UserError: the video is damaged.
        """
        path, _ = self.videos[number]
        return read_squares(path)

    def clips(self, number: int, frames: int = 40) -> Iterator[AistClip]:
        """One video cut into stretches of ``frames`` frames, one after the other; a rest that is too short is left out.

        Raises:
            UserError: the video is damaged.
        """
        _, name = self.videos[number]
        whole = self.frames(number)
        for first in range(0, len(whole) - frames + 1, frames):
            yield AistClip(whole[first : first + frames], self._songs[name.song], first / FPS, name)

    def pairs(self, number: int, rng: np.random.Generator, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """The reference and ``count`` random driving frames of one video, for the label-free flow predictor.

        Returns:
            x_ref (128, 128, 3) and x_drive (count, 128, 128, 3), uint8.
        """
        return draw_pairs(self.frames(number), rng, count)


def draw_pairs(frames: np.ndarray, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first frame (S, S, 3) of a video (N, S, S, 3), and ``count`` random ones (count, S, S, 3)."""
    return frames[0], frames[rng.integers(0, len(frames), count)]


def read_squares(path: Path) -> np.ndarray:
    """A video at 10 frames a second, the middle square of each frame at 128 x 128: (N, 128, 128, 3) uint8 RGB.

    Frames are those nearest to multiples of 1 / 10 s; only they are kept while decoding, so that memory stays small.

    Raises:
        UserError: the file is no video, or is damaged.
    """
    kept: list[np.ndarray] = []
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            step = Fraction(stream.average_rate or 0) / FPS
            if step <= 0:
                raise UserError(f"The video {path.name} names no frame rate.")
            for number, frame in enumerate(container.decode(stream)):
                if number == round(len(kept) * step):
                    kept.append(square(frame.to_ndarray(format="rgb24")))
    except (av.FFmpegError, IndexError) as error:
        raise UserError(f"The video {path.name} cannot be read.") from error
    if not kept:
        raise UserError(f"There are no frames in {path.name}.")
    return np.stack(kept)


def square(frame: np.ndarray) -> np.ndarray:
    """A frame (H, W, 3) uint8 cut to the middle square and scaled to 128 x 128, averaging what falls together."""
    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = Image.fromarray(frame[top : top + side, left : left + side])
    return np.asarray(middle.resize((SIZE, SIZE), Image.Resampling.BOX if side >= SIZE else Image.Resampling.BILINEAR))
