"""The look of the page: colours for light and dark. ``page.css`` holds what Gradio's components do not cover."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes

CSS_PATH = Path(__file__).with_name("page.css")
_FONT = ("Avenir Next", "Segoe UI", "Helvetica Neue", "Noto Sans", "ui-sans-serif", "system-ui", "sans-serif")

#: A raspberry; 600 is dark enough for white text (contrast 5.9 to 1).
RASPBERRY = colors.Color(
    name="raspberry", c50="#fff1f5", c100="#ffe0ea", c200="#ffc2d6", c300="#ff93b5", c400="#fb5e8f", c500="#e6336d",
    c600="#c41c56", c700="#a01246", c800="#80123b", c900="#661434", c950="#3b051a",
)  # fmt: skip


def make_theme() -> gr.themes.Base:
    """Raspberry on warm grey, flat cards, system fonts (nothing is fetched)."""
    theme = gr.themes.Base(
        primary_hue=RASPBERRY, secondary_hue=colors.amber, neutral_hue=colors.stone, text_size=sizes.text_md,
        radius_size=sizes.radius_lg, spacing_size=sizes.spacing_md, font=_FONT, font_mono=("ui-monospace", "monospace"),
    )  # fmt: skip
    return theme.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_shadow="none",
        block_label_background_fill="white",
        block_label_background_fill_dark="*neutral_900",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_200",
        block_title_text_weight="600",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_800",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_600",
        button_border_width="1px",
        button_primary_border_color="*primary_700",
        button_large_text_size="*text_lg",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_500",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
