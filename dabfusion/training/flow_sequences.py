"""What the 3D U-Net of stage 2 learns from: sequences of flow maps with the start frame's latent and the music.

Two sources, one interface: Studio's dances, decoded by a trained flow codec, and AIST++, seen by a trained flow
predictor. Maps of people with a matte are tidied: where nobody is, flow is 0 and nothing is hidden. What a decoder
says of the empty rest is arbitrary, and several times as large as any real motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dabfusion.checkpoint import open_checkpoint
from dabfusion.config import CODE_FPS
from dabfusion.dance_model import Sizes, build_parts
from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.flow_predictor import FlowPredictor
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_diffusion.normalise import proper_codes
from dabfusion.long_video import ease_from
from dabfusion.music_encoder.embedding import MusicEmbedding
from dabfusion.music_encoder.encoder import build_music_encoder

from .aist import FPS, AistClip, AistVideos
from .dance_crops import Augmentation, DanceCrops
from .dance_data import PackedDance
from .pairs import PairPack

#: How much more than an empty cell a cell of the person counts.
PERSON_WEIGHT = 4.0
_AT_ONCE = 8  # frames decoded together: few enough to stay in the caches
_SOMEBODY = 0.02  # matte below this is nobody
#: Windows whose first frame is where the dance begins.
OWN_BEGINNING = Augmentation(at_start=1.0)


@dataclass(frozen=True)
class FlowSequence:
    """B sequences of T frames on a grid of n x n cells.

    Attributes:
        maps: (B, C, T, n, n) flow x, flow y (normalised units), occlusion and, with C = 4, matte.
        z0: (B, Z, n, n) the generator's latent of the start frame.
        music: (B, T, D) music features of the frames.
    """

    maps: Tensor
    z0: Tensor
    music: Tensor

    @property
    def weight(self) -> Tensor:
        """(B, 1, T, n, n) how much each cell counts: 1, and :data:`PERSON_WEIGHT` more on the person; 1 everywhere
        where nothing is known of a matte."""
        if self.maps.shape[1] < 4:
            return torch.ones_like(self.maps[:, :1])
        return 1 + PERSON_WEIGHT * self.maps[:, 3:4]

    def to(self, device: torch.device) -> FlowSequence:
        """The same sequences on another device."""
        return FlowSequence(self.maps.to(device), self.z0.to(device), self.music.to(device))


def joined(sequences: list[FlowSequence]) -> FlowSequence:
    """Sequences of equal sizes as one batch."""
    return FlowSequence(*(torch.cat([getattr(s, name) for s in sequences]) for name in ("maps", "z0", "music")))


class SequenceSource(Protocol):
    """Where sequences come from; ``fps`` frames a second."""

    fps: float

    def batch(self, rng: np.random.Generator, size: int) -> FlowSequence:
        """``size`` random sequences, on the CPU."""


class Replayed:
    """Each sequence of a source about ``uses`` times: decoding one costs as much as a step of training.

    Args:
        source: of fresh sequences.
        uses: 1 draws a fresh one every time.
        kept: the latest so many are used again.
    """

    def __init__(self, source: SequenceSource, uses: float, kept: int = 64) -> None:
        self.fps, self._source, self._uses, self._kept = source.fps, source, uses, kept
        self._pool: list[FlowSequence] = []

    def batch(self, rng: np.random.Generator, size: int) -> FlowSequence:
        """``size`` sequences, fresh or known."""
        return joined([self._one(rng) for _ in range(size)])

    def _one(self, rng: np.random.Generator) -> FlowSequence:
        if not self._pool or rng.random() * self._uses < 1:
            self._pool = [*self._pool, self._source.batch(rng, 1)][-self._kept :]
            return self._pool[-1]
        return self._pool[int(rng.integers(len(self._pool)))]


@dataclass(frozen=True)
class Decoder:
    """Stage 1 as far as sequences need it: flow codes to flow maps, start frames to latents."""

    codec: FlowCodec
    generator: Generator
    device: torch.device

    @torch.no_grad()
    def maps(self, start: Tensor, body: Body, codes: Tensor) -> FlowMaps:
        """Flow maps on the 128 x 128 grid of a start frame (1, 4, 256, 256) and the codes (T, 117) of a dance."""
        start, codes = start.to(self.device), codes.to(self.device)
        body = Body(*(v.to(self.device) for v in (body.points, body.code, body.offsets)))
        description = self.codec.anchored(self.codec.describe(start), body)
        found = [
            self.codec.decode(description.repeated(len(part)), body.repeated(len(part)), part)
            for part in codes.split(_AT_ONCE)
        ]
        return FlowMaps(*(torch.cat([getattr(m, k) for m in found]) for k in ("flow", "occlusion", "matte", "parts")))

    @torch.no_grad()
    def latent(self, start: Tensor, grid: int) -> Tensor:
        """z_0 (B, Z, grid, grid) of start frames (B, 4, 256, 256)."""
        return F.interpolate(self.generator.encode(start.to(self.device)).z, (grid, grid), mode="area")


def load_decoder(checkpoint: Path, device: torch.device) -> Decoder:
    """The codec and the generator of a checkpoint; raises CheckpointError."""
    opened = open_checkpoint(checkpoint)
    _, codec, generator = build_parts(Sizes.from_dict(opened.config["flow_autoencoder"]))
    opened.load_into(codec, "codec")
    opened.load_into(generator, "generator")
    for part in (codec, generator):
        part.to(device).eval().requires_grad_(False)
    return Decoder(codec, generator, device)


def tidied(maps: FlowMaps, grid: int) -> FlowMaps:
    """Maps of one person on a grid x grid, without parts; further than a cell from the person all is still and shown.

    Args:
        maps: B frames at any finer resolution.
        grid: side, cells.
    """
    small = maps.reduced(grid)
    near = (F.max_pool2d(small.matte, 3, 1, 1) > _SOMEBODY).to(small.flow.dtype)
    return FlowMaps(small.flow * near, small.occlusion * near + (1 - near), small.matte)


def stacked(maps: FlowMaps, matte: bool = True) -> Tensor:
    """Maps of the T frames of one sequence as the U-Net takes them: (1, 4, T, n, n), or (1, 3, T, n, n) without the
    matte."""
    channels = [maps.flow, maps.occlusion] + ([maps.matte] if matte else [])
    return torch.cat(channels, 1).float().transpose(0, 1)[None]


def unstacked(maps: Tensor) -> FlowMaps:
    """The inverse of :func:`stacked` for one sequence; whole frames get a matte of 1."""
    frames = maps[0].transpose(0, 1)
    matte = frames[:, 3:] if frames.shape[1] > 3 else torch.ones_like(frames[:, :1])
    return FlowMaps(frames[:, :2], frames[:, 2:3], matte)


def from_the_photo(codes: Tensor, body: Body) -> Tensor:
    """A dance's codes (T, 117) that begin with the start frame's own pose and leave it within 0.4 s, as generated
    dances do."""
    return proper_codes(ease_from(codes, body.code[0]))


class StudioSequences:
    """Random start frames of a pack of pairs that dance random windows of packed dances.

    Args:
        pack: of pairs; pictures are augmented, and their true bodies are used.
        dances: at 15 codes a second; those shorter than a sequence are left out.
        decoder: codec and generator.
        frames: T of a sequence.
        grid: n, side of the maps.
        augmentation: of the windows, which begin a dance of their own.

    Raises:
        UserError: no dance is long enough.
    """

    fps = float(CODE_FPS)

    def __init__(
        self, pack: PairPack, dances: list[PackedDance], decoder: Decoder, frames: int, grid: int,
        augmentation: Augmentation = OWN_BEGINNING,
    ) -> None:  # fmt: skip
        known = [d for d in dances if not d.held_out and len(d.root) >= frames]
        if not known:
            raise UserError(f"No dance to train on has {frames} frames; make some, or give fewer --frames.")
        self._pack, self._decoder, self._frames, self._grid = pack, decoder, frames, grid
        self._crops = DanceCrops(known, augmentation)

    def batch(self, rng: np.random.Generator, size: int) -> FlowSequence:
        """``size`` people, each with a dance of their own."""
        return joined([self._one(rng) for _ in range(size)])

    def _one(self, rng: np.random.Generator) -> FlowSequence:
        seen, window = self._pack.batch(rng, 1, 1), self._crops.batch(1, self._frames, rng)
        codes = from_the_photo(window.codes[0], seen.body)
        maps = tidied(self._decoder.maps(seen.start, seen.body, codes), self._grid)
        found = FlowSequence(stacked(maps), self._decoder.latent(seen.start, self._grid), window.condition.music)
        return found.to(torch.device("cpu"))


class AistSequences:
    """Clips of AIST++: maps by a label-free flow predictor, the latent by the generator that was trained along with
    it, the music by the project's encoder from the clip's start on.

    Args:
        videos: of one side of the split.
        predictor, generator: of one run of ``train-flow-predictor``, for whole frames.
        frames: T of a sequence, at 10 frames a second.
        grid: n, side of the maps.

    Raises:
        UserError: the predictor wants people cut out, which videos do not have.
    """

    fps = float(FPS)

    def __init__(
        self, videos: AistVideos, predictor: FlowPredictor, generator: Generator, frames: int, grid: int
    ) -> None:
        if predictor.channels != 3:
            raise UserError("AIST++ needs a flow predictor of whole frames; train it with --whole-frame.")
        self._videos, self._predictor, self._generator = videos, predictor, generator
        self._frames, self._grid = frames, grid
        self._encoder = build_music_encoder(fps=self.fps)
        self._heard: dict[Path, MusicEmbedding] = {}

    def batch(self, rng: np.random.Generator, size: int) -> FlowSequence:
        """``size`` random clips."""
        return joined([self.sequence(self._clip(rng)) for _ in range(size)])

    def _clip(self, rng: np.random.Generator) -> AistClip:
        """A random clip of a random video that is long enough; raises UserError where none is."""
        for number in rng.permutation(len(self._videos)):
            clips = list(self._videos.clips(int(number), self._frames))
            if clips:
                return clips[int(rng.integers(len(clips)))]
        raise UserError(f"No video of the AIST database has {self._frames} frames at {FPS} a second.")

    @torch.no_grad()
    def sequence(self, clip: AistClip) -> FlowSequence:
        """One clip as the U-Net learns it."""
        side = 4 * self._predictor.grid
        device = next(self._predictor.parameters()).device
        frames = torch.from_numpy(clip.frames).permute(0, 3, 1, 2).float().to(device) / 255
        frames = F.interpolate(frames, (side, side), mode="area")
        found = [self._predictor(frames[:1].expand(len(part), -1, -1, -1), part) for part in frames.split(_AT_ONCE)]
        maps = FlowMaps(*(torch.cat([getattr(m, k) for m in found]) for k in ("flow", "occlusion", "matte")))
        picture = torch.cat([frames[:1], torch.ones_like(frames[:1, :1])], 1)  # opaque RGBA
        z0 = F.interpolate(self._generator.encode(picture).z, (self._grid, self._grid), mode="area")
        music = torch.from_numpy(self._music(clip))[None]
        return FlowSequence(stacked(maps.reduced(self._grid), matte=False), z0, music).to(torch.device("cpu"))

    def _music(self, clip: AistClip) -> np.ndarray:
        """Features (T, D) at the frames' times."""
        if clip.song not in self._heard:
            self._heard[clip.song] = self._encoder.encode_file(clip.song)
        return self._heard[clip.song].section(clip.start, self._frames / self.fps).features[: self._frames]
