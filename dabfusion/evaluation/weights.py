"""Where the measuring networks' weights are: a folder by option, by environment, or the project's checkpoints."""

from __future__ import annotations

import os
from pathlib import Path

from dabfusion.config import CHECKPOINTS

ENVIRONMENT = "DABFUSION_WEIGHTS"


class MissingWeightsError(LookupError):
    """A measure cannot be taken because a weight file is not there; the message names what is needed."""

    def __init__(self, need: str) -> None:
        super().__init__(need)
        self.need = need


def find_weights(name: str, folder: Path | None = None) -> Path:
    """The file ``name`` in ``folder``, else in $DABFUSION_WEIGHTS, else in checkpoints/ (or a folder of its own there).

    Raises:
        MissingWeightsError: it is in none of them.
    """
    named = os.environ.get(ENVIRONMENT)
    places = [folder, Path(named) if named else None, CHECKPOINTS, CHECKPOINTS / name.split(".")[0]]
    for place in places:
        if place is not None and (place / name).is_file():
            return place / name
    raise MissingWeightsError(name)
