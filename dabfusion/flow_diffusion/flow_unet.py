"""The paper's own stage 2, trained: the 3D U-Net with its statistics, its files, and sampling of flow maps.

Inside the diffusion, maps and latents are normalised; the numbers stand in the run's ``config.json``. DabFusion's maps
lie in [-1, 1], for which :func:`.sampling.solver` offers dynamic thresholding; maps of unit variance do not, so the x_0
that follows from the predicted noise is clipped to the range that the training maps have (static thresholding, Saharia
et al. 2022). Without that the first steps, where x_0 is next to unknown, would run away.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from dabfusion.errors import CheckpointError

from .sampling import Denoise, Progress, ShouldStop, guided, sample, seeded_noise, signal_shares
from .unet3d import UNet3d, UNet3dConfig

CONFIG_FILE, WEIGHTS_FILE = "config.json", "ema.safetensors"
#: Channels that hardly vary are not blown up beyond this spread.
SMALLEST_STD = 0.02
_OUTERMOST = 0.001  # share of the numbers at either end that do not count for the range


@dataclass(frozen=True)
class MapStatistics:
    """What the training maps and latents are like, channel by channel.

    Attributes:
        mean, std: of the maps, C numbers each.
        low, high: range of the normalised maps, C numbers each; what lies beyond it (one number in 500, mostly cells at
            a body's edge) is brought to its ends.
        latent_mean, latent_std: of z_0, as many numbers as it has channels.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    latent_mean: tuple[float, ...]
    latent_std: tuple[float, ...]

    @classmethod
    def of(cls, maps: Tensor, weight: Tensor, z0: Tensor) -> MapStatistics:
        """Of maps (B, C, T, n, n), their cells weighted with ``weight`` (B, 1, T, n, n), and latents (B, Z, n, n)."""
        axes = (0, 2, 3, 4)
        share = weight / weight.sum()
        mean = (maps * share).sum(axes)
        spread = ((maps - _along(mean, 5)).square() * share).sum(axes).sqrt().clamp_min(SMALLEST_STD)
        normal = (maps - _along(mean, 5)) / _along(spread, 5)
        numbers = (
            mean, spread, *_ends(normal),
            z0.mean((0, 2, 3)), z0.std((0, 2, 3)).clamp_min(SMALLEST_STD),
        )  # fmt: skip
        return cls(*(tuple(round(float(v), 5) for v in row) for row in numbers))


@dataclass(frozen=True)
class FlowUnetConfig:
    """Sizes of the U-Net, side of the grid (cells), frames of a training sequence, frames a second, statistics."""

    unet: UNet3dConfig
    grid: int
    frames: int
    fps: float
    statistics: MapStatistics

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FlowUnetConfig:
        """From JSON values; KeyError and TypeError where they are not such a configuration."""
        unet: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values["unet"].items()}
        statistics: dict[str, Any] = {k: tuple(v) for k, v in values["statistics"].items()}
        return cls(
            UNet3dConfig(**unet), values["grid"], values["frames"], values["fps"], MapStatistics(**statistics)
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class MapOptions:
    """How to sample: seed of the noise, solver steps, guidance on the music (1 is none)."""

    seed: int = 0
    steps: int = 20
    guidance: float = 2.0


class FlowUnet(nn.Module):
    """The U-Net between plain maps and normalised ones."""

    mean: Tensor
    std: Tensor
    low: Tensor
    high: Tensor
    latent_mean: Tensor
    latent_std: Tensor
    abar: Tensor

    def __init__(self, config: FlowUnetConfig) -> None:
        super().__init__()
        self.config, self.network = config, UNet3d(config.unet)
        for name, numbers in asdict(config.statistics).items():
            self.register_buffer(name, torch.tensor(numbers), persistent=False)
        self.register_buffer("abar", signal_shares(), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.mean.device

    def normalised(self, maps: Tensor) -> Tensor:
        """Plain maps (B, C, T, n, n) as the diffusion sees them, in range."""
        return self._clipped((maps - _along(self.mean, 5)) / _along(self.std, 5))

    def plain(self, normalised: Tensor) -> Tensor:
        """The inverse of :meth:`normalised`."""
        return normalised * _along(self.std, 5) + _along(self.mean, 5)

    def _clipped(self, normalised: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(normalised, _along(self.low, 5)), _along(self.high, 5))

    def noise(self, a: Tensor, t: Tensor, z0: Tensor, music: Tensor, has_music: Tensor) -> Tensor:
        """Noise estimate of normalised noisy maps; ``z0`` plain, shapes as in :class:`.unet3d.UNet3d`."""
        latent = (z0 - _along(self.latent_mean, 4)) / _along(self.latent_std, 4)
        found: Tensor = self.network(a, t, latent, music, has_music)
        return found

    def denoiser(self, z0: Tensor, music: Tensor, guidance: float) -> Denoise:
        """(x_t, t) -> x_0 of normalised maps, guided on the music and clipped to the range of the training maps."""
        abar = self.abar.cpu()
        heard = torch.ones(len(z0), dtype=torch.bool, device=z0.device)

        def denoise(x: Tensor, t: float) -> Tensor:
            steps = torch.full((len(x),), t, device=x.device)
            noise = self.noise(x, steps, z0, music, heard)
            if guidance != 1.0:
                noise = guided(noise, self.noise(x, steps, z0, music, ~heard), guidance)
            share = abar[int(t)]
            return self._clipped((x - (1 - share).sqrt() * noise) / share.sqrt())

        return denoise

    @torch.no_grad()
    def sample_maps(
        self, z0: Tensor, music: Tensor, options: MapOptions, progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> Tensor:  # fmt: skip
        """Flow maps of a dance; the same seed gives the same maps.

        Args:
            z0: (B, latent, n, n) of the start frames.
            music: (B, T, D) features, one row a frame.
            options: seed, steps, guidance.
            progress: called with (steps done, steps).
            should_stop: asked before each step.

        Returns:
            (B, C, T, n, n): flow x, flow y, occlusion and, where there are four, the matte; the last two in [0, 1].

        Raises:
            Cancelled: when ``should_stop`` says so.
        """
        z0, music = z0.to(self.device), music.to(self.device)
        shape = (len(z0), self.config.unet.maps, music.shape[1], *z0.shape[-2:])
        start = seeded_noise(shape, options.seed, self.device)
        denoise = self.denoiser(z0, music, options.guidance)
        maps = self.plain(sample(denoise, start, options.steps, progress=progress, should_stop=should_stop))
        return torch.cat([maps[:, :2], maps[:, 2:].clamp(0, 1)], 1)


def load_flow_unet(folder: Path, device: torch.device | str = "cpu") -> FlowUnet:
    """The averaged weights of a run of ``train-flow-unet``, in evaluation mode.

    Raises:
        CheckpointError: a file is missing or the weights do not fit the configuration.
    """
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} is no run of train-flow-unet: {name} is missing.")
    try:
        values = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        model = FlowUnet(FlowUnetConfig.from_dict(values["flow_unet"]))
        model.load_state_dict(load_file(folder / WEIGHTS_FILE))
    except (KeyError, TypeError, json.JSONDecodeError, RuntimeError) as error:
        raise CheckpointError(f"The run in {folder} does not fit this version: {error}") from error
    return model.to(device).eval().requires_grad_(False)


def _ends(normal: Tensor) -> tuple[Tensor, Tensor]:
    """The range (C,), (C,) of all but the outermost numbers of maps (B, C, T, n, n)."""
    ordered = normal.transpose(0, 1).flatten(1).sort(1).values
    out = round(_OUTERMOST * ordered.shape[1])
    return ordered[:, out], ordered[:, -1 - out]


def _along(numbers: Tensor, axes: int) -> Tensor:
    """One number a channel (C,), as a tensor of so many axes with the channels second."""
    return numbers.view(1, -1, *[1] * (axes - 2))
