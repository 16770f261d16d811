"""Packs of single start frames for the body reader: people as photos show them, whole, cut off, or as a bust;
and drawings.

A pack is a folder of shards as in :mod:`dabfusion.studio.dataset`, with :data:`ARRAYS` and without driving frames: to
read a body takes one picture.
"""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np

from dabfusion.config import STYLES
from dabfusion.skeleton import encode_pose
from dabfusion.studio.chain import standing, trimmed
from dabfusion.studio.dance import CAPTURED_STYLE, sample_dance
from dabfusion.studio.dataset import HELD_OUT_TAKES, PackOptions, avatar_paths, shard_arrays, turn_down
from dabfusion.studio.drawn_figures import draw_flat_figure
from dabfusion.studio.figure import Build, Figure, load_figure, procedural_figure
from dabfusion.studio.motion import load_takes
from dabfusion.studio.photo_poses import sample_photo_pose
from dabfusion.studio.pose_pool import PosePool
from dabfusion.studio.renderer import GROUND, STANDING_HEIGHT, Look, Pose, Renderer

PEOPLE_PER_SHARD = 400
_PICTURES = 5  # of each dressed figure: dressing takes as long as drawing
_STRIDE = 6  # frames between two poses of a take or dance
_AUTHORED_SEED, _AUTHORED_SECONDS, _AUTHORED_EACH = 60_000, 20.0, 4
#: Of people who are cut off at the bottom: how often, the share of the height that is shown, and how much larger they
#: are drawn at most (as ``preprocess.composite`` places them).
_CUT, _SHOWN, _MOST_ZOOM = 0.4, (0.2, 0.92), 2.0
#: Arrays of a shard: (shape of one person, type).
ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "start_rgba": ((256, 256, 4), "uint8"),
    "start_code": ((117,), "float32"),
    "start_points": ((24, 3), "float32"),
    "offsets": ((24, 3), "float32"),
    "camera": ((), "float32"),
    "drawn": ((), "bool"),
}


def people_poses(options: PackOptions) -> PosePool:
    """Frames of all captured takes that are danced on the feet, of the wanted side of the split, and of authored dances
    of every genre."""
    seed, each = _AUTHORED_SEED + 1000 * options.held_out, 1 if options.held_out else _AUTHORED_EACH
    dances = [
        sample_dance(seed + _AUTHORED_EACH * k + n, seconds=_AUTHORED_SECONDS, style=style)
        for k, style in enumerate(s for s in STYLES if s != CAPTURED_STYLE)
        for n in range(each)
    ]
    rotations = [d.rotation[::_STRIDE] for d in dances]
    hips = [d.root[::_STRIDE] for d in dances]
    for take in load_takes(options.motion) if options.motion else ():
        if (take.name.rsplit("_", 1)[1] in HELD_OUT_TAKES) == options.held_out and standing(trimmed(take)):
            rotations.append(take.rotation[::_STRIDE])
            hips.append(take.root[::_STRIDE])
    return PosePool(np.concatenate(rotations).astype(np.float32), np.concatenate(hips))


def draw_people(
    renderer: Renderer, figure: Figure, pool: PosePool, rng: np.random.Generator
) -> list[dict[str, np.ndarray]]:
    """Several pictures of one person, each in another pose and light, as :data:`ARRAYS` lists them."""
    build = (
        Build.natural()
        if rng.random() < 0.4
        else Build.random(rng, float(rng.choice([1.0, 2.0, 3.5], p=[0.65, 0.25, 0.1])))
    )
    shown = float(rng.uniform(*_SHOWN)) if rng.random() < _CUT else 1.0
    height = STANDING_HEIGHT * float(np.exp(rng.normal(0, 0.09)))
    height = height * min(_MOST_ZOOM, 1 / shown) if shown < 1 else min(height, 1.65)
    offsets = renderer.dress(figure, build, height)
    people: list[dict[str, np.ndarray]] = []
    for _ in range(_PICTURES):
        look = Look.random(rng)
        rotation, _ = sample_photo_pose(pool, rng)
        rotation = turn_down(rng.normal(0.05, 0.07)) @ rotation
        low = renderer.place(Pose(rotation, np.zeros(3)))[:, 1].min()
        soles = -1 - (1 - shown) * height if shown < 1 else GROUND + rng.normal(0, 0.03)
        hips = np.array([rng.normal(0, 0.08), soles - low, 0.0])
        pose = Pose(rotation, hips)
        people.append(
            {
                "start_rgba": renderer.frame(pose, look), "start_code": encode_pose(rotation, np.zeros(3)),
                "start_points": renderer.place(pose), "offsets": offsets, "camera": np.asarray(look.camera, np.float32),
                "drawn": np.asarray(False),
            }
        )  # fmt: skip
    return people


def write_people(options: PackOptions, out: Path, count: int, workers: int = 1) -> None:
    """Draws ``count`` people (rounded up to whole shards) into ``out``; shards that are there already are kept."""
    out.mkdir(parents=True, exist_ok=True)
    shards = range(-(-count // PEOPLE_PER_SHARD))
    todo = [(options, out, s) for s in shards if not (out / f"{s:04d}").exists()]
    if workers == 1:
        for job in todo:
            write_people_shard(*job)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.starmap(write_people_shard, todo, chunksize=1)


def write_people_shard(options: PackOptions, out: Path, shard: int) -> Path:
    """Draws shard number ``shard``; it appears under its name only when it is whole."""
    files, pool, renderer = avatar_paths(options), people_poses(options), Renderer()
    with shard_arrays(out / f"{shard:04d}", ARRAYS, PEOPLE_PER_SHARD) as arrays:
        for first in range(0, PEOPLE_PER_SHARD, _PICTURES):
            number = shard * PEOPLE_PER_SHARD + first
            chance = np.random.default_rng([options.seed, 8, options.held_out, number])
            if chance.random() < options.drawings:
                people = [draw_flat_figure(chance) for _ in range(_PICTURES)]
            else:
                rng = np.random.default_rng([options.seed, 7, number])
                figure = load_figure(files[int(rng.integers(len(files)))]) if files else procedural_figure()
                people = draw_people(renderer, figure, pool, rng)
            for k, person in enumerate(people):
                for name, value in person.items():
                    arrays[name][first + k] = value
    return out / f"{shard:04d}"
