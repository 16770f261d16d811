"""Which photos work: six little drawings with a sentence each."""

from __future__ import annotations

from html import escape

#: A standing figure 20 wide and 60 high whose head is centred on (10, 7).
_FIGURE = '<circle cx="10" cy="7" r="6"/><path d="M10 15v22M10 19l-9 13M10 19l9 13M10 37l-6 22M10 37l6 22"/>'
_SEATED = '<circle cx="10" cy="17" r="6"/><path d="M10 25v18M10 29l10 9M10 43h14v16"/>'
_BACK = '<circle cx="10" cy="7" r="6" class="full"/><path d="M10 15v22M10 19l-9 13M10 19l9 13M10 37l-6 22M10 37l6 22"/>'

#: drawing, works, heading, sentence
_CASES: tuple[tuple[str, bool, str, str], ...] = (
    (f'<g transform="translate(30 10)">{_FIGURE}</g>', True, "Head to feet", "One person, standing, seen from the "
     "front, hands in sight, arms a little away from the body."),
    (f'<g transform="translate(30 10)">{_FIGURE}</g><path d="M8 4h64v72h-64z"/>', True, "Drawings and toys",
     "A clear figure on a plain background, with arms and legs that can be told apart."),
    (f'<g transform="translate(22 16) scale(1.8)">{_FIGURE}</g>', False, "Cut off", "Feet or knees outside the picture "
     "have to be guessed; step back and take another one."),
    (f'<g transform="translate(28 10)">{_SEATED}</g>', False, "Sitting", "Hidden legs cannot be unfolded well. Stand "
     "up for the photo."),
    (f'<g transform="translate(30 10)">{_BACK}</g>', False, "From behind", "The face was never seen, so it cannot be "
     "shown."),
    (f'<g transform="translate(36 34) scale(.45)">{_FIGURE}</g>', False, "Far away", "The dancer should be at least "
     "half as tall as the photo, and sharp."),
)  # fmt: skip


def draw_guide() -> str:
    """The guide as a list; each drawing stands beside its sentence and is not read aloud."""
    items = []
    for drawing, works, title, text in _CASES:
        look, word = ("good", "Works well") if works else ("poor", "Works badly")
        items.append(
            f'<li class="{look}"><svg viewBox="0 0 80 80" aria-hidden="true">{drawing}</svg>'
            f"<p><span>{word}</span><strong>{escape(title)}.</strong> "
            f'<em class="why">{escape(text)}</em></p></li>'
        )
    return f'<ul class="guide">{"".join(items)}</ul>'
