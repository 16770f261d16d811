"""LPIPS (Zhang et al. 2018), AlexNet and VGG-16 with the heads of version 0.1.

Notation: phi_l(x) the features of layer l, normalised to length 1 over channels; w_l >= 0 the head of layer l.
LPIPS(x, y) = sum_l mean_{hw} w_l . (phi_l(x) - phi_l(y))^2.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from .weights import find_weights

#: Layers of torchvision's `features`: ("conv", out, kernel, stride, padding), ("pool", kernel), ("relu",); after the
#: activations named in _TAPS the features are taken.
_Layer = tuple[str, int, int, int, int]


def _conv(out: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> _Layer:
    return ("conv", out, kernel, stride, padding)


_POOL_2: _Layer = ("pool", 0, 2, 2, 0)
_POOL_3: _Layer = ("pool", 0, 3, 2, 0)
_LAYERS: dict[str, tuple[_Layer, ...]] = {
    "alexnet": (_conv(64, 11, 4, 2), _POOL_3, _conv(192, 5, 1, 2), _POOL_3, _conv(384), _conv(256), _conv(256)),
    "vgg16": (
        _conv(64), _conv(64), _POOL_2, _conv(128), _conv(128), _POOL_2, _conv(256), _conv(256), _conv(256), _POOL_2,
        _conv(512), _conv(512), _conv(512), _POOL_2, _conv(512), _conv(512), _conv(512),
    ),
}  # fmt: skip
_TAPS: dict[str, tuple[int, ...]] = {"alexnet": (1, 4, 7, 9, 11), "vgg16": (3, 8, 15, 22, 29)}
NETWORKS = tuple(_LAYERS)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, of RGB in [0, 1]


def weights_name(network: str) -> str:
    """The weight file of a network."""
    return f"{network}_lpips.safetensors"


class Lpips(nn.Module):
    """The distance of two pictures; 0 for equal ones."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: str = "vgg16") -> None:
        super().__init__()
        self.features = nn.Sequential(*_build(_LAYERS[network]))
        self.taps = _TAPS[network]
        widths = [_width_at(self.features, tap) for tap in self.taps]
        self.heads = nn.ModuleList(nn.Conv2d(width, 1, 1, bias=False) for width in widths)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)

    def activations(self, images: Tensor) -> list[Tensor]:
        """Features of (B, 3, H, W) RGB in [0, 1] at the five taps, as the network gives them."""
        x = (images - self.mean) / self.std
        found = []
        for index, layer in enumerate(self.features.children()):
            x = layer(x)
            if index in self.taps:
                found.append(x)
        return found

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances (B,) of two batches (B, 3, H, W) of RGB in [0, 1], at least 64 px a side."""
        total = x.new_zeros(len(x))
        for head, a, b in zip(self.heads.children(), self.activations(x), self.activations(y), strict=True):
            difference = (_unit(a) - _unit(b)) ** 2
            total = total + head(difference).mean((1, 2, 3))
        return total


def _build(layers: tuple[_Layer, ...]) -> list[nn.Module]:
    modules: list[nn.Module] = []
    width = 3
    for kind, out, kernel, stride, padding in layers:
        if kind == "pool":
            modules.append(nn.MaxPool2d(kernel, stride))
            continue
        modules += [nn.Conv2d(width, out, kernel, stride, padding), nn.ReLU()]
        width = out
    return modules


def _width_at(features: nn.Sequential, tap: int) -> int:
    return [m.out_channels for m in list(features.children())[: tap + 1] if isinstance(m, nn.Conv2d)][-1]


def _unit(features: Tensor) -> Tensor:
    return features / (features.norm(dim=1, keepdim=True) + 1e-10)


def load_lpips(network: str = "vgg16", folder: Path | None = None) -> Lpips:
    """The trained distance.

    Raises:
        MissingWeightsError: its weight file is nowhere to be found.
    """
    model = Lpips(network)
    stored = load_file(find_weights(weights_name(network), folder))
    renamed = {_renamed(name): value.float() for name, value in stored.items()}
    model.load_state_dict(renamed, strict=True)
    return model.eval().requires_grad_(False)


def _renamed(name: str) -> str:
    return f"heads.{name[3:]}" if name.startswith("lin") else name


@torch.inference_mode()
def mean_lpips(model: Lpips, x: Tensor, y: Tensor, batch: int = 4) -> float:
    """Mean distance of two videos (F, 3, H, W) of RGB in [0, 1]."""
    parts = [model(x[i : i + batch], y[i : i + batch]) for i in range(0, len(x), batch)]
    return float(torch.cat(parts).mean())
