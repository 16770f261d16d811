"""Made-up videos of a few frames, named as the AIST Dance Video Database names them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np
import soundfile


def write_video(path: Path, frames: np.ndarray, fps: int) -> None:
    """(F, H, W, 3) uint8 as mp4."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        stream.options = {"crf": "4"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def grey(values: np.ndarray, height: int = 48, width: int = 80) -> np.ndarray:
    """Frames (len(values), height, width, 3) uint8 of one grey each."""
    return np.broadcast_to(values.astype(np.uint8)[:, None, None, None], (len(values), height, width, 3)).copy()


def write_database(folder: Path, videos: Mapping[str, np.ndarray], fps: int) -> Path:
    """Videos (name without suffix -> frames) and a silent song for each of them; returns the folder."""
    (folder / "videos").mkdir(parents=True)
    (folder / "wav").mkdir()
    for stem, frames in videos.items():
        write_video(folder / "videos" / f"{stem}.mp4", frames, fps)
    for song in {stem.split("_")[-2] for stem in videos}:
        soundfile.write(folder / "wav" / f"{song}.wav", np.zeros(800, np.float32), 8000)
    return folder
