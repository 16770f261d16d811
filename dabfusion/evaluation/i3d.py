"""I3D (Carreira & Zisserman 2017), Inception-v1 inflated to 3D, Kinetics-400 logits: what FVD looks with.

TensorFlow's 'SAME' padding throughout, batch normalisation without scale and eps 1e-3, ReLU.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from .weights import find_weights

WEIGHTS = "i3d_kinetics400.safetensors"
CLASSES = 400
_EPS = 1e-3
_Triple = tuple[int, int, int]
#: Widths of each block: branch 0 | branch 1 (reduce, 3x3) | branch 2 (reduce, 3x3) | pooled branch; None is a pool.
_BLOCKS: tuple[tuple[str, tuple[int, int, int, int, int, int]], ...] = (
    ("3b", (64, 96, 128, 16, 32, 32)), ("3c", (128, 128, 192, 32, 96, 64)),
    ("4b", (192, 96, 208, 16, 48, 64)), ("4c", (160, 112, 224, 24, 64, 64)), ("4d", (128, 128, 256, 24, 64, 64)),
    ("4e", (112, 144, 288, 32, 64, 64)), ("4f", (256, 160, 320, 32, 128, 128)),
    ("5b", (256, 160, 320, 32, 128, 128)), ("5c", (384, 192, 384, 48, 128, 128)),
)  # fmt: skip


def same_padding(size: _Triple, kernel: _Triple, stride: _Triple) -> tuple[int, ...]:
    """TensorFlow's 'SAME' for (T, H, W), in the order that F.pad takes."""
    pads: list[int] = []
    for length, k, s in reversed(list(zip(size, kernel, stride, strict=True))):
        total = max((-(-length // s) - 1) * s + k - length, 0)
        pads += [total // 2, total - total // 2]
    return tuple(pads)


class Unit(nn.Module):
    """Convolution, batch normalisation (shift only), ReLU."""

    mean: Tensor
    var: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel,) * 3, (stride,) * 3
        self.weight = nn.Parameter(torch.randn(outputs, inputs, *self.kernel) * (2 / (inputs * kernel**3)) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("mean", torch.zeros(outputs))
        self.register_buffer("var", torch.ones(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, H, W) -> (B, outputs, T', H', W')."""
        x = F.pad(x, same_padding((x.shape[2], x.shape[3], x.shape[4]), self.kernel, self.stride))
        scale = torch.rsqrt(self.var + _EPS)
        weight = (self.weight * scale.view(-1, 1, 1, 1, 1)).contiguous(memory_format=torch.channels_last_3d)  # faster
        x = F.conv3d(x, weight, self.bias - self.mean * scale, self.stride)
        return F.relu(x)


def pool(x: Tensor, kernel: _Triple, stride: _Triple) -> Tensor:
    """Max pooling with 'SAME' padding; inputs are not negative, so zeros pad."""
    return F.max_pool3d(F.pad(x, same_padding((x.shape[2], x.shape[3], x.shape[4]), kernel, stride)), kernel, stride)


class Mixed(nn.Module):
    """An inception block: four branches side by side."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        a, b, c, d, e, f = widths
        self.branch_0 = Unit(inputs, a)
        self.branch_1 = nn.Sequential(Unit(inputs, b), Unit(b, c, 3))
        self.branch_2 = nn.Sequential(Unit(inputs, d), Unit(d, e, 3))
        self.branch_3 = Unit(inputs, f)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, H, W) -> (B, sum of the branches' widths, T, H, W)."""
        pooled = self.branch_3(pool(x, (3, 3, 3), (1, 1, 1)))
        return torch.cat([self.branch_0(x), self.branch_1(x), self.branch_2(x), pooled], 1)


class I3D(nn.Module):
    """Kinetics-400 logits of a video."""

    def __init__(self) -> None:
        super().__init__()
        self.stem_1a, self.stem_2b, self.stem_2c = Unit(3, 64, 7, 2), Unit(64, 64), Unit(64, 192, 3)
        width, blocks = 192, {}
        for name, widths in _BLOCKS:
            blocks[name] = Mixed(width, widths)
            width = widths[0] + widths[2] + widths[4] + widths[5]
        self.mixed = nn.ModuleDict(blocks)
        self.logits = nn.Conv3d(width, CLASSES, 1)

    def forward(self, video: Tensor) -> Tensor:
        """(B, 3, T, 224, 224) RGB in [-1, 1], T >= 10 -> (B, 400) logits, averaged over time."""
        x = pool(self.stem_1a(video), (1, 3, 3), (1, 2, 2))
        x = pool(self.stem_2c(self.stem_2b(x)), (1, 3, 3), (1, 2, 2))
        for name, block in self.mixed.items():
            if name == "4b":
                x = pool(x, (3, 3, 3), (2, 2, 2))
            if name == "5b":
                x = pool(x, (2, 2, 2), (2, 2, 2))
            x = block(x)
        x = F.avg_pool3d(x, (2, x.shape[3], x.shape[4]), (1, 1, 1)) if x.shape[2] > 1 else x.mean((3, 4), keepdim=True)
        return self.logits(x).mean((2, 3, 4))


def load_i3d(folder: Path | None = None) -> I3D:
    """The trained network.

    Raises:
        MissingWeightsError: its weight file is nowhere to be found.
    """
    model = I3D()
    stored = load_file(find_weights(WEIGHTS, folder))
    model.load_state_dict({_renamed(name): value.float() for name, value in stored.items()}, strict=True)
    return model.eval().requires_grad_(False)


_PARTS = {
    "Conv_0.kernel": "weight", "Conv_0.bias": "bias", "BatchNorm_0.bias": "bias", "BatchNorm_0.mean": "mean",
    "BatchNorm_0.var": "var",
}  # fmt: skip
_INNER = {"Conv3d_0a_1x1": "0", "Conv3d_0b_3x3": "1"}


def _renamed(name: str) -> str:
    """The stored name of a tensor in this module's terms."""
    steps = name.split(".")[1:]  # without params / batch_stats
    part = _PARTS[".".join(steps[-2:])]
    head = steps[0]
    if head == "Logits":
        return f"logits.{part}"
    if head.startswith("Conv3d_"):
        return f"stem_{head.split('_')[1]}.{part}"
    branch = int(steps[1].removeprefix("Branch_"))
    inner = f".{_INNER[steps[2]]}" if branch in (1, 2) else ""
    return f"mixed.{head.removeprefix('Mixed_')}.branch_{branch}{inner}.{part}"
