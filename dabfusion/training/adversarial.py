"""An adversarial loss for stage 1's decoder: patches that a critic cannot tell from true ones.

Hinge loss (Lim and Ye 2017) on a patch critic (Isola et al. 2017) with spectral norm (Miyato et al. 2018), and feature
matching (Wang et al. 2018), which keeps it steady. For training only; the critic is not shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_MATCHING_WEIGHT = 2.0


@dataclass(frozen=True)
class Drawing:
    """What was drawn beside the truth, both premultiplied RGBA (N, 4, h, w), how much each pixel matters
    (N, 1, h, w), and the share of what the start frame shows that was painted all the same (scalar)."""

    drawn: Tensor
    truth: Tensor
    weight: Tensor
    repainted: Tensor | float = 0.0


class Critic(nn.Module):
    """Judges patches of 22 pixels.

    Args:
        channels: width after the first layer; doubled twice.
    """

    def __init__(self, channels: int = 24) -> None:
        super().__init__()
        c = channels
        sizes = ((3, c, 2), (c, 2 * c, 2), (2 * c, 4 * c, 1))
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, stride, 1)) for a, b, stride in sizes)
        self.leave = spectral_norm(nn.Conv2d(4 * c, 1, 3, padding=1))

    def forward(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """RGB in [0, 1] (N, 3, h, w) -> verdicts (N, 1, h/4 - 1, w/4 - 1), and the features on the way."""
        h, kept = picture * 2 - 1, []
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.2)
            kept.append(h)
        return self.leave(h), kept


class CriticRun:
    """A critic in training beside a decoder.

    Args:
        critic: trained in place.
        weights: where :meth:`save` puts it, and where it is resumed from.
        rate: learning rate.
    """

    def __init__(self, critic: Critic, weights: Path, rate: float = 4e-4) -> None:
        self._critic, self._weights = critic, weights
        if weights.exists():
            critic.load_state_dict(load_file(weights))
        self._optimiser = torch.optim.Adam(critic.parameters(), rate, betas=(0.5, 0.98))

    def judge(self, drawing: Drawing, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        """Trains the critic by a step, in front of random plates; returns the decoder's loss (scalar) and figures to
        watch."""
        critic = self._critic.requires_grad_(True)
        plate = torch.from_numpy(rng.random((len(drawing.truth), 3, 1, 1))).float().to(drawing.truth.device)
        drawn, truth = (v[:, :3] + (1 - v[:, 3:]) * plate for v in (drawing.drawn, drawing.truth))
        real, _ = critic(truth)
        made, _ = critic(drawn.detach())
        weight = F.interpolate(drawing.weight, real.shape[-2:], mode="area")
        total = weight.sum()
        own = ((F.relu(1 - real) + F.relu(1 + made)) * weight).sum() / total
        self._optimiser.zero_grad()
        own.backward()
        self._optimiser.step()
        critic.requires_grad_(False)
        made, felt = critic(drawn)
        with torch.no_grad():
            _, wanted = critic(truth)
        matching = torch.stack([(a - b).abs().mean() for a, b in zip(felt, wanted, strict=True)]).mean()
        fooled = -(made * weight).sum() / total
        figures = {"critic": float(own.detach()), "matching": float(matching.detach())}
        return fooled + _MATCHING_WEIGHT * matching, figures

    def save(self) -> None:
        """Writes the critic."""
        save_file({k: v.contiguous() for k, v in self._critic.state_dict().items()}, self._weights)
