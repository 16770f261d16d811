"""The product's dancer, and what the paper's tables compare it with: deaf to the beats, deaf to all music, chained.

Every way takes the same start frame, song and options and writes one video.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from dabfusion.checkpoint import open_checkpoint
from dabfusion.config import CODE_FPS, GenerationOptions
from dabfusion.dance_model import TrainedDancer, load_dance_model
from dabfusion.flow_diffusion import Condition, FlowDiffusion
from dabfusion.flow_diffusion.model import FlowDiffusionConfig, build_flow_diffusion
from dabfusion.flow_diffusion.sampling import Denoise
from dabfusion.long_video import chain_codes, dance_codes
from dabfusion.music_encoder.embedding import BEATS_TOWER, MusicEmbedding
from dabfusion.music_encoder.encoder import MusicEncoder
from dabfusion.pipeline import DabFusion
from dabfusion.services import load_music_encoder
from preprocess.start_frame import StartFrame

from .pixel_chaining import Look, chain_pixels

OURS, NO_BEATS, STYLE_ONLY = "ours", "without-beats", "style-only"
CHAINED_CODES, CHAINED_PIXELS = "chained-codes", "chained-pixels"
PIECE = 4.0  #: seconds of a chained piece: DabFusion's 40 frames at 10 fps


class DeafDiffusion(FlowDiffusion):
    """A dance model from which the music is hidden, as it was in part of its training; it knows style and start."""

    @property
    def hears_breaks(self) -> bool:
        """Never."""
        return False

    def guided_denoiser(self, condition: Condition, guidance: float, style_guidance: float | None = None) -> Denoise:
        """A denoiser guided on the style alone."""
        return super().guided_denoiser(condition.without(self.no_style, style=False), style_guidance or guidance)


class Dancers:
    """All ways to dance, from one checkpoint that is loaded at the first dance.

    Args:
        checkpoint: its folder.
        look: finds the keypoints of a picture, for chained start frames.
        piece: seconds of a chained piece.
    """

    def __init__(self, checkpoint: Path, look: Look | None = None, piece: float = PIECE) -> None:
        self._folder, self._look, self._piece = checkpoint, look, piece

    @cached_property
    def model(self) -> TrainedDancer:
        """The product's dance model on the CPU; raises CheckpointError."""
        return load_dance_model(open_checkpoint(self._folder), torch.device("cpu"))

    @cached_property
    def encoder(self) -> MusicEncoder:
        """The ear that the checkpoint was trained with; raises CheckpointError."""
        return load_music_encoder(self._folder)

    @property
    def window(self) -> int:
        """Codes of one of the product's windows."""
        return self._config.window

    def dance(self, way: str, start: StartFrame, song: Path, out: Path, options: GenerationOptions) -> MusicEmbedding:
        """Dances one video in one of the ways; returns what was heard of the song.

        Raises:
            KeyError: an unknown way. CheckpointError, SongError, VideoError: see the product.
        """
        music = self.encoder.encode_file(song)
        if way == CHAINED_PIXELS:
            chain_pixels(self.model, start, music, song, out, options, self._piece, self._look)
            return music
        heard = without_beats(music) if way == NO_BEATS else music
        self._dancer(way).generate(start, heard, song, out, options)
        return music

    def _dancer(self, way: str) -> DabFusion:
        if way in (OURS, NO_BEATS):
            return DabFusion(self.model)
        if way == STYLE_ONLY:
            return DabFusion(self.model.dancing(self.diffusion(DeafDiffusion), dance_codes))
        if way == CHAINED_CODES:
            short = self.diffusion(FlowDiffusion, round(self._piece * CODE_FPS))
            return DabFusion(self.model.dancing(short, chain_codes))
        raise KeyError(way)

    @cached_property
    def _config(self) -> FlowDiffusionConfig:
        return FlowDiffusionConfig.from_dict(open_checkpoint(self._folder).config["flow_diffusion"])

    def diffusion(self, kind: type[FlowDiffusion] = FlowDiffusion, window: int | None = None) -> FlowDiffusion:
        """The dance model alone, of another kind or with shorter windows (codes); raises CheckpointError."""
        built = build_flow_diffusion(self._config)
        open_checkpoint(self._folder).load_into(built, "flow_diffusion")
        config = replace(self._config, window=window or self._config.window)
        return kind(config, built.network, built.normaliser).eval().requires_grad_(False)


def without_beats(music: MusicEmbedding) -> MusicEmbedding:
    """The same song to an ear that hears no beat: the beats tower is all zeros, whatever piece is cut out."""
    hidden = music.features.copy()
    first = 0
    for name, width in zip(music.towers, music.widths, strict=True):
        if name == BEATS_TOWER:
            hidden[:, first : first + width] = 0
        first += width
    return replace(music, features=hidden, beat_times=np.zeros(0), tempo=0.0)
