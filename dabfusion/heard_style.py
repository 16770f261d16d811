"""The style that a song sounds like, and when "auto" follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .config import AUTO_STYLE, STYLES

if TYPE_CHECKING:
    from .music_encoder.embedding import MusicEmbedding
    from .services import StyleDetector

SURE = 0.4  #: confidence from which "auto" means the heard style; below, the music alone decides


@dataclass(frozen=True)
class HeardStyle:
    """What a song sounds like."""

    name: str  #: one of STYLES
    confidence: float  #: 0 to 1

    @property
    def is_sure(self) -> bool:
        """Whether it is told, and followed unless the user chooses something else."""
        return self.confidence >= SURE


def hear_style(detect: StyleDetector | None, music: MusicEmbedding) -> HeardStyle | None:
    """The style of a song; None where there is nothing that could tell."""
    if detect is None:
        return None
    name, confidence = detect(music)
    return HeardStyle(name, min(max(float(confidence), 0.0), 1.0)) if name in STYLES else None


def follow_style(chosen: str, heard: HeardStyle | None) -> str:
    """The style to dance: what was chosen, or for "auto" the heard one if that is sure."""
    return heard.name if chosen == AUTO_STYLE and heard is not None and heard.is_sure else chosen
