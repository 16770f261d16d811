"""Packs of Studio pairs: a start frame, driving frames of the same person, and the exact flow between them.

A pack is a folder of shards; a shard is a folder of ``.npy`` arrays that are read by memory map (see :data:`ARRAYS`).
It is
reproducible: clip i of a pack depends on the seed and i alone, whatever the number of processes.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dabfusion.errors import UserError
from dabfusion.skeleton import encode_pose, quaternion_to_matrix
from dabfusion.studio.dance import CAPTURED_STYLE, sample_dance
from dabfusion.studio.figure import Build, Figure, load_figure, procedural_figure
from dabfusion.studio.moves import STYLES
from dabfusion.studio.pose_pool import PosePool, sample_pose, sample_standing
from dabfusion.studio.renderer import FLOW_SIZE, GROUND, STANDING_HEIGHT, Look, Pose, Renderer

#: Who and what training never sees.
HELD_OUT_IDENTITIES = ("Asian_M_1", "Black_F_2", "MENA_F_1", "White_M_2", "X_NHPI_F_1", "Hispanic_M_2")
HELD_OUT_TAKES = ("04", "12")
#: Seeds and length of the authored dances that poses are taken from where there are no captured takes.
_AUTHORED_SEED, _AUTHORED_SECONDS = 50_000, 20.0
DRIVES_PER_CLIP = 8
CLIPS_PER_SHARD = 40
#: Of a person whose legs are cut off: the share of the height that the frame shows, and how much larger they are drawn
#: at most (as ``preprocess.composite`` places them).
_SHOWN_WHEN_CUT, _MOST_ZOOM = (0.48, 0.92), 2.0
#: Arrays of a shard: (shape of one clip, type). K driving frames; coverage and visible are shares times 255.
ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "start_rgba": ((256, 256, 4), "uint8"),
    "drive_rgba": ((DRIVES_PER_CLIP, 256, 256, 4), "uint8"),
    "flow": ((DRIVES_PER_CLIP, FLOW_SIZE, FLOW_SIZE, 2), "float16"),
    "visible": ((DRIVES_PER_CLIP, FLOW_SIZE, FLOW_SIZE), "uint8"),
    "coverage": ((DRIVES_PER_CLIP, FLOW_SIZE, FLOW_SIZE), "uint8"),
    "start_code": ((117,), "float32"),
    "drive_code": ((DRIVES_PER_CLIP, 117), "float32"),
    "start_points": ((24, 3), "float32"),
    "drive_points": ((DRIVES_PER_CLIP, 24, 3), "float32"),
    "offsets": ((24, 3), "float32"),
    "camera": ((), "float32"),
}


@dataclass(frozen=True)
class PackOptions:
    """What a pack holds.

    Attributes:
        avatars: folder of GLB people, or None for the procedural figure.
        motion: folder of captured takes ``salsa_SS_NN.npz``, or None for poses of authored dances.
        held_out: draw the held-out identities and takes instead of the others.
        seed: of the whole pack.
        close_ups: share of clips whose legs are cut off by the frame's bottom edge, as in many photos.
        drawings: share of drawings among single start frames.
    """

    avatars: Path | None
    motion: Path | None
    held_out: bool = False
    seed: int = 0
    close_ups: float = 0.12
    drawings: float = 0.2


def identity(stem: str) -> str:
    """``X_NHPI_F_1_Casual`` -> ``X_NHPI_F_1``: the person without the outfit."""
    return stem.rsplit("_", 1)[0]


def avatar_paths(options: PackOptions) -> list[Path]:
    """GLB files of the wanted side of the split, sorted."""
    if options.avatars is None:
        return []
    paths = [
        p
        for p in sorted(options.avatars.glob("*.glb"))
        if (identity(p.stem) in HELD_OUT_IDENTITIES) == options.held_out
    ]
    if not paths:
        raise UserError(f"There are no .glb people in {options.avatars}.")
    return paths


def pose_pool(options: PackOptions, stride: int = 4) -> PosePool:
    """Frames of the captured takes of the wanted side of the split, or of authored dances where there are no takes."""
    if options.motion is None:
        return _authored_pool(options.held_out, stride)
    rotations, hips = [], []
    for path in sorted(options.motion.glob("salsa_*.npz")):
        if (path.stem.rsplit("_", 1)[1] in HELD_OUT_TAKES) != options.held_out:
            continue
        with np.load(path) as take:
            rotations.append(quaternion_to_matrix(take["rotation"][::stride]))
            hips.append(take["root"][::stride])
    if not rotations:
        raise UserError(f"There are no salsa_*.npz takes in {options.motion}.")
    return PosePool(np.concatenate(rotations).astype(np.float32), np.concatenate(hips))


def _authored_pool(held_out: bool, stride: int) -> PosePool:
    """Frames of one authored dance a genre; the held-out side dances others."""
    styles = [s for s in STYLES if s != CAPTURED_STYLE]
    dances = [
        sample_dance(_AUTHORED_SEED + 1000 * held_out + k, seconds=_AUTHORED_SECONDS, style=style)
        for k, style in enumerate(styles)
    ]
    return PosePool(
        np.concatenate([d.rotation[::stride] for d in dances]), np.concatenate([d.root[::stride] for d in dances])
    )


def draw_clip(
    renderer: Renderer, figure: Figure, pool: PosePool, rng: np.random.Generator, close_ups: float = 0.0
) -> dict[str, np.ndarray]:
    """One clip: a start frame and :data:`DRIVES_PER_CLIP` driving frames of one person, as :data:`ARRAYS` lists
    them; ``close_ups`` is the chance that the frame cuts the legs off."""
    build = (
        Build.natural()
        if rng.random() < 0.35
        else Build.random(rng, float(rng.choice([1.0, 2.0, 3.5], p=[0.6, 0.25, 0.15])))
    )
    height = STANDING_HEIGHT * float(np.exp(rng.normal(0, 0.07)))
    shown = float(rng.uniform(*_SHOWN_WHEN_CUT)) if rng.random() < close_ups else 1.0
    height = height * min(_MOST_ZOOM, 1 / shown) if shown < 1 else min(height, 1.65)
    offsets = renderer.dress(figure, build, height)
    leg = float(np.linalg.norm(offsets, axis=1)[[14, 15, 17, 18]].sum() / 2)
    look = Look.random(rng)
    pitch = turn_down(rng.normal(0.05, 0.05))
    rotation, root = _start_pose(pool, rng)
    rotation = pitch @ rotation
    probe = renderer.reference(Pose(rotation, np.zeros(3)), look)
    soles = -1 - (1 - shown) * height if shown < 1 else GROUND + rng.normal(0, 0.03)
    hips = np.array([rng.normal(0, 0.06), soles - probe.points[:, 1].min(), 0.0])
    reference = renderer.reference(Pose(rotation, hips), look)
    clip: dict[str, list[np.ndarray]] = {name: [] for name in ARRAYS}
    for _ in range(DRIVES_PER_CLIP):
        pose, displacement = _drive_pose(pool, rng, root)
        pose, displacement = pitch @ pose, pitch @ displacement
        drawing = renderer.drive(Pose(pose, hips + displacement * leg), reference, look)
        clip["drive_rgba"].append(drawing.rgba)
        clip["flow"].append(drawing.flow)
        clip["visible"].append(np.round(drawing.visible * 255))
        clip["coverage"].append(np.round(drawing.coverage * 255))
        clip["drive_code"].append(encode_pose(pose, displacement))
        clip["drive_points"].append(drawing.points)
    single = {
        "start_rgba": reference.rgba, "start_code": encode_pose(rotation, np.zeros(3)),
        "start_points": reference.points, "offsets": offsets, "camera": np.float32(look.camera),
    }  # fmt: skip
    return {name: np.asarray(single.get(name, clip[name])).astype(dtype) for name, (_, dtype) in ARRAYS.items()}


def turn_down(angle: float) -> np.ndarray:
    """Rotation (3, 3) of the world as seen by a camera that looks down by ``angle`` radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _start_pose(pool: PosePool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    yaw = float(rng.normal(0, 0.35)) if rng.random() < 0.88 else float(rng.uniform(-np.pi, np.pi))
    if rng.random() < 0.5:
        return sample_standing(pool, rng, yaw=yaw)
    return sample_pose(pool, rng, yaw=yaw, variation=0.4)


def _drive_pose(pool: PosePool, rng: np.random.Generator, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A driving pose and the displacement of its hips from the start frame's, in leg lengths, world axes."""
    yaw = float(rng.normal(0, 0.6)) if rng.random() < 0.7 else float(rng.uniform(-np.pi, np.pi))
    if rng.random() < 0.12:
        pose, hips = sample_standing(pool, rng, yaw=yaw)
    else:
        pose, hips = sample_pose(pool, rng, yaw=yaw, variation=0.45)
    sink = float(np.clip(hips[1] - start[1], -0.45, 0.12)) if rng.random() < 0.8 else float(rng.uniform(-0.4, 0.25))
    return pose, np.array([np.clip(rng.normal(0, 0.22), -0.7, 0.7), sink, np.clip(rng.normal(0, 0.2), -0.6, 0.6)])


def write_pack(options: PackOptions, out: Path, clips: int, workers: int = 1) -> None:
    """Draws ``clips`` clips (rounded up to whole shards) into ``out``; shards that are there already are kept."""
    out.mkdir(parents=True, exist_ok=True)
    shards = range(-(-clips // CLIPS_PER_SHARD))
    todo = [(options, out, s) for s in shards if not (out / f"{s:04d}").exists()]
    if workers == 1:
        for job in todo:
            write_shard(*job)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.starmap(write_shard, todo, chunksize=1)


def write_shard(options: PackOptions, out: Path, shard: int) -> Path:
    """Draws shard number ``shard``; it appears under its name only when it is whole."""
    people = avatar_paths(options)
    pool = pose_pool(options)
    renderer = Renderer()
    with shard_arrays(out / f"{shard:04d}", ARRAYS, CLIPS_PER_SHARD) as arrays:
        for k in range(CLIPS_PER_SHARD):
            rng = np.random.default_rng([options.seed, shard * CLIPS_PER_SHARD + k])
            figure = load_figure(people[int(rng.integers(len(people)))]) if people else procedural_figure()
            for name, value in draw_clip(renderer, figure, pool, rng, options.close_ups).items():
                arrays[name][k] = value
    return out / f"{shard:04d}"


@contextmanager
def shard_arrays(
    folder: Path, arrays: Mapping[str, tuple[tuple[int, ...], str]], count: int
) -> Iterator[dict[str, np.ndarray]]:
    """Arrays (count, *shape) on disk to be filled; ``folder`` appears only when the block has ended well.

    Args:
        folder: of the shard.
        arrays: name -> (shape of one row, type).
        count: rows.
    """
    temporary = folder.with_name(f".{folder.name}.part")
    temporary.mkdir(parents=True, exist_ok=True)
    opened = {
        name: np.lib.format.open_memmap(temporary / f"{name}.npy", "w+", dtype, (count, *shape))
        for name, (shape, dtype) in arrays.items()
    }
    yield dict(opened)
    for array in opened.values():
        array.flush()
    temporary.rename(folder)
