"""What every score is computed under, told in every report."""

from __future__ import annotations

from .beat_align import SIGMA
from .beats_covered import WINDOW
from .kinematic_beats import SMOOTHING
from .measure import IDENTITY_RATE
from .pose import DETECTED, IMAGE_SIZE, SHORT_SIDE, WEIGHTS

SETTINGS: dict[str, object] = {
    "pose model": f"{WEIGHTS} at {IMAGE_SIZE} px, frames brought to {SHORT_SIDE} px, detected above {DETECTED}",
    "2D-MM Align": f"sigma {SIGMA * 1000:g} ms, kinematic -> music beats, speed smoothed by {SMOOTHING * 1000:g} ms",
    "MBCR": f"within {WINDOW * 1000:g} ms",
    "identity": f"Lab histogram and VGG-16 relu5_3 of the body, {IDENTITY_RATE:g} frames a second where nothing else "
    "is said",
}
