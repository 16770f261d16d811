"""The wav2clip tower: sound in CLIP's space of pictures (DabFusion's tower for movement).

Wav2CLIP (Wu et al. 2022, "Wav2CLIP: Learning Robust Audio Representations from CLIP"): a ResNet-18 over the log power
spectrogram of 16 kHz sound, then an MLP into the 512 numbers of CLIP's ViT-B/32. Written from the paper and from the
names in the published checkpoint (MIT, github.com/descriptinc/lyrebird-wav2clip, ``Wav2CLIP.pt``), which it loads.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import CheckpointError
from .towers import Song
from .windows import spread, window_embeddings

SAMPLE_RATE = 16000  # Hz
FFT_SIZE, HOP = 512, 353  # samples
WIDTH = 512
WINDOW, WINDOW_HOP = 1.0, 0.2  # s: movement follows the last second of sound
#: Entries of the published checkpoint that the tower has no use for: a classifier, and the spectrogram's own window.
UNUSED = ("audio_encoder.fc.", "audio_encoder.spectrogram.")


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut: (B, C, H, W) -> (B, C', H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + shortcut)


class SpectrogramResNet(nn.Module):
    """ResNet over the normalised log power spectrogram: (B, n) samples -> (B, channels[-1])."""

    def __init__(self, channels: tuple[int, ...] = (64, 128, 256, 512), blocks: int = 2) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FFT_SIZE), persistent=False)
        self.conv1 = nn.Conv2d(1, channels[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = channels[0]
        for k, outputs in enumerate(channels):
            rest = [ResidualBlock(outputs, outputs, 1) for _ in range(blocks - 1)]
            layer = nn.Sequential(ResidualBlock(inputs, outputs, 1 if k == 0 else 2), *rest)
            self.add_module(f"layer{k + 1}", layer)
            inputs = outputs
        self.depth = len(channels)

    def spectrogram(self, samples: Tensor) -> Tensor:
        """Log power, mean 0 and deviation 1 over each window of sound: (B, n) -> (B, 1, 257, frames)."""
        window = self.get_buffer("window")
        spectrum = torch.stft(samples, FFT_SIZE, HOP, window=window, center=True, return_complex=True)
        log_power = torch.log(spectrum.abs() ** 2 + 1e-7)
        mean = log_power.mean((1, 2), keepdim=True)
        deviation = log_power.std((1, 2), keepdim=True)
        return ((log_power - mean) / (deviation + 1e-9)).unsqueeze(1)

    def forward(self, samples: Tensor) -> Tensor:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(self.spectrogram(samples)))))
        for k in range(self.depth):
            x = self.get_submodule(f"layer{k + 1}")(x)
        return x.mean((2, 3))  # (B, channels[-1])


class Wav2Clip(nn.Module):
    """Wav2CLIP's audio side: (B, n) samples at 16 kHz -> (B, width)."""

    def __init__(self, channels: tuple[int, ...] = (64, 128, 256, 512), blocks: int = 2, width: int = WIDTH) -> None:
        super().__init__()
        self.audio_encoder = SpectrogramResNet(channels, blocks)
        layers = [("0", nn.Linear(channels[-1], width)), ("1", nn.ReLU()), ("3", nn.Linear(width, width))]
        self.audio_transform = nn.ModuleDict({"sequential": nn.Sequential(OrderedDict(layers))})
        self.width = width

    def forward(self, samples: Tensor) -> Tensor:
        return self.audio_transform["sequential"](self.audio_encoder(samples))


class Wav2ClipTower:
    """A frozen Wav2CLIP as a music tower: one embedding of the surrounding second for every frame."""

    name = "wav2clip"

    def __init__(self, network: Wav2Clip) -> None:
        self._network = network.eval().requires_grad_(False)
        self.width = network.width

    def encode(self, song: Song, frames: int, fps: float) -> np.ndarray:
        """(frames, width) float32; row i stands for the time i / fps."""
        middles, said = window_embeddings(
            song.audio, song.sample_rate, self._network, rate=SAMPLE_RATE, window=WINDOW, hop=WINDOW_HOP
        )
        return spread(middles, said, frames, fps)


def load_wav2clip(folder: Path) -> Wav2ClipTower:
    """The tower with the published weights, from ``Wav2CLIP.pt`` or ``Wav2CLIP.safetensors`` in ``folder``.

    Raises:
        CheckpointError: the file is missing, holds more than tensors, or does not fit.
    """
    network = Wav2Clip()
    load_weights(network, _read_tensors(folder))
    return Wav2ClipTower(network)


def load_weights(network: Wav2Clip, tensors: Mapping[str, Tensor]) -> None:
    """Loads a state dict with the published names, strictly; entries without a use there are left out.

    Raises:
        CheckpointError: entries are missing, unknown, or of another shape.
    """
    wanted = {
        key: value
        for key, value in tensors.items()
        if key.startswith(("audio_encoder.", "audio_transform.")) and not key.startswith(UNUSED)
    }
    try:
        network.load_state_dict(wanted, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"The Wav2CLIP weights do not fit: {error}") from error


def _read_tensors(folder: Path) -> Mapping[str, Tensor]:
    safe, published = folder / "Wav2CLIP.safetensors", folder / "Wav2CLIP.pt"
    if safe.is_file():
        return load_file(str(safe))
    if not published.is_file():
        raise CheckpointError(
            f"The weights of Wav2CLIP are not in {folder}; put Wav2CLIP.pt of descriptinc/lyrebird-wav2clip there."
        )
    try:
        content = torch.load(published, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{published} is not a file of plain tensors; convert it to safetensors.") from error
    tensors = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(tensors, Mapping):
        raise CheckpointError(f"{published} holds no weights.")
    return tensors
