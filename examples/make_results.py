"""Makes the stored results of the bundled examples and the picture of them: unpicked, seeds as in examples.json.

python -m examples.make_results
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from dabfusion.config import FRAME_SIZE, USUAL_SIZE, GenerationOptions
from dabfusion.examples import load_examples
from dabfusion.generate import GenerateRequest, generate_file
from dabfusion.services import load_services
from dabfusion.video import read_frames

HERE = Path(__file__).resolve().parent

COLUMNS = 8
CROP = (36, 0, 220, FRAME_SIZE)  # box of a frame of FRAME_SIZE that holds the dancer
SHEET = HERE.parent / "docs" / "results.jpg"


def main() -> None:
    """Writes ``NAME.mp4`` beside each example's photo, and the sheet: a row an example, evenly spaced frames."""
    services = load_services()
    rows = []
    for example in load_examples(HERE):
        options = GenerationOptions(seed=example.seed, start=example.start, length=example.length, style=example.style,
                                    size=USUAL_SIZE)  # fmt: skip
        out = example.photo.with_suffix(".mp4")
        generate_file(GenerateRequest(example.photo, example.song, out, options), lambda: services, lambda *_: None)
        frames = read_frames(out)[0]
        chosen = [frames[k] for k in np.linspace(0, len(frames) - 1, COLUMNS).astype(int)]
        small = [Image.fromarray(frame).resize((FRAME_SIZE, FRAME_SIZE), Image.Resampling.BOX) for frame in chosen]
        rows.append(np.concatenate([np.asarray(frame.crop(CROP)) for frame in small], 1))
    Image.fromarray(np.concatenate(rows)).save(SHEET, quality=90)


if __name__ == "__main__":
    main()
