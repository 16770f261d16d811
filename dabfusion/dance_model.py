"""The trained parts behind one seam: body reader, flow diffusion, flow codec, generator.

Arrays come in, arrays go out; conversion, device, precision and gradients are settled here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from preprocess.start_frame import StartFrame

from .checkpoint import Checkpoint
from .config import FRAME_SIZE, GenerationOptions
from .contact_shadow import contact_shadow
from .errors import CheckpointError
from .fine_frames import enlarge, refine
from .flow_autoencoder.body_fit import fit_body, flattened
from .flow_autoencoder.body_reader import HINTED, Body, BodyReader
from .flow_autoencoder.codec import FlowCodec
from .flow_autoencoder.flow_maps import FlowMaps
from .flow_autoencoder.generator import Generator, Window
from .flow_autoencoder.geometry import crop
from .flow_autoencoder.stiff_parts import with_stiff_parts
from .flow_diffusion.model import FlowDiffusion, FlowDiffusionConfig, build_flow_diffusion
from .flow_diffusion.normalise import proper_codes
from .hands import Hands
from .known_front import DRAWING, PERSON, facing_viewer
from .long_video import DanceOptions, SampleCodes, dance_codes
from .pipeline import STAGE_DANCE, Progress, ShouldStop
from .shown_side import with_shown_side
from .stage_bounds import keep_on_stage

#: Frames rendered together: enough to keep the cores busy, few enough to stay in the caches.
_BATCH = 8
#: Pixels of all windows that are drawn at once: a large pose takes no more memory than a small one, and a long dance,
#: which has larger ones, no more than a short one.
_DRAWN_AT_ONCE = 8 * 40 * 2**10
_WINDOW_STEP = 16  # windows are whole multiples of this, so that few shapes occur
_MARGIN = 12  # pixels around the matte that are drawn
_RIM = (0.25, 0.75)  # alpha of the drawn layer that becomes 0 and 1
_SHOWN = 0.02  # matte below this is nothing


@dataclass(frozen=True)
class Sizes:
    """Widths of stage 1's parts, as a checkpoint's config names them."""

    reader_widths: tuple[int, ...] = (40, 64, 96, 160)
    reader_hidden: int = 384
    codec_widths: tuple[int, ...] = (40, 64, 96, 144)
    appearance: int = 16
    codec_fine: int = 24
    generator_channels: int = 16
    generator_blocks: int = 4

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Sizes:
        """From JSON values; unknown names raise TypeError."""
        known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**known)


@dataclass(frozen=True)
class FrameBody:
    """A body read from one start frame; see :class:`dabfusion.flow_autoencoder.body_reader.Body` (B = 1).

    ``drawn``: nobody was recognised in it, so that it is a drawing or a toy, of which only the front is known.
    """

    body: Body
    drawn: bool = False

    @property
    def offsets(self) -> np.ndarray:
        """(24, 3) rest offsets of the skeleton's points, frame units."""
        return self.body.offsets[0].cpu().numpy()

    @property
    def hips(self) -> np.ndarray:
        """(3,) hips in the start frame, frame units, y up."""
        return self.body.hips[0].cpu().numpy()

    @property
    def code(self) -> np.ndarray:
        """(117,) the start frame's own flow code."""
        return self.body.code[0].cpu().numpy()


class TrainedDancer:
    """The default :class:`dabfusion.pipeline.DanceModel`.

    Args:
        reader, codec, generator, diffusion: the trained networks, on one device, in evaluation mode.
        device: where they are.
        sample: how a song's codes are sampled: tied windows, or :func:`.long_video.chain_codes`.
    """

    def __init__(
        self, reader: BodyReader, codec: FlowCodec, generator: Generator, diffusion: FlowDiffusion,
        device: torch.device, sample: SampleCodes = dance_codes,
    ) -> None:  # fmt: skip
        self._reader, self._codec, self._generator, self._diffusion = reader, codec, generator, diffusion
        self._device, self._sample = device, sample

    def dancing(self, diffusion: FlowDiffusion, sample: SampleCodes) -> TrainedDancer:
        """The same drawer with another way to make up dances."""
        return TrainedDancer(self._reader, self._codec, self._generator, diffusion, self._device, sample)

    @torch.no_grad()
    def read_body(self, start_frame: StartFrame) -> FrameBody:
        """The body of the person in the start frame; a figure in which no person is recognised lies in its plane."""
        joints = start_frame.keypoints[list(HINTED)].astype(np.float32).copy()
        joints[:, :2] = joints[:, :2] / (FRAME_SIZE / 2) - 1
        body = self._reader(self._person(start_frame), torch.from_numpy(joints)[None].to(self._device))
        drawn = not joints[:, 2].any()  # the pose model, which knows people, saw nobody: a drawing, a toy
        body = fit_body(flattened(body) if drawn else body)
        return FrameBody(Body(body.points, proper_codes(body.code), body.offsets), bool(drawn))

    def sample_codes(
        self,
        body: FrameBody,
        features: np.ndarray,
        options: GenerationOptions,
        progress: Progress,
        should_stop: ShouldStop,
    ) -> np.ndarray:
        """Flow codes (T, 117) for music features (T, D), both at the model's code rate; raises Cancelled when told to
        stop."""
        chosen = DanceOptions(options.seed, options.steps, options.guidance, options.style)

        def report(done: int, total: int) -> None:
            progress(STAGE_DANCE, done, total)

        codes = keep_on_stage(self._sample(self._diffusion, body.code, features, chosen, report, should_stop))
        return facing_viewer(codes, body.code, DRAWING if body.drawn else PERSON)

    @torch.inference_mode()
    def frames(
        self, start_frame: StartFrame, body: FrameBody, codes: np.ndarray, size: int = FRAME_SIZE
    ) -> Iterator[np.ndarray]:
        """Batches (B, size, size, 3) uint8 of the frames of codes (F, 117), in order; ``size`` is one of SIZES."""
        person = self._person(start_frame)
        finer, plate = (self._picture(layer) for layer in start_frame.layers(size))
        with self._precision():
            description = self._codec.anchored(self._codec.describe(person), body.body)
            encoded = self._generator.encode(person)
        codes = with_shown_side(codes, body.code, body.offsets)
        hands = self._hands(start_frame, finer, body)
        gone = hands.gone(torch.from_numpy(codes).to(self._device))
        for first in range(0, len(codes), _BATCH):
            code = torch.from_numpy(codes[first : first + _BATCH]).to(self._device)
            count, gone_now = len(code), gone[first : first + _BATCH]
            with self._precision():
                maps = self._codec.decode(description.repeated(count), body.body.repeated(count), code)
                maps = hands.uncovered(with_stiff_parts(maps, body.drawn), code, gone_now)
            window = drawn_window(maps)
            for some in pieces(count, window):
                part, now = maps.rows(some), code[some]
                with self._precision():
                    drawn = self._generator.draw(encoded.repeated(len(now)), part, window)
                light, place = contact_shadow(body.body, now, FRAME_SIZE), window
                if size != FRAME_SIZE:
                    drawn, place = refine(drawn, part.flow, finer, window)
                    light = enlarge(light)
                layer = crisp(drawn.layer.float()) * near_person(part, place, size)
                layer = hands.laid_over(layer, place, part, now, gone_now[some])
                yield _to_bytes(_over_plate(layer, plate * light, place))

    def _hands(self, start_frame: StartFrame, picture: Tensor, body: FrameBody) -> Hands:
        """The hands of a start frame whose person is drawn from ``picture`` (1, 4, S, S)."""
        if start_frame.hands is None:
            return Hands(torch.zeros_like(picture[:, :2]), picture, body.body, not body.drawn)
        masks = torch.from_numpy(start_frame.hands)[None].to(self._device) / 255
        return Hands(F.interpolate(masks, picture.shape[-2:], mode="area"), picture, body.body, not body.drawn)

    def _person(self, start_frame: StartFrame) -> Tensor:
        """(1, 4, 256, 256) premultiplied RGBA."""
        return self._picture(start_frame.person)

    def _picture(self, layer: np.ndarray) -> Tensor:
        """(H, W, C) -> (1, C, H, W) float32."""
        return torch.from_numpy(np.ascontiguousarray(layer.transpose(2, 0, 1), np.float32))[None].to(self._device)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16)


def drawn_window(maps: FlowMaps) -> Window:
    """The part of the frame that holds the person in any of the B frames, in pixels."""
    covered = (maps.matte.amax((0, 1)) > _SHOWN).nonzero()  # (n, 2): row, column
    if len(covered) == 0:
        return 0, 0, _WINDOW_STEP, _WINDOW_STEP
    cell = FRAME_SIZE // maps.matte.shape[-1]
    low = [max(int(v) * cell - _MARGIN, 0) // _WINDOW_STEP * _WINDOW_STEP for v in covered.amin(0)]
    high = [min(-(-(int(v + 1) * cell + _MARGIN) // _WINDOW_STEP) * _WINDOW_STEP, FRAME_SIZE) for v in covered.amax(0)]
    return low[0], low[1], high[0] - low[0], high[1] - low[1]


def pieces(count: int, window: Window) -> list[slice]:
    """``count`` frames in as few equal pieces as keep the pixels of the window that are drawn at once within
    :data:`_DRAWN_AT_ONCE`, a frame at least."""
    most = max(1, _DRAWN_AT_ONCE // (window[2] * window[3]))
    each = -(-count // -(-count // most))
    return [slice(k, k + each) for k in range(0, count, each)]


def near_person(maps: FlowMaps, window: Window, size: int = FRAME_SIZE) -> Tensor:
    """(B, 1, h, w) of the window: 1 on and around the matte, fading to 0 where nobody is; no stray specks, no edges.

    Args:
        maps: of B frames.
        window: in pixels of frames of ``size``.
    """
    around = (F.max_pool2d(maps.matte.float(), 5, 1, 2) / _SHOWN - 1).clamp(0, 1)
    return crop(F.interpolate(around, (size, size), mode="bilinear", align_corners=False), window)


def crisp(layer: Tensor) -> Tensor:
    """Premultiplied RGBA (B, 4, h, w) with a narrower rim: alpha is stretched around 1/2, the colour stays.

    Where the network is not sure of an edge, its alpha is a wide ramp: right on average, and soft to look at.
    """
    alpha = layer[:, 3:]
    ramp = ((alpha - _RIM[0]) / (_RIM[1] - _RIM[0])).clamp(0, 1)
    narrow = ramp.square() * (3 - 2 * ramp)
    return torch.cat([(layer[:, :3] / alpha.clamp_min(1e-3)).clamp(0, 1) * narrow, narrow], 1)


def _over_plate(layer: Tensor, plates: Tensor, window: Window) -> Tensor:
    """Premultiplied RGBA (B, 4, h, w) of a window put over plates (B, 3, H, W), in place."""
    behind = crop(plates, window)
    behind.mul_(1 - layer[:, 3:]).add_(layer[:, :3])
    return plates


def _to_bytes(frames: Tensor) -> np.ndarray:
    """(B, 3, H, W) in [0, 1] -> (B, H, W, 3) uint8; ``frames`` are used up."""
    return frames.clamp_(0, 1).mul_(255).add_(0.5).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


def build_parts(sizes: Sizes) -> tuple[BodyReader, FlowCodec, Generator]:
    """Stage 1 of the studio preset, untrained: the one place where its config becomes sizes."""
    return (
        BodyReader(sizes.reader_widths, sizes.reader_hidden),
        FlowCodec(sizes.codec_widths, sizes.appearance, sizes.codec_fine),
        Generator(sizes.generator_channels, blocks=sizes.generator_blocks),
    )


def load_dance_model(checkpoint: Checkpoint, device: torch.device) -> TrainedDancer:
    """Builds the dancer that a checkpoint describes (``flow_autoencoder`` and ``flow_diffusion`` in its config).

    Raises:
        CheckpointError: the checkpoint is incomplete or does not fit the code.
    """
    try:
        reader, codec, generator = build_parts(Sizes.from_dict(checkpoint.config["flow_autoencoder"]))
        diffusion = build_flow_diffusion(FlowDiffusionConfig.from_dict(checkpoint.config["flow_diffusion"]))
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"The config of {checkpoint.folder} does not fit this version: {error}.") from error
    parts = {"body_reader": reader, "codec": codec, "generator": generator, "flow_diffusion": diffusion}
    for name, module in parts.items():
        checkpoint.load_into(module, name)
        module.to(device).eval().requires_grad_(False)
    return TrainedDancer(reader, codec, generator, diffusion, device)
