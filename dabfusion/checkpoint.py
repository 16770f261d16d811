"""A checkpoint is a folder: ``config.json`` beside ``*.safetensors``. Strictly loaded, sums checked, never a pickle.

``config.json`` describes the model (architecture, towers, fps, sizes, training data, licence) and lists under ``files``
the SHA-256 of each weight file. Weights are stored as float16 and loaded as float32.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .errors import CheckpointError

CONFIG_NAME = "config.json"
SUFFIX = ".safetensors"
_SHOWN_KEYS = 3  # how many keys an error names before it only counts


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint folder. Nothing is read but its config until weights are asked for."""

    folder: Path
    config: Mapping[str, Any]

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the weight files, without suffix."""
        return tuple(sorted(name.removesuffix(SUFFIX) for name in self.config["files"]))

    def verify(self) -> None:
        """Checks that every listed file is there and unchanged.

        Raises:
            CheckpointError: a file is missing, or its SHA-256 differs from the one in the config.
        """
        for part in self.parts:
            self._verified_path(part)

    def tensors(self, part: str) -> dict[str, Tensor]:
        """The tensors of one weight file, floating ones as float32 on the CPU.

        Raises:
            CheckpointError: no such part, or its file is missing, changed or not a safetensors file.
        """
        path = self._verified_path(part)
        try:
            loaded = load_file(path)
        except SafetensorError as error:
            raise CheckpointError(f"{path} is not a safetensors file; restore it from where you got it.") from error
        return {key: value.float() if value.is_floating_point() else value for key, value in loaded.items()}

    def load_into(self, module: nn.Module, part: str) -> None:
        """Fills ``module`` with one part, strictly.

        Raises:
            CheckpointError: a key is missing, unknown or of another shape; the message names it.
        """
        tensors, own = self.tensors(part), module.state_dict()
        where = self.folder / (part + SUFFIX)
        _refuse(where, "lacks", sorted(own.keys() - tensors.keys()))
        _refuse(where, "has unknown", sorted(tensors.keys() - own.keys()))
        _refuse(where, "has other shapes for", sorted(k for k in own if own[k].shape != tensors[k].shape))
        module.load_state_dict(tensors, strict=True)

    def _verified_path(self, part: str) -> Path:
        name = part + SUFFIX
        expected = self.config["files"].get(name)
        if expected is None:
            raise CheckpointError(f"The checkpoint {self.folder} has no part {part!r}, only {', '.join(self.parts)}.")
        path = self.folder / name
        if not path.is_file():
            raise CheckpointError(f"The checkpoint {self.folder} lacks {name}; restore it from where you got it.")
        if file_sha256(path) != expected:
            raise CheckpointError(f"{path} has changed since it was made (its SHA-256 differs); restore it.")
        return path


def _refuse(where: Path, what: str, keys: list[str]) -> None:
    """Raises CheckpointError naming the first of ``keys``, if there are any."""
    if keys:
        more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
        raise CheckpointError(f"{where} {what} {', '.join(keys[:_SHOWN_KEYS])}{more}; it does not fit this version.")


def open_checkpoint(folder: Path | str) -> Checkpoint:
    """Opens a checkpoint folder and reads its config.

    Raises:
        CheckpointError: no folder, no ``config.json``, or one that is not a JSON object with a ``files`` table.
    """
    folder = Path(folder)
    path = folder / CONFIG_NAME
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint in {folder} ({CONFIG_NAME} is missing).")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not readable JSON; restore it from where you got it.") from error
    if not isinstance(config, dict) or not isinstance(config.get("files"), dict):
        raise CheckpointError(f"{path} does not list its weight files under 'files'.")
    if any("/" in name or "\\" in name or not name.endswith(SUFFIX) for name in config["files"]):
        raise CheckpointError(f"{path} lists something that is not a plain {SUFFIX} file name.")
    return Checkpoint(folder, config)


def save_checkpoint(
    folder: Path | str, config: Mapping[str, Any], parts: Mapping[str, Mapping[str, Tensor]]
) -> Checkpoint:
    """Writes ``parts`` (part name -> state dict) as float16 safetensors, and the config with their sums, last of all.

    Args:
        folder: made if needed; files of the same names are replaced.
        config: JSON values; a ``files`` entry in it is replaced.
        parts: for example ``{"generator": generator.state_dict()}``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sums: dict[str, str] = {}
    for part, state in parts.items():
        path = folder / (part + SUFFIX)
        save_file({key: _stored(value) for key, value in state.items()}, path)
        sums[path.name] = file_sha256(path)
    written = {**config, "files": sums}
    temporary = folder / (CONFIG_NAME + ".part")
    temporary.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(folder / CONFIG_NAME)
    return Checkpoint(folder, written)


def _stored(value: Tensor) -> Tensor:
    """A contiguous CPU copy; floating tensors as float16 (or float32 where float16 would overflow)."""
    value = value.detach().cpu().contiguous().clone()
    if not value.is_floating_point():
        return value
    half = value.to(torch.float16)
    return half if bool(torch.isfinite(half).all()) else value.float()
