"""Makes the sheet of twelve unpicked dances: seeds 0 to 11, twelve photos, ten styles, eight frames of each.

    python -m examples.make_sheet --avatars DIR [--checkpoint DIR] [--out docs/dancers.jpg]

The photos are the three bundled ones, seven rendered people whom training never saw (one with a strong perspective,
one cut off at the thighs, one turned, one with a cartoon's proportions), and two drawings made here. Songs are Studio's
own, of seeds that training never used.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageDraw

from dabfusion.config import DEFAULT_CHECKPOINT, STYLES, GenerationOptions
from dabfusion.music_encoder.encoder import build_music_encoder
from dabfusion.pipeline import DabFusion
from dabfusion.studio.figure import Build, load_figure
from dabfusion.studio.grid import plan_song
from dabfusion.studio.music import render_song
from dabfusion.studio.pose_pool import PosePool, sample_standing
from dabfusion.studio.renderer import GROUND, Look, Pose, Renderer
from dabfusion.video import read_frames
from preprocess.plates import PLATES
from preprocess.preprocessor import Preprocessor

from .make_examples import wall

HERE = Path(__file__).resolve().parent
SECONDS, COLUMNS, TILE = 8.0, 8, 160
SONG_SEED, SONG_SECONDS, SONG_RATE = 9_000_025, 14.0, 44100
SIZE = 1024


@dataclass(frozen=True)
class Model:
    """A rendered person for a photo: avatar, turn in radians, camera distance (half frame heights), rows of the scene
    that the photo shows, strength of a random build."""

    avatar: str
    yaw: float = 0.0
    camera: float = 12.0
    rows: tuple[int, int] = (60, SIZE)
    build: float = 0.0


MODELS = (
    Model("Asian_M_1_Busi"),
    Model("MENA_F_1_Casual", yaw=0.5),
    Model("White_M_2_Milit"),
    Model("X_NHPI_F_1_Util", camera=4.5),
    Model("Black_F_2_Medi"),
    Model("MENA_F_1_Busi", rows=(60, 640)),
    Model("Hispanic_M_2_Medi", build=3.5),
)


def photograph(renderer: Renderer, avatars: Path, model: Model, seed: int) -> Image.Image:
    """A rendered person in front of a plain wall."""
    rng = np.random.default_rng([seed, 12])
    build = Build.random(rng, model.build) if model.build else Build.natural()
    renderer.dress(load_figure(avatars / f"{model.avatar}.glb"), build)
    nobody = PosePool(np.zeros((0, 19, 3, 3)), np.zeros((0, 3)))
    rotation, _ = sample_standing(nobody, rng, yaw=model.yaw)
    look = Look(light=(0.4, 0.6, 0.69), ambient=0.5, camera=model.camera)
    lowest = renderer.reference(Pose(rotation, np.zeros(3)), look).points[:, 1].min()
    drawn = renderer.portrait(Pose(rotation, np.array([0.0, GROUND - lowest, 0.0])), look, SIZE)
    red, green, blue = rng.integers(120, 225, 3).tolist()
    scene = wall((red, green, blue))
    scene.paste(Image.fromarray(drawn[..., :3]), mask=Image.fromarray(drawn[..., 3]))
    return scene.crop((212, model.rows[0], 812, model.rows[1]))


def robot() -> Image.Image:
    """A toy robot of boxes."""
    picture = Image.new("RGB", (600, 900), (226, 238, 244))
    pen = ImageDraw.Draw(picture)
    ink, steel, red, yellow = (30, 36, 46), (150, 168, 184), (206, 66, 58), (246, 204, 84)
    boxes = (
        ((232, 590, 286, 790), steel), ((314, 590, 368, 790), steel), ((208, 780, 292, 830), red),
        ((308, 780, 392, 830), red), ((130, 350, 196, 400), red), ((112, 400, 162, 570), steel),
        ((404, 350, 470, 400), red), ((438, 400, 488, 570), steel), ((196, 330, 404, 600), steel),
        ((208, 120, 392, 300), steel), ((270, 296, 330, 334), ink), ((236, 392, 364, 470), yellow),
    )  # fmt: skip
    for box, colour in boxes:
        pen.rounded_rectangle(box, 14, fill=colour, outline=ink, width=7)
    for x in (258, 342):
        pen.ellipse((x - 24, 176, x + 24, 224), fill=yellow, outline=ink, width=7)
    pen.line((250, 262, 350, 262), fill=ink, width=9)
    pen.line((300, 120, 300, 84), fill=ink, width=8)
    pen.ellipse((286, 62, 314, 90), fill=red, outline=ink, width=6)
    return picture


def biscuit() -> Image.Image:
    """A gingerbread figure: round limbs, no joints to be seen."""
    picture = Image.new("RGB", (600, 900), (238, 226, 240))
    pen = ImageDraw.Draw(picture)
    edge, dough, icing, red = (92, 52, 28), (188, 122, 66), (252, 246, 236), (200, 48, 60)
    for grow, colour in ((9, edge), (0, dough)):
        for ends, width in ((((300, 380), (300, 560)), 150), (((250, 580), (216, 770)), 96),
                            (((350, 580), (384, 770)), 96), (((250, 380), (128, 500)), 80),
                            (((350, 380), (472, 500)), 80)):  # fmt: skip
            pen.line(ends, fill=colour, width=width + 2 * grow)
            for x, y in ends:
                half = width / 2 + grow
                pen.ellipse((x - half, y - half, x + half, y + half), fill=colour)
        pen.ellipse((196 - grow, 110 - grow, 404 + grow, 318 + grow), fill=colour)
    for y in (390, 460, 530):
        pen.ellipse((286, y - 14, 314, y + 14), fill=red)
    for x in (258, 342):
        pen.ellipse((x - 14, 190, x + 14, 218), fill=icing)
    pen.arc((248, 206, 352, 280), 20, 160, fill=icing, width=10)
    return picture


def photos(avatars: Path) -> Iterator[Image.Image]:
    """The twelve photos in the order of their seeds."""
    for name in ("marco.jpg", "lena.jpg", "star-kid.png"):
        yield Image.open(HERE / name).convert("RGB")
    renderer = Renderer()
    for seed, model in enumerate(MODELS, 3):
        yield photograph(renderer, avatars, model, seed)
    yield robot()
    yield biscuit()


def write_song(style: str, seed: int, path: Path) -> None:
    """A stretch of one of Studio's songs as wav."""
    plan = plan_song(style, SONG_SEED + seed)
    soundfile.write(path, render_song(plan, plan.lead_in, SONG_SECONDS, SONG_RATE).audio, SONG_RATE)


def row(photo: Image.Image, frames: np.ndarray) -> np.ndarray:
    """The photo, fitted into a tile, and frames at equal times."""
    fitted = photo.copy()
    fitted.thumbnail((TILE, TILE))
    tile = Image.new("RGB", (TILE, TILE), "white")
    tile.paste(fitted, ((TILE - fitted.width) // 2, (TILE - fitted.height) // 2))
    chosen = frames[np.linspace(0, len(frames) - 1, COLUMNS).astype(int)]
    return np.concatenate([np.array(tile), *(np.array(Image.fromarray(f).resize((TILE, TILE))) for f in chosen)], 1)


def main() -> None:
    """Writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatars", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "dancers.jpg")
    options = parser.parse_args()
    dancer, encoder = DabFusion.from_checkpoint(options.checkpoint), build_music_encoder()
    preprocessor = Preprocessor.from_checkpoints()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed, photo in enumerate(photos(options.avatars)):
            song, video = Path(folder) / f"{seed}.wav", Path(folder) / f"{seed}.mp4"
            write_song(STYLES[seed % len(STYLES)], seed, song)
            plate = sorted(PLATES)[seed % len(PLATES)]
            start = preprocessor.start_frame(np.array(photo), background=plate)
            chosen = GenerationOptions(seed=seed, length=SECONDS, mark=False)
            dancer.generate(start, encoder.encode_file(song), song, video, chosen)
            rows.append(row(photo, np.stack(list(read_frames(video)[0]))))
    Image.fromarray(np.concatenate(rows)).save(options.out, quality=88)


if __name__ == "__main__":
    main()
