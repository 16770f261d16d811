"""The model card and the licences as the page shows them: the files of ``docs``, without links to other files."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr

from ..config import CHECKPOINTS

DOCS = CHECKPOINTS.parent / "docs"
_CARDS = (("About the model: training, uses, limits", "model-card.md"), ("Licences", "licences.md"))
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://)[^)]+\)")
_HEADING = re.compile(r"^(#+ )", re.MULTILINE)


def read_card(path: Path) -> str:
    """A document without its title, its headings one level lower, and links to other files as plain text."""
    _, _, text = path.read_text(encoding="utf-8").partition("\n")
    return _HEADING.sub(r"#\1", _LINK.sub(r"\1", text)).strip()


def lay_out_about() -> None:
    """One closed accordion for each card that is there."""
    for title, name in _CARDS:
        if (DOCS / name).is_file():
            with gr.Accordion(title, open=False, elem_id=name.removesuffix(".md")):
                gr.Markdown(read_card(DOCS / name))
