"""Studio's held-out split as videos: people and captured takes that training never saw, dancing to songs of their own.

Each clip comes with everything that the product needs to dance the same song itself: the first frame's person layer
(an exact matte), the plate behind it, the whole song, and the song's true beats.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import torch
from PIL import Image

from dabfusion.config import FRAME_SIZE, VIDEO_FPS
from dabfusion.contact_shadow import contact_shadow
from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.skeleton import encode_pose, leg_length
from dabfusion.studio.body import STANDING_HEIGHT
from dabfusion.studio.dance import CAPTURED_STYLE, Dance, sample_dance
from dabfusion.studio.dataset import HELD_OUT_TAKES, PackOptions, avatar_paths, identity, turn_down
from dabfusion.studio.figure import Build, load_figure, procedural_figure
from dabfusion.studio.motion import FPS, Motion, load_takes, turned
from dabfusion.studio.moves import STYLES
from dabfusion.studio.renderer import GROUND, Look, Pose, Renderer
from dabfusion.video import VideoWriter, frame_total
from preprocess.plates import PLATES, draw_plate
from preprocess.start_frame import StartFrame

from .folders import BEATS_FILE
from .instruments import Instruments
from .weights import MissingWeightsError

FIRST_SEED = 900_000_000  #: dances from here on are nobody's training data
SONG_SECONDS = 12.0  #: of each song, from the first frame on; the product hears all of them
CAMERA_PITCH = 0.06  #: radians that the camera looks down
TRUTH, OURS, SONGS, STARTS = "GT", "ours", "songs", "starts"
_MANIFEST = "truth.json"
_VERSION = 2  # of what is drawn; another one draws everything anew
_LOOK = Look()

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Split:
    """Which held-out clips.

    Attributes:
        avatars: folder of GLB people, or None for the figure made in code.
        motion: folder of captured takes, or None: salsa is authored, too.
        clips: how many dances; styles and people are spread evenly over them.
        seconds: of each.
        seed: of the whole choice.
        fps: frames a second of the videos; a whole part of 30.
        song_seconds: of each song, from the first frame on; the product hears all of them.
        cameras: degrees that each camera stands to the right of the dancer's front; every dance is seen by all of them.
    """

    avatars: Path | None
    motion: Path | None
    clips: int = 12
    seconds: float = 4.0
    seed: int = 0
    fps: int = VIDEO_FPS
    song_seconds: float = SONG_SECONDS
    cameras: tuple[float, ...] = (0.0,)


@dataclass(frozen=True)
class TruthClip:
    """One held-out clip, as its table row tells it."""

    name: str
    style: str
    person: str
    plate: str
    source: str  #: "captured" or "authored"
    moves: str
    tempo: float
    camera: float = 0.0

    def video(self, work: Path, maker: str = TRUTH) -> Path:
        """Its mp4."""
        return work / maker / f"{self.name}.mp4"

    def song(self, work: Path) -> Path:
        """Its song, SONG_SECONDS long."""
        return work / SONGS / f"{self.name}.wav"

    def photo(self, work: Path) -> Path:
        """The first frame as a picture."""
        return work / STARTS / f"{self.name}.png"

    def start_frame(self, work: Path) -> StartFrame:
        """The first frame as the product gets it."""
        with np.load(work / STARTS / f"{self.name}.npz") as kept:
            person, keypoints = kept["person"].astype(np.float32) / 255, kept["keypoints"]
        return StartFrame(person, draw_plate(self.plate), keypoints, np.eye(2, 3, dtype=np.float32))


def make_truth(split: Split, work: Path, tools: Instruments, progress: Progress) -> list[TruthClip]:
    """Draws the clips into ``work``, unless the same ones are there already.

    Args:
        split: which clips.
        work: gets GT/NAME.mp4, songs/NAME.wav, starts/NAME.png and .npz, and beats.json beside the videos.
        tools: its pose model finds the start frames' keypoints; without its weights they are zeros.
        progress: called with ("ground truth", done, total).

    Raises:
        UserError: no held-out people or takes, no OpenGL, a length that cannot be.
    """
    _check(split)
    asked = {"version": _VERSION, **asdict(split), "avatars": split.avatars is not None,
             "motion": split.motion is not None, "cameras": list(split.cameras)}  # fmt: skip
    manifest = work / _MANIFEST
    kept = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    fitting = kept.get("asked") == asked
    made = [TruthClip(**clip) for clip in kept["made"]] if fitting else []
    beats: dict[str, list[float]] = kept["beats"] if fitting else {}
    total = split.clips * len(split.cameras)
    if len(made) == total:
        return made
    for folder in (TRUTH, OURS, SONGS, STARTS):
        (work / folder).mkdir(parents=True, exist_ok=True)
    people, takes, renderer = choose_people(split), held_out_takes(split.motion), Renderer()
    for number in range(len(made), total):
        clip, dance = _choose(split, number, people, takes)
        person = people[number // len(split.cameras)]
        step = FPS // split.fps
        layers = _layers(renderer, person, dance, np.arange(frame_total(split.seconds, split.fps)) * step)
        _write_clip(clip, work, dance, layers, split.fps, tools)
        made.append(clip)
        beats[clip.name] = [round(float(t), 4) for t in dance.beat_times if t < split.seconds]
        for maker in (TRUTH, OURS):
            (work / maker / BEATS_FILE).write_text(json.dumps(beats) + "\n", encoding="utf-8")
        told = {"asked": asked, "made": [asdict(c) for c in made], "beats": beats}
        manifest.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        progress("ground truth", number + 1, total)
    return made


def _check(split: Split) -> None:
    if split.clips < 1 or not 0.5 <= split.seconds <= split.song_seconds:
        raise UserError(f"There must be at least 1 clip, of 0.5 to {split.song_seconds:g} seconds.")
    if split.fps < 1 or FPS % split.fps:
        raise UserError(f"The frame rate must be a whole part of {FPS}; got {split.fps}.")


def _choose(
    split: Split, number: int, people: list[Path | None], takes: list[Motion]
) -> tuple[TruthClip, Dance]:  # fmt: skip
    """Clip number ``number``: what it is called, and its dance as its camera sees it."""
    which, view = divmod(number, len(split.cameras))
    style, camera = _style(which), split.cameras[view]
    dance = sample_dance(FIRST_SEED + 1000 * split.seed + which, seconds=split.song_seconds, style=style, takes=takes,
                         with_audio=True)  # fmt: skip
    person, plate = people[which], PLATES[(which + split.seed) % len(PLATES)]
    name = f"{which:02d}_{style}" + (f"_c{view + 1:02d}" if len(split.cameras) > 1 else "")
    clip = TruthClip(name, style, person.stem if person else "procedural", plate, dance.source,
                     "; ".join(dance.move_names), round(dance.tempo, 2), camera)  # fmt: skip
    seen = turned(Motion("", dance.rotation, dance.root, np.empty(0)), -camera)
    return clip, replace(dance, rotation=seen.rotation.astype(np.float32), root=seen.root.astype(np.float32))


def choose_people(split: Split) -> list[Path | None]:
    """The person of each clip: all held-out identities in turn, their outfits by chance."""
    by_identity: dict[str, list[Path]] = {}
    for path in avatar_paths(PackOptions(split.avatars, None, held_out=True)):
        by_identity.setdefault(identity(path.stem), []).append(path)
    if not by_identity:
        return [None] * split.clips
    rng = np.random.default_rng([split.seed, 11])
    names = [str(name) for name in rng.permutation(sorted(by_identity))]
    chosen = [by_identity[names[n % len(names)]] for n in range(split.clips)]
    return [outfits[int(rng.integers(len(outfits)))] for outfits in chosen]


def held_out_takes(motion: Path | None) -> list[Motion]:
    """The captured takes that training never saw; none without a folder."""
    if motion is None:
        return []
    return [take for number in HELD_OUT_TAKES for take in load_takes(motion, f"salsa_*_{number}.npz")]


def _style(number: int) -> str:
    """Styles in turn, the captured one first, so that it is the first to come twice."""
    order = (CAPTURED_STYLE, *(style for style in STYLES if style != CAPTURED_STYLE))
    return order[number % len(order)]


@dataclass(frozen=True)
class _Layers:
    """A dance drawn: person layers (256, 256, 4) uint8, one by one, and the light left on the plate (F, 256, 256)."""

    people: Iterator[np.ndarray]
    light: np.ndarray


def _layers(renderer: Renderer, person: Path | None, dance: Dance, frames: np.ndarray) -> _Layers:
    """Draws the chosen ``frames`` of a dance; the shadow is the product's, under the true feet."""
    figure = load_figure(person) if person else procedural_figure()
    offsets = renderer.dress(figure, Build.natural())  # (24, 3)
    leg = float(leg_length(torch.from_numpy(np.asarray(offsets, np.float32))[None])[0])
    size = leg / figure.leg  # frame units a metre
    soles = (figure.joints[0, 1] - figure.vertices[:, 1].min()) * size - STANDING_HEIGHT * leg  # longer soles, higher
    tilt = turn_down(CAMERA_PITCH)
    rotation = tilt @ dance.rotation[frames].astype(np.float64)  # (F, 19, 3, 3)
    root = dance.root[frames].astype(np.float64) * leg
    hips = root @ tilt.T + [0.0, GROUND, 0.0] + tilt @ np.array([0.0, soles, 0.0])  # (F, 3)
    poses = [Pose(turned, place) for turned, place in zip(rotation, hips, strict=True)]
    codes = torch.from_numpy(encode_pose(rotation, (hips - hips[0]) / leg))
    points = renderer.reference(poses[0], _LOOK).points  # (24, 3), y up
    seen = points[:, :2] * _LOOK.camera / (_LOOK.camera - points[:, 2:]) * [1.0, -1.0]
    body = Body(*(torch.from_numpy(np.asarray(v, np.float32))[None] for v in (seen, codes[0].numpy(), offsets)))
    light = contact_shadow(body, codes, FRAME_SIZE)[:, 0].numpy()
    return _Layers((renderer.frame(pose, _LOOK) for pose in poses), light)


def _write_clip(
    clip: TruthClip, work: Path, dance: Dance, layers: _Layers, fps: int, tools: Instruments
) -> None:  # fmt: skip
    """The song, the video, and the first frame as picture and as layers."""
    if dance.audio is None:
        raise ValueError("the dance has no sound; make it with_audio")
    soundfile.write(clip.song(work), dance.audio, dance.sample_rate)
    plate, first = draw_plate(clip.plate), None
    length = len(layers.light) / fps
    with VideoWriter(clip.video(work), fps, clip.song(work), 0.0, length, mark=False) as writer:
        for person, light in zip(layers.people, layers.light, strict=True):
            first = person if first is None else first
            layer = person.astype(np.float32) / 255
            frame = layer[..., :3] + (1 - layer[..., 3:]) * plate * light[..., None]
            writer.write((frame * 255 + 0.5).clip(0, 255).astype(np.uint8))
    if first is None:
        raise ValueError("the dance has no frame")
    layer = first.astype(np.float32) / 255
    picture = ((layer[..., :3] + (1 - layer[..., 3:]) * plate) * 255 + 0.5).clip(0, 255).astype(np.uint8)
    Image.fromarray(picture).save(clip.photo(work))
    np.savez(work / STARTS / f"{clip.name}.npz", person=first, keypoints=find_keypoints(picture, tools))


def find_keypoints(picture: np.ndarray, tools: Instruments) -> np.ndarray:
    """(17, 3) COCO keypoints of a picture; zeros where nobody is found or the pose model is not there."""
    try:
        track = tools.pose.track(picture[None], VIDEO_FPS)
    except MissingWeightsError:
        return np.zeros((17, 3), np.float32)
    if not track.found[0]:
        return np.zeros((17, 3), np.float32)
    return np.nan_to_num(np.concatenate([track.keypoints[0], track.confidence[0][:, None]], 1)).astype(np.float32)
