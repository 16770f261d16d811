"""The dance model of the studio preset: configuration, denoiser with normaliser, and its files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dabfusion.errors import CheckpointError
from dabfusion.skeleton import CODE_SIZE

from .code_transformer import CodeTransformer
from .condition import Condition
from .normalise import CodeNormaliser
from .sampling import Denoise, guided

WEIGHTS_FILE = "flow_diffusion.safetensors"
CONFIG_FILE = "flow_diffusion.json"


@dataclass(frozen=True)
class FlowDiffusionConfig:
    """Sizes of the denoiser and what it was trained for; ``fps`` is codes per second, ``window`` frames."""

    styles: tuple[str, ...]
    music_size: int = 16
    towers: tuple[str, ...] = ("beats", "rhythm")
    width: int = 256
    depth: int = 6
    heads: int = 4
    fps: float = 15.0
    window: int = 90

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FlowDiffusionConfig:
        """From JSON values; unknown names raise TypeError."""
        known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**known)


class FlowDiffusion(nn.Module):
    """A denoiser and its normaliser. Outside, codes are plain (B, T, 117); inside a diffusion, normalised."""

    def __init__(self, config: FlowDiffusionConfig, network: CodeTransformer, normaliser: CodeNormaliser) -> None:
        super().__init__()
        self.config, self.network, self.normaliser = config, network, normaliser

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.normaliser.mean.device

    @property
    def no_style(self) -> int:
        """The style number that stands for "no style"."""
        return len(self.config.styles)

    def style_number(self, style: str) -> int:
        """Number of a style by name; "auto" and unknown names are no style."""
        return self.config.styles.index(style) if style in self.config.styles else self.no_style

    def forward(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """x_0 estimate (B, T, 117) of noisy normalised windows x at time steps t (B,)."""
        return self.network(x, t, condition, self.normaliser(condition.start))

    @property
    def hears_breaks(self) -> bool:
        """Whether the music features begin with the towers that tell of breaks."""
        return self.config.towers[:2] == ("beats", "rhythm")

    def guided_denoiser(self, condition: Condition, guidance: float, style_guidance: float | None = None) -> Denoise:
        """A denoiser of normalised windows, guided on music and style, while the start pose is always told.

        Args:
            condition: of the windows.
            guidance: on the music, and on the style where that has none of its own; 1 is none.
            style_guidance: on the style, beyond what the music alone says (costs a third pass); None: ``guidance``.
        """
        hidden = condition.without(self.no_style)
        unstyled = condition.without(self.no_style, music=False)
        styled = bool((condition.style != self.no_style).any())
        apart = styled and style_guidance is not None and style_guidance != guidance

        def denoise(x: Tensor, t: float) -> Tensor:
            steps = torch.full((len(x),), t, device=x.device)
            told = self(x, steps, condition)
            if apart and style_guidance is not None:
                heard = self(x, steps, unstyled)
                return guided(heard, self(x, steps, hidden), guidance) + style_guidance * (told - heard)
            return told if guidance == 1.0 else guided(told, self(x, steps, hidden), guidance)

        return denoise

    def save(self, folder: Path, about: dict[str, Any] | None = None) -> None:
        """Writes weights and configuration; ``about`` says how it was trained. Each file is replaced in one go."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / (WEIGHTS_FILE + ".part")
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, partial)
        partial.replace(folder / WEIGHTS_FILE)
        text = json.dumps({"model": asdict(self.config), "training": about or {}}, indent=1)
        (folder / CONFIG_FILE).write_text(text + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> FlowDiffusion:
        """Reads what :meth:`save` wrote, in evaluation mode.

        Raises:
            CheckpointError: if a file is missing or the weights do not fit the configuration.
        """
        for name in (WEIGHTS_FILE, CONFIG_FILE):
            if not (folder / name).is_file():
                raise CheckpointError(f"The dance model is incomplete: {folder / name} is missing.")
        try:
            values = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
            model = build_flow_diffusion(FlowDiffusionConfig.from_dict(values["model"]))
            state = {k: v.float() for k, v in load_file(folder / WEIGHTS_FILE).items()}
            model.load_state_dict(state, strict=True)
        except (KeyError, TypeError, json.JSONDecodeError, RuntimeError) as error:
            raise CheckpointError(f"The dance model in {folder} does not fit this version: {error}") from error
        return model.to(device).eval()


def build_flow_diffusion(config: FlowDiffusionConfig) -> FlowDiffusion:
    """The one place where a configuration becomes sizes."""
    network = CodeTransformer(
        CODE_SIZE, config.music_size, len(config.styles), config.width, config.depth, config.heads
    )
    return FlowDiffusion(config, network, CodeNormaliser())
