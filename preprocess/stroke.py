"""A stroke of the brush that corrects a mask; plain values, so that settings can be read without any network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stroke:
    """One stroke of a round brush."""

    path: tuple[tuple[float, float], ...]  #: x, y in photo pixels, at least one
    radius: float  #: photo pixels
    inside: bool  #: True: what it covers belongs to the figure
