"""A figure found in a photo, and the order and names of its COCO keypoints."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR = range(5)
LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST = range(5, 11)
LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE = range(11, 17)
HEAD = (NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR)
KEYPOINTS = 17
#: Pairs of keypoints with a part of the body between them.
LIMBS = (
    (NOSE, LEFT_SHOULDER), (NOSE, RIGHT_SHOULDER), (LEFT_SHOULDER, RIGHT_SHOULDER),
    (LEFT_SHOULDER, LEFT_ELBOW), (LEFT_ELBOW, LEFT_WRIST), (RIGHT_SHOULDER, RIGHT_ELBOW), (RIGHT_ELBOW, RIGHT_WRIST),
    (LEFT_SHOULDER, LEFT_HIP), (RIGHT_SHOULDER, RIGHT_HIP), (LEFT_HIP, RIGHT_HIP),
    (LEFT_HIP, LEFT_KNEE), (LEFT_KNEE, LEFT_ANKLE), (RIGHT_HIP, RIGHT_KNEE), (RIGHT_KNEE, RIGHT_ANKLE),
)  # fmt: skip
FIGURE = "figure"  # kind of something that no detector knows
SEEN = 0.5  # keypoint confidence from which a joint counts as visible


def no_keypoints() -> np.ndarray:
    """(17, 3) zeros: nothing known of the joints."""
    return np.zeros((KEYPOINTS, 3), np.float32)


@dataclass(frozen=True)
class Person:
    """One figure in a photo.

    Attributes:
        box: (4,) float32 x1, y1, x2, y2 in photo pixels, as tight as the detector found it.
        confidence: the detector's, 0 to 1; 0 where no detector knew the figure.
        keypoints: (17, 3) float32 x, y in photo pixels and confidence, COCO order (left is the person's left).
        kind: "person", another COCO name such as "dog", or "figure" for something only found by its contrast.
    """

    box: np.ndarray
    confidence: float
    keypoints: np.ndarray = field(default_factory=no_keypoints)
    kind: str = "person"

    @property
    def width(self) -> float:
        """Width of the box in photo pixels."""
        return float(self.box[2] - self.box[0])

    @property
    def height(self) -> float:
        """Height of the box in photo pixels."""
        return float(self.box[3] - self.box[1])

    @property
    def is_person(self) -> bool:
        """Whether the detector called it a person."""
        return self.kind == "person"

    def sees(self, *joints: int) -> bool:
        """Whether all of these joints were found with confidence."""
        return bool(np.all(self.keypoints[list(joints), 2] >= SEEN))
