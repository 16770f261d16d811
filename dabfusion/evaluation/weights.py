"""Where the measuring networks' weights are: a folder by option, by environment, or the project's checkpoints.

A user with a network may also name an address (``$DABFUSION_WEIGHTS_ADDRESS``, http or https) from which files that are
not there are fetched by their names, checked against the sums below, and kept. Nothing is fetched without it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from dabfusion.config import CHECKPOINTS

from .made_once import put_file

ENVIRONMENT = "DABFUSION_WEIGHTS"
ADDRESS = "DABFUSION_WEIGHTS_ADDRESS"
#: SHA-256 of the files that may be fetched; another content is not used.
SUMS: dict[str, str] = {
    "yolo11n-pose.pt": "869e83fcdffdc7371fa4e34cd8e51c838cc729571d1635e5141e3075e9319dc0",
    "vgg16_lpips.safetensors": "0d89703892454cdf4fa81bea598cc6ef49051d961e5a8be23df1a1cbfb0f4f55",
    "alexnet_lpips.safetensors": "81ecf721cb100eb059ec260e6935cdfa0b9c5f07687a44df968475e252d06db0",
    "i3d_kinetics400.safetensors": "4501076f8415e7471696a2c59a9f34e550663cf048d6ebb4f1ecad8ffe470808",
}
_TIMEOUT = 30.0  # s that a server may be silent
_LARGEST = 200 * 2**20  # bytes; the largest of them has 30 MB


class MissingWeightsError(LookupError):
    """A measure cannot be taken because a weight file is not there; the message names what is needed."""

    def __init__(self, need: str) -> None:
        super().__init__(need)
        self.need = need


def find_weights(name: str, folder: Path | None = None) -> Path:
    """The file ``name`` in ``folder``, else in $DABFUSION_WEIGHTS, else in checkpoints/ (or a folder of its own there).

    Where an address is named, a known file that is in none of them is fetched into the first of the folders.

    Raises:
        MissingWeightsError: it is in none of them, and was not to be had from the address.
    """
    named = os.environ.get(ENVIRONMENT)
    places = [folder, Path(named) if named else None, CHECKPOINTS, CHECKPOINTS / name.split(".")[0]]
    for place in places:
        if place is not None and (place / name).is_file():
            return place / name
    address = os.environ.get(ADDRESS, "")
    if not address or name not in SUMS:
        raise MissingWeightsError(name)
    kept = next(place for place in (*places[:2], CHECKPOINTS / name.split(".")[0]) if place is not None) / name
    fetch(f"{address.rstrip('/')}/{name}", kept, SUMS[name])
    return kept


def fetch(address: str, path: Path, sha256: str) -> None:
    """Fetches a file and keeps it as ``path`` if its sum is the known one.

    Raises:
        MissingWeightsError: no such address, no answer, or another content; says which.
    """
    if not address.startswith(("https://", "http://")):
        raise MissingWeightsError(f"{path.name} (${ADDRESS} must begin with https:// or http://)")
    sys.stderr.write(f"Fetching {address}\n")
    try:
        with urlopen(address, timeout=_TIMEOUT) as answer:
            data = answer.read(_LARGEST)
    except (OSError, HTTPException, ValueError) as error:
        raise MissingWeightsError(f"{path.name} (not to be had from {address}: {error})") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise MissingWeightsError(f"{path.name} (what {address} holds is another file)")
    put_file(path, lambda place: place.write_bytes(data))
