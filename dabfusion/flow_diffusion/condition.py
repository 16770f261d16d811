"""What a window of flow codes is denoised under: the start frame's code, the music and a style."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Condition:
    """Conditions of B windows of T frames.

    Attributes:
        start: (B, 117) flow code of the start frame (the photo's pose), not normalised.
        at_start: (B,) bool: frame 0 of the window is the start frame itself.
        music: (B, T, D) music features, one row a frame.
        style: (B,) int64 style number; the number of styles means "no style".
        has_start: (B,) bool: False hides the start code.
        has_music: (B,) bool: False hides the music.
    """

    start: Tensor
    at_start: Tensor
    music: Tensor
    style: Tensor
    has_start: Tensor
    has_music: Tensor

    @classmethod
    def given(cls, start: Tensor, at_start: Tensor, music: Tensor, style: Tensor) -> Condition:
        """A condition in which nothing is hidden."""
        shown = torch.ones_like(at_start, dtype=torch.bool)
        return cls(start, at_start, music, style, shown, shown)

    def without(self, no_style: int, music: bool = True, style: bool = True, start: bool = False) -> Condition:
        """The same windows with the named conditions hidden; ``no_style`` is the number that stands for no style."""
        hidden = torch.zeros_like(self.has_music)
        return replace(
            self,
            has_music=hidden if music else self.has_music,
            has_start=hidden if start else self.has_start,
            style=torch.full_like(self.style, no_style) if style else self.style,
        )

    def dropped(self, no_style: int, chance: float, generator: torch.Generator) -> Condition:
        """For training: hides start, music and style of each window independently, each with probability ``chance``."""
        keep = torch.rand((3, len(self.style)), generator=generator).to(self.style.device) >= chance
        return replace(
            self,
            has_start=self.has_start & keep[0],
            has_music=self.has_music & keep[1],
            style=torch.where(keep[2], self.style, torch.full_like(self.style, no_style)),
        )

    def rows(self, index: slice) -> Condition:
        """The conditions of some of the windows."""
        return Condition(
            self.start[index], self.at_start[index], self.music[index],
            self.style[index], self.has_start[index], self.has_music[index],
        )  # fmt: skip

    def to(self, device: torch.device) -> Condition:
        """The same conditions on another device."""
        return Condition(
            self.start.to(device), self.at_start.to(device), self.music.to(device),
            self.style.to(device), self.has_start.to(device), self.has_music.to(device),
        )  # fmt: skip
