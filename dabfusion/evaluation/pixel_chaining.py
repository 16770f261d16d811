"""DabFusion's own way to long videos, as a baseline: the last *rendered* frame is the start frame of the next piece.

Each piece is read, danced and drawn anew from pixels that were drawn already, so errors pile up. The paper's system
knows no layers; here the new start frame keeps the drawn matte and the untouched plate, and the dancer's joints are
looked for in the drawn picture, so the baseline is stronger than the paper's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dabfusion.accents import accented_codes
from dabfusion.config import FRAME_SIZE, GenerationOptions
from dabfusion.contact_shadow import contact_shadow
from dabfusion.dance_model import FrameBody, TrainedDancer
from dabfusion.music_encoder.embedding import MusicEmbedding
from dabfusion.video import VideoWriter, frame_total
from preprocess.start_frame import StartFrame

#: Keypoints (17, 3) of a picture (256, 256, 3) uint8: x, y and confidence.
Look = Callable[[np.ndarray], np.ndarray]


def chain_pixels(
    model: TrainedDancer, start: StartFrame, music: MusicEmbedding, song: Path, out: Path, options: GenerationOptions,
    piece: float, look: Look | None = None,
) -> None:  # fmt: skip
    """Writes a video of chained pieces.

    Args:
        model: reads, dances and draws every piece.
        start: the first start frame.
        music: of the whole song.
        song: its file.
        out: the mp4.
        options: as for the product; the length must be told.
        piece: seconds of each piece.
        look: finds the joints of a drawn picture; None: none are told.
    """
    if options.length is None:
        raise ValueError("a chained dance needs a length")
    total, each = frame_total(options.length, options.fps), frame_total(piece, options.fps)
    with VideoWriter(out, options.fps, song, options.start, options.length, options.mark) as writer:
        while writer.written < total:
            again = int(writer.written > 0)  # frame 0 of a later piece is the last frame of the one before
            count = min(each, total - writer.written) + again
            begin = options.start + (writer.written - again) / options.fps
            section = music.section(begin, count / options.fps)
            body = model.read_body(start)
            chosen = replace(options, seed=options.seed + writer.written)
            sampled = model.sample_codes(body, section.features, chosen, lambda *_: None, lambda: False)
            codes = accented_codes(sampled, section.features, options.fps, count, options.accent)
            frames = np.concatenate(list(model.frames(start, body, codes)))
            writer.write(frames[again:])
            start = start_from_drawn(model, start, body, codes[-1:], look)


def start_from_drawn(
    model: TrainedDancer, start: StartFrame, body: FrameBody, code: np.ndarray, look: Look | None = None
) -> StartFrame:
    """The drawn frame of ``code`` (1, 117) as a start frame.

    It is drawn on black and on white: black shows the premultiplied person, and their difference, over the floor's
    light, what the matte lets through.
    """
    plates = (np.zeros_like(start.plate), np.ones_like(start.plate))
    drawn_on = [next(iter(model.frames(replace(start, plate=plate), body, code)))[0] for plate in plates]
    dark, bright = (frame / np.float32(255) for frame in drawn_on)
    light = contact_shadow(body.body, torch.from_numpy(code), FRAME_SIZE)[0, 0].numpy()[..., None]
    through = (bright - dark).mean(-1, keepdims=True) / light
    person = np.concatenate([dark, 1 - through], -1).clip(0, 1).astype(np.float32)
    drawn = replace(start, person=person)
    if look is None:
        return replace(drawn, keypoints=np.zeros_like(start.keypoints))
    return replace(drawn, keypoints=look((drawn.composite.clip(0, 1) * 255 + 0.5).astype(np.uint8)))
