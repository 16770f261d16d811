"""CLIP score: cosine of CLIP's embedding of each frame and Wav2CLIP's embedding of the sound.

The weights are not part of this project: a folder with CLIP ViT-B/32 as transformers stores it
(``clip-vit-base-patch32/``) and ``Wav2CLIP.pt`` or ``.safetensors`` beside it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dabfusion.errors import CheckpointError
from dabfusion.music_encoder.onsets import measure_onsets
from dabfusion.music_encoder.towers import Song
from dabfusion.music_encoder.wav2clip import load_wav2clip
from preprocess.torchvision_ops import ensure_torchvision_ops

from .clip import Clip
from .weights import ENVIRONMENT, MissingWeightsError

CLIP_FOLDER = "clip-vit-base-patch32"
_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class PictureEncoder(Protocol):
    """CLIP's image side: (B, 3, S, S) normalised pixels -> (B, D)."""

    def __call__(self, pixels: Tensor) -> Tensor:
        """Embeddings, not normalised."""


class SoundEncoder(Protocol):
    """Wav2CLIP as a music tower: what each moment of a song sounds like."""

    def encode(self, song: Song, frames: int, fps: float) -> np.ndarray:
        """(frames, D) embeddings; row i stands for the time i / fps."""


class ClipPictures(nn.Module):
    """transformers' CLIP vision tower with its projection, as a plain function of pixels."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, D)."""
        return self.tower(pixel_values=pixels).image_embeds


def load_clip(folder: Path | None) -> tuple[ClipPictures, int, SoundEncoder]:
    """CLIP's image side, the picture size that it takes, and Wav2CLIP, from one folder of weights.

    Raises:
        MissingWeightsError: one of them is not there.
    """
    ensure_torchvision_ops()  # transformers imports torchvision
    from transformers import CLIPVisionModelWithProjection

    named = os.environ.get(ENVIRONMENT)
    places = [p for p in (folder, Path(named) if named else None) if p is not None]
    place = next((p for p in places if (p / CLIP_FOLDER / "config.json").is_file()), None)
    if place is None:
        raise MissingWeightsError(f"{CLIP_FOLDER}/ (CLIP)")
    try:
        sound = load_wav2clip(place)
    except CheckpointError as error:
        raise MissingWeightsError("Wav2CLIP.pt") from error
    tower = CLIPVisionModelWithProjection.from_pretrained(str(place / CLIP_FOLDER), local_files_only=True)
    return ClipPictures(tower.eval()), int(str(tower.config.image_size)), sound


def prepared_pictures(frames: np.ndarray, size: int) -> Tensor:
    """(F, H, W, 3) uint8 -> (F, 3, size, size): short side to ``size`` (bicubic), centre crop, CLIP's normalisation."""
    x = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    scale = size / min(x.shape[-2:])
    to = (max(size, round(x.shape[2] * scale)), max(size, round(x.shape[3] * scale)))
    x = F.interpolate(x, to, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
    top, left = (to[0] - size) // 2, (to[1] - size) // 2
    x = x[..., top : top + size, left : left + size]
    return (x - torch.tensor(_MEAN).view(1, 3, 1, 1)) / torch.tensor(_STD).view(1, 3, 1, 1)


@torch.inference_mode()
def clip_score(clip: Clip, pictures: PictureEncoder, size: int, sound: SoundEncoder) -> float:
    """Mean over frames of the cosine in [-1, 1] of picture and sound at the same moment; 0 without sound."""
    if clip.audio.size == 0:
        return 0.0
    onsets = measure_onsets(clip.audio, clip.sample_rate)
    song = Song(clip.audio, clip.sample_rate, onsets, 0.0, clip.beat_times)
    heard = F.normalize(torch.from_numpy(sound.encode(song, len(clip.frames), clip.fps)).float(), dim=-1)  # (F, D)
    seen = [pictures(prepared_pictures(clip.frames[i : i + 1], size)) for i in range(len(clip.frames))]
    return float((F.normalize(torch.cat(seen), dim=-1) * heard).sum(-1).mean())
