"""The clap tower: what kind of music it is (DabFusion's tower for style).

LAION-CLAP (Wu et al. 2023, "Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and
Keyword-to-Caption Augmentation"): 512 numbers for ten seconds of 48 kHz sound, by transformers' ``ClapModel`` from
safetensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import CheckpointError
from .towers import Song
from .windows import spread, window_embeddings

if TYPE_CHECKING:
    from transformers import ClapFeatureExtractor, ClapModel

SAMPLE_RATE = 48000  # Hz
MODEL = "laion/clap-htsat-unfused"
WINDOW, WINDOW_HOP = 10.0, 2.5  # s: style changes slowly


class ClapTower:
    """A frozen CLAP as a music tower: the embedding of the surrounding ten seconds for every frame."""

    name = "clap"

    def __init__(self, model: ClapModel, extractor: ClapFeatureExtractor) -> None:
        self._model = model.eval().requires_grad_(False)
        self._extractor = extractor
        self.width = int(model.config.projection_dim)

    def encode(self, song: Song, frames: int, fps: float) -> np.ndarray:
        """(frames, 512) float32 of unit length between its changes; row i stands for the time i / fps."""
        middles, said = window_embeddings(
            song.audio, song.sample_rate, self._listen, rate=SAMPLE_RATE, window=WINDOW, hop=WINDOW_HOP
        )
        return spread(middles, said, frames, fps)

    def _listen(self, samples: Tensor) -> Tensor:
        """(B, n) samples -> (B, 512), unit length."""
        sounds = [row.numpy() for row in samples]
        inputs = self._extractor(sounds, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        heard = self._model.audio_model(input_features=inputs["input_features"], is_longer=inputs["is_longer"])
        projected = self._model.audio_projection(heard.pooler_output)
        return torch.nn.functional.normalize(projected, dim=-1)


def load_clap(folder: Path | None = None) -> ClapTower:
    """The tower with LAION's weights.

    They come from ``folder`` (config.json, preprocessor_config.json, model.safetensors) where it is there, else from
    the Hugging Face hub or its cache; with HF_HUB_OFFLINE=1 the network is left alone.

    Raises:
        CheckpointError: the weights are neither there nor to be had, or transformers does not import here.
    """
    try:
        from transformers import ClapFeatureExtractor, ClapModel  # late: seconds to import
    except ImportError as error:
        raise CheckpointError("The clap tower needs transformers and a torchvision that fits torch.") from error

    source = str(folder) if folder is not None and folder.is_dir() else MODEL
    try:
        extractor = ClapFeatureExtractor.from_pretrained(source)
        model = ClapModel.from_pretrained(source, use_safetensors=True)
    except (OSError, ValueError) as error:
        place = f"in {folder}" if folder is not None else "in the Hugging Face cache"
        raise CheckpointError(
            f"The weights of CLAP are not {place}; get {MODEL} with a network, or choose towers without clap."
        ) from error
    return ClapTower(model, extractor)
