"""Makes the stored results of the bundled examples and the picture of them: unpicked, seeds as in examples.json.

python -m examples.make_results
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from dabfusion.config import GenerationOptions
from dabfusion.examples import load_examples
from dabfusion.generate import GenerateRequest, generate_file
from dabfusion.services import load_services
from dabfusion.video import read_frames

HERE = Path(__file__).resolve().parent

COLUMNS = 8
CROP = slice(36, 220)  # columns of the frame that hold the dancer
SHEET = HERE.parent / "docs" / "results.jpg"


def main() -> None:
    """Writes ``NAME.mp4`` beside each example's photo, and the sheet: a row an example, evenly spaced frames."""
    services = load_services()
    rows = []
    for example in load_examples(HERE):
        options = GenerationOptions(seed=example.seed, start=example.start, length=example.length, style=example.style)
        out = example.photo.with_suffix(".mp4")
        generate_file(GenerateRequest(example.photo, example.song, out, options), lambda: services, lambda *_: None)
        frames = np.stack(list(read_frames(out)[0]))
        chosen = frames[np.linspace(0, len(frames) - 1, COLUMNS).astype(int)]
        rows.append(np.concatenate([frame[:, CROP] for frame in chosen], 1))
    Image.fromarray(np.concatenate(rows)).save(SHEET, quality=90)


if __name__ == "__main__":
    main()
