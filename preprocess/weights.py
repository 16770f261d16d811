"""Find the weight files of the photo stage and check that they are the published ones before they are opened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from preprocess.errors import WeightsError

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
_CHUNK = 1 << 20  # bytes


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def verified(name: str, checkpoints: Path = CHECKPOINTS) -> Path:
    """The weight file of ``checkpoints/name``, after its SHA-256 was compared with the one in ``config.json``.

    Raises:
        WeightsError: the folder, its config or the file is missing, or the file is not the one that the config names.
    """
    folder = checkpoints / name
    config_path = folder / "config.json"
    if not config_path.is_file():
        raise WeightsError(f"The weights {name!r} are missing: there is no {name}/config.json in {checkpoints.name}/.")
    config = json.loads(config_path.read_text(encoding="utf-8"))
    path = folder / Path(config["file"]).name
    if not path.is_file():
        raise WeightsError(f"The weights {name!r} are missing: put {path.name} into {checkpoints.name}/{name}/.")
    if sha256(path) != config["sha256"]:
        raise WeightsError(f"{path.name} is not the published file (its SHA-256 differs): get a fresh copy of it.")
    return path
