"""What to diffuse: the paper's flow maps, or the body's flow codes? Both drawn through the same coarse maps.

    python -m dabfusion.evaluation.flow_space --pairs data/pairs-test --dances data/dances \\
        --unet runs/flow-unet --codes runs/dance --out docs/reports/flow-space

Held-out start frames dance to held-out songs, with the same seeds, steps and guidance on both sides: a run of
``train-flow-unet`` samples maps; a run of ``train-flow-diffusion`` samples codes, which the codec decodes to maps.
Everything is brought to the U-Net's grid and enlarged again, loses its body parts, of which the U-Net knows nothing,
and is drawn by the checkpoint's generator over a plain plate. Bodies are the true ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.config import DEFAULT_CHECKPOINT, FRAME_SIZE
from dabfusion.dance_model import crisp, near_person
from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.codec import GRID
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_diffusion import FlowDiffusion
from dabfusion.flow_diffusion.flow_unet import FlowUnet, MapOptions, load_flow_unet
from dabfusion.long_video import DanceOptions, dance_codes
from dabfusion.training.dance_data import PackedDance, read_packs
from dabfusion.training.flow_sequences import Decoder, from_the_photo, load_decoder, tidied, unstacked
from dabfusion.training.motion_report import one_of_each_style, truth_codes
from dabfusion.training.pairs import PairBatch, PairPack

from .clip import Clip
from .heard_dances import load_dance_model
from .identity import Appearance, identity_kept, photo_appearance
from .instruments import Instruments
from .made_once import checkpoint_digest
from .measure import IDENTITY_RATE, person_readings
from .report import Reading, Report, Row, mean_row
from .sheet import Strip, take_frames, write_sheet
from .stage1 import STAGE1_PARTS, on_plate

MAPS, CODES, TRUTH, PRODUCT = "U-Net over maps", "transformer over codes", "true codes", "codes, full maps and parts"
Made = TypeVar("Made")
_AT_ONCE = 8
_READINGS = ("detected", "keypoint conf.", "motion energy", "acceleration", "beat advantage")
_SAMPLING, _DECODING = "sampling, s", "decoding, s"
_COLUMNS, _SHEETS = 8, 2  # frames on a sheet; clips that get one
_NOTES = (
    "The first clips of the pack and the first held-out dance of each style in turn, none chosen. Sampling is the "
    "whole denoising run of one clip; decoding is what codes need to become maps. A clip lasts {seconds:g} s and has "
    "few beats: beat advantage says little of so few; motion energy and acceleration count jitter as motion, and where "
    "hardly anybody is detected they follow guesses.",
    f"{TRUTH}: the dance of the song itself, through the same coarse maps: what they can show at best. {PRODUCT}: the "
    "same dances as above, through the codec's own 128 x 128 maps with body parts, as the product draws them. Accents "
    "are left out everywhere, 15 frames a second.",
    "The first two clips; a row begins with the start frame:",
    "![rows: U-Net over maps, transformer over codes, true codes, codes with full maps; columns: time](samples_0.png)",
    "![the same of the second clip](samples_1.png)",
)


@dataclass(frozen=True)
class Case:
    """A held-out start frame with what it dances to.

    Attributes:
        seen: one clip of a pack, as drawn.
        dance: held out.
        seed: of all noise.
    """

    seen: PairBatch
    dance: PackedDance
    seed: int

    def music(self, frames: int) -> np.ndarray:
        """(T, D) features of the song's beginning."""
        return self.dance.music[:frames].astype(np.float32)


@dataclass(frozen=True)
class Settings:
    """Frames of a clip, its frames a second, side of the coarse maps, denoising steps, guidance on the music."""

    frames: int
    fps: float
    grid: int
    steps: int = 20
    guidance: float = 2.0


@dataclass(frozen=True)
class Danced:
    """Maps of T frames, and the seconds that sampling and decoding took."""

    maps: FlowMaps
    sampling: float = 0.0
    decoding: float = 0.0


@dataclass(frozen=True)
class Sides:
    """The ways to come by maps for a case."""

    unet: FlowUnet
    codes: FlowDiffusion
    decoder: Decoder
    settings: Settings

    def danced(self, case: Case) -> dict[str, Danced]:
        """Maps by the name of the row."""
        s = self.settings
        sampled, sampling = _timed(lambda: self._codes(case))
        full, decoding = _timed(lambda: self.decoder.maps(case.seen.start, case.seen.body, sampled))
        truth = from_the_photo(torch.from_numpy(truth_codes(case.dance, s.frames)), case.seen.body)
        true_maps = self.decoder.maps(case.seen.start, case.seen.body, truth)
        maps, seconds = _timed(lambda: self._maps(case))
        return {
            MAPS: Danced(maps, seconds), CODES: Danced(tidied(full, s.grid), sampling, decoding),
            TRUTH: Danced(tidied(true_maps, s.grid)), PRODUCT: Danced(full, sampling, decoding),
        }  # fmt: skip

    def _maps(self, case: Case) -> FlowMaps:
        s = self.settings
        z0 = self.decoder.latent(case.seen.start, s.grid)
        music = torch.from_numpy(case.music(s.frames))[None]
        return unstacked(self.unet.sample_maps(z0, music, MapOptions(case.seed, s.steps, s.guidance)).cpu())

    def _codes(self, case: Case) -> Tensor:
        s = self.settings
        options = DanceOptions(case.seed, s.steps, s.guidance)
        start = case.seen.body.code[0].numpy()
        return torch.from_numpy(dance_codes(self.codes, start, case.music(s.frames), options))


def _timed(work: Callable[[], Made]) -> tuple[Made, float]:
    """What came out, and the seconds that it took."""
    began = time.monotonic()
    return work(), time.monotonic() - began


def on_the_grid(maps: FlowMaps, parts: int) -> FlowMaps:
    """Coarse maps on the codec's grid, with zeros where a generator wants to be told of ``parts`` body parts; maps that
    have parts stay as they are."""
    if maps.parts is not None:
        return maps

    def larger(field: Tensor) -> Tensor:
        return F.interpolate(field, (GRID, GRID), mode="bilinear", align_corners=False)

    matte = larger(maps.matte)
    return FlowMaps(larger(maps.flow), larger(maps.occlusion), matte, matte.new_zeros(len(matte), parts, GRID, GRID))


@torch.no_grad()
def drawn(generator: Generator, start: Tensor, maps: FlowMaps) -> np.ndarray:
    """Frames (T, 256, 256, 3) uint8 of a start frame (1, 4, 256, 256), as the product draws the person, on a plate."""
    full, encoded = on_the_grid(maps, generator.parts), generator.encode(start)
    fields = [f for f in (full.flow, full.occlusion, full.matte, full.parts) if f is not None]
    pictures = []
    for some in (FlowMaps(*part) for part in zip(*(f.split(_AT_ONCE) for f in fields), strict=True)):
        layer = crisp(generator.decode(encoded.repeated(len(some.flow)), some).float())
        pictures.append(on_plate(layer * near_person(some, (0, 0, FRAME_SIZE, FRAME_SIZE))))
    return _bytes(torch.cat(pictures))


def _bytes(pictures: Tensor) -> np.ndarray:
    """(B, 3, H, W) in [0, 1] -> (B, H, W, 3) uint8."""
    return (pictures.clamp(0, 1) * 255 + 0.5).byte().permute(0, 2, 3, 1).contiguous().numpy()


def measured(frames: np.ndarray, case: Case, fps: float, tools: Instruments, known: Appearance | None) -> Row:
    """The dancer of one video against the beats and the start frame; raises MissingWeightsError."""
    beats = case.dance.beats[case.dance.beats < len(frames) / fps].astype(np.float64)
    clip = Clip(f"clip {case.seed}", frames, fps, np.zeros(0, np.float32), 1, beats, "given")
    track = tools.track(clip)
    found = person_readings(clip, track)
    readings = {name: found[name] for name in _READINGS}
    if known is not None:
        kept = identity_kept(frames, track, known, tools.vgg, max(1, round(fps / IDENTITY_RATE)))
        readings["identity"] = Reading(kept.mean)
    return Row(clip.name, readings)


def cases(pack: PairPack, dances: list[PackedDance], count: int, frames: int) -> list[Case]:
    """The first clips of a pack with held-out dances, the first of each style in turn.

    Raises:
        UserError: no held-out dance is long enough.
    """
    known = [d for d in dances if d.held_out and len(d.root) >= frames]
    if not known:
        raise UserError(f"No held-out dance has {frames} frames.")
    chosen = one_of_each_style(known, count)
    rng, drive = np.random.default_rng(0), np.arange(1)
    return [
        Case(pack.collate([pack.clip(k, drive)], rng, augment=False), chosen[k % len(chosen)], k)
        for k in range(min(count, len(pack)))
    ]


def compare(sides: Sides, chosen: Sequence[Case], tools: Instruments, out: Path) -> Report:
    """Dances, draws and measures every case, and writes sheets of the first two into ``out``."""
    rows: dict[str, list[Row]] = {}
    for case in chosen:
        photo = _bytes(on_plate(case.seen.start))[0]
        known = photo_appearance(photo, tools.pose, tools.vgg)
        strips = []
        for name, danced in sides.danced(case).items():
            frames = drawn(sides.decoder.generator, case.seen.start, danced.maps)
            strips.append([Strip(name, take_frames(frames, _COLUMNS))])
            row = measured(frames, case, sides.settings.fps, tools, known)
            times = {_SAMPLING: danced.sampling, _DECODING: danced.decoding}
            seconds = {k: Reading(v) for k, v in times.items() if v}
            rows.setdefault(name, []).append(replace(row, readings={**row.readings, **seconds}))
        if case.seed < _SHEETS:
            write_sheet(out / f"samples_{case.seed}.png", strips, [photo] * len(strips))
        sys.stderr.write(f"clips: {case.seed + 1}/{len(chosen)}\n")
    summary = [mean_row(name, found) for name, found in rows.items()]
    every = [replace(row, name=f"{name}, {row.name}") for name, found in rows.items() for row in found]
    notes = [note.format(seconds=sides.settings.frames / sides.settings.fps) for note in _NOTES]
    return Report("What to diffuse: flow maps or flow codes", {}, summary, every, notes)


def told(folder: Path) -> str:
    """Steps and minutes of a run; of a checkpoint only that it is one."""
    if not (folder / "progress.json").is_file():
        return f"the checkpoint {folder.name}"
    progress = json.loads((folder / "progress.json").read_text("utf-8"))
    return f"{progress['steps']} steps in {progress['minutes']:.1f} min"


def _settings(chosen: argparse.Namespace, sides: Sides) -> dict[str, object]:
    def millions(model: nn.Module) -> str:
        return f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} million parameters"

    unet, s = sides.unet, sides.settings
    size = unet.config.unet
    return {
        "drawn by": f"stage 1 of {chosen.checkpoint.name}, {checkpoint_digest(chosen.checkpoint, STAGE1_PARTS)}",
        MAPS: f"{told(chosen.unet)}; {millions(unet)}, width {size.width}, {len(size.multiples)} levels, {size.maps} "
        f"maps of {s.grid} x {s.grid}, sequences of {unet.config.frames} frames",
        CODES: f"{told(chosen.codes)}; {millions(sides.codes)}",
        "sampled": f"{s.frames} frames at {s.fps:g} a second, {s.steps} steps, guidance {s.guidance:g}, seeds from 0",
        "trained and timed on": chosen.machine,
    }


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--pairs", type=Path, required=True, help="held-out pack")
    add("--dances", type=Path, required=True, help="packed dances; the held-out ones are danced to")
    add("--unet", type=Path, required=True, help="run of train-flow-unet")
    add("--codes", type=Path, required=True, help="run of train-flow-diffusion, or a checkpoint")
    add("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="its codec and generator draw")
    add("--clips", type=int, default=6)
    add("--steps", type=int, default=Settings.steps, help="of denoising")
    add("--machine", default="this machine", help="what the report says of it")
    add("--weights", type=Path, metavar="FOLDER", help="where the weights of the measuring networks are")
    add("--out", type=Path, required=True, help="folder to write")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Writes ``flow_space.json``, ``flow_space.md`` and ``samples_0.png``, ``samples_1.png``."""
    o = _parse(argv)
    unet = load_flow_unet(o.unet)
    config = unet.config
    settings = Settings(config.frames, config.fps, config.grid, o.steps)
    sides = Sides(unet, load_dance_model(o.codes), load_decoder(o.checkpoint, torch.device("cpu")), settings)
    chosen = cases(PairPack(o.pairs), read_packs(o.dances), o.clips, settings.frames)
    report = compare(sides, chosen, Instruments(o.weights), o.out)
    written = replace(report, settings=_settings(o, sides)).write(o.out, "flow_space")
    sys.stdout.write(f"{written[1]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
