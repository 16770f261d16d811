"""Styles as the page tells them: the one that the song sounds like, and the menu with which to overrule it."""

from __future__ import annotations

from ..config import AUTO_STYLE, STYLES
from ..heard_style import HeardStyle


def describe_style(heard: HeardStyle | None) -> str:
    """One sentence for the song's caption; empty where nothing could tell.

    No percentage: on recorded music the confidence does not tell right guesses from wrong ones (see
    ``checkpoints/song-style``), so it only decides whether the guess is made at all.
    """
    if heard is None:
        return ""
    if not heard.is_sure:
        return "The style of this song is hard to tell."
    return f"Sounds like {style_word(heard.name)}. That is a guess: you can choose another style in step 3."


def style_word(name: str) -> str:
    """A style's name in running text."""
    return name.replace("-", " ").replace("la hip", "LA hip")


def style_menu(heard: HeardStyle | None = None) -> list[tuple[str, str]]:
    """Menu entries (label, style); the first one says what "auto" means for this song."""
    means = style_word(heard.name) if heard is not None and heard.is_sure else "whatever fits the song"
    named = [(word[0].upper() + word[1:], name) for name in STYLES for word in (style_word(name),)]
    return [(f"Auto ({means})", AUTO_STYLE), *named]
