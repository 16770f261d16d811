"""Flow codes to and from numbers of mean 0 and about unit spread; the statistics travel with the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dabfusion.skeleton import CODE_SIZE, NUM_BONES, ROTATION_SIZE, rotation_from_6d

#: Numbers that hardly vary (a straight spine) are not blown up beyond this spread.
SMALLEST_STD = 0.08


class CodeNormaliser(nn.Module):
    """(code - mean) / std per number of the code, as buffers; identity until :meth:`fit`."""

    mean: Tensor
    std: Tensor

    def __init__(self, size: int = CODE_SIZE) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    def fit(self, codes: Tensor) -> None:
        """Takes mean and spread of codes (..., size); the spread is at least :data:`SMALLEST_STD`."""
        flat = codes.reshape(-1, codes.shape[-1]).double()
        self.mean.copy_(flat.mean(0))
        self.std.copy_(flat.std(0).clamp(min=SMALLEST_STD))

    def forward(self, codes: Tensor) -> Tensor:
        return (codes - self.mean) / self.std

    def undo(self, normalised: Tensor) -> Tensor:
        """The inverse of calling the module."""
        return normalised * self.std + self.mean


def proper_codes(codes: Tensor) -> Tensor:
    """The nearest codes (..., 117) whose 6-number rotations are two orthonormal columns (by Gram-Schmidt)."""
    matrix = rotation_from_6d(codes[..., :ROTATION_SIZE].unflatten(-1, (NUM_BONES, 6)))  # (..., 19, 3, 3)
    six = torch.cat([matrix[..., 0], matrix[..., 1]], -1).flatten(-2)  # (..., 114)
    return torch.cat([six, codes[..., ROTATION_SIZE:]], -1)
