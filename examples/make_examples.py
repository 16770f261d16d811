"""Makes the bundled photos and songs: two of Studio's people, a drawing, and three songs of the project's own.

    python -m examples.make_examples --avatars DIR

The people need the avatars (VALID, c-frame/valid-avatars-glb, MIT); the songs need fluidsynth and a soundfont.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import soundfile
from PIL import Image, ImageDraw, ImageFilter

from dabfusion.studio.figure import Build, load_figure
from dabfusion.studio.grid import plan_song
from dabfusion.studio.music import render_song
from dabfusion.studio.pose_pool import PosePool, sample_standing
from dabfusion.studio.renderer import GROUND, Look, Pose, Renderer

HERE = Path(__file__).resolve().parent

SIZE = 1024
SONG_SECONDS = 40.0
SONGS = {"house": 11, "pop": 4, "krump": 2}
PEOPLE = {"marco": ("Hispanic_M_2_Casual", 5, (214, 196, 172)), "lena": ("Black_F_2_Casual", 8, (168, 196, 206))}


def wall(colour: tuple[int, int, int]) -> Image.Image:
    """A plain wall and a floor, softly lit."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    light = 1.02 - 0.25 * ((x - 0.4) ** 2 + (y - 0.35) ** 2)
    floor = np.clip((y - 0.9) / 0.01, 0, 1)
    shade = light * (1 - 0.3 * floor)
    return Image.fromarray((np.array(colour) * shade[..., None]).clip(0, 255).astype(np.uint8))


def portrait(renderer: Renderer, path: Path, seed: int, colour: tuple[int, int, int]) -> Image.Image:
    """One of Studio's people, standing, in front of a wall."""
    rng = np.random.default_rng(seed)
    renderer.dress(load_figure(path), Build.natural())
    rotation, _ = sample_standing(
        PosePool(np.zeros((0, 19, 3, 3)), np.zeros((0, 3))), rng, yaw=float(rng.normal(0, 0.15))
    )
    look = Look(light=(0.4, 0.6, 0.69), ambient=0.5)
    lowest = renderer.reference(Pose(rotation, np.zeros(3)), look).points[:, 1].min()
    drawn = renderer.portrait(Pose(rotation, np.array([0.0, GROUND - lowest, 0.0])), look, SIZE)
    person = Image.fromarray(drawn[..., :3])
    alpha = Image.fromarray(drawn[..., 3])
    scene = wall(colour)
    shadow = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(shadow).ellipse((400, 935, 640, 985), fill=110)
    scene.paste((40, 36, 32), mask=shadow.filter(ImageFilter.GaussianBlur(14)))
    scene.paste(person, mask=alpha)
    return scene.crop((212, 112, 812, SIZE))


def drawing() -> Image.Image:
    """A flat cartoon figure with outlines: what a child might draw, only neater."""
    picture = Image.new("RGB", (600, 900), (250, 246, 232))
    pen = ImageDraw.Draw(picture)
    ink, skin, shirt, trousers, shoe = (36, 32, 44), (255, 212, 178), (240, 98, 74), (58, 88, 160), (250, 208, 70)

    def limb(points: list[tuple[int, int]], width: int, colour: tuple[int, int, int]) -> None:
        for thick, fill in ((width + 12, ink), (width, colour)):
            pen.line(points, fill=fill, width=thick, joint="curve")
            for x, y in points:
                pen.ellipse((x - thick // 2, y - thick // 2, x + thick // 2, y + thick // 2), fill=fill)

    limb([(262, 560), (250, 690), (244, 800)], 62, trousers)
    limb([(338, 560), (350, 690), (356, 800)], 62, trousers)
    limb([(238, 826), (206, 834)], 40, shoe)
    limb([(362, 826), (394, 834)], 40, shoe)
    limb([(218, 372), (150, 470)], 50, shirt)
    limb([(150, 470), (122, 556)], 36, skin)
    limb([(382, 372), (450, 470)], 50, shirt)
    limb([(450, 470), (478, 556)], 36, skin)
    pen.rounded_rectangle((204, 330, 396, 582), 46, fill=shirt, outline=ink, width=7)
    pen.polygon(
        [
            (300, 390),
            (318, 432),
            (362, 436),
            (328, 466),
            (340, 510),
            (300, 486),
            (260, 510),
            (272, 466),
            (238, 436),
            (282, 432),
        ],
        fill=shoe,
        outline=ink,
    )
    pen.rectangle((276, 300, 324, 338), fill=skin, outline=ink, width=6)
    pen.ellipse((196, 96, 404, 314), fill=skin, outline=ink, width=7)
    pen.chord((190, 84, 410, 300), 180, 360, fill=(108, 66, 42), outline=ink, width=7)
    for x in (256, 344):
        pen.ellipse((x - 15, 206, x + 15, 240), fill=ink)
    pen.arc((256, 226, 344, 282), 20, 160, fill=ink, width=8)
    return picture


def write_song(style: str, seed: int, path: Path) -> None:
    """A song of the project's own as mp3."""
    song = render_song(plan_song(style, seed), 0.0, SONG_SECONDS, 44100)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "song.wav"
        soundfile.write(raw, song.audio, 44100)
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-nostdin",
            "-y",
            "-i",
            str(raw),
            "-b:a",
            "96k",
            str(path),
        ]
        subprocess.run(command, check=True, timeout=120)


def main() -> None:
    """Writes everything beside this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--avatars", type=Path, required=True)
    options = parser.parse_args()
    renderer = Renderer()
    for name, (avatar, seed, colour) in PEOPLE.items():
        portrait(renderer, options.avatars / f"{avatar}.glb", seed, colour).save(HERE / f"{name}.jpg", quality=92)
    drawing().save(HERE / "star-kid.png")
    for style, seed in SONGS.items():
        write_song(style, seed, HERE / f"{style}.mp3")


if __name__ == "__main__":
    main()
