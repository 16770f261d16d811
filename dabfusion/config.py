"""Every default in one place: time base, styles, generation options. Sizes of networks come with their checkpoint."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import OptionError

FRAME_SIZE = 256  #: side of a frame as the networks draw it, pixels
FINE_SIZE = 2 * FRAME_SIZE  #: side of a frame whose copied parts come from a finer picture
SIZES: tuple[int, ...] = (FRAME_SIZE, FINE_SIZE)
USUAL_SIZE = FINE_SIZE  #: what the page and the command line make unless told otherwise
FLOW_SIZE = 64  #: side of a flow map, cells
CODE_FPS = 15  #: flow codes (and music features) per second
VIDEO_FPS = 30  #: frames per second of the finished video
FRAMES_PER_CODE = VIDEO_FPS // CODE_FPS
if FRAMES_PER_CODE * CODE_FPS != VIDEO_FPS:
    raise AssertionError("VIDEO_FPS must be a whole multiple of CODE_FPS")

MIN_LENGTH = 0.5  #: shortest dance, seconds
MAX_LENGTH = 600.0  #: longest dance, seconds
MAX_SEED = 2**31 - 1

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
DEFAULT_CHECKPOINT = CHECKPOINTS / "studio"
EXAMPLES = CHECKPOINTS.parent / "examples"

#: The ten AIST++ genres, then the style of the captured takes.
STYLES: tuple[str, ...] = (
    "break", "pop", "lock", "middle-hip-hop", "la-hip-hop", "house", "waack", "krump", "street-jazz", "ballet-jazz",
    "salsa",
)  # fmt: skip
SQUARE, PORTRAIT = "square", "portrait"
SHAPES: tuple[str, ...] = (SQUARE, PORTRAIT)  #: 1:1 as rendered; 9:16 with the background continued up and down
AUTO_STYLE = "auto"  #: no style token: the music alone decides


def _check_number(name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Raises OptionError unless ``value`` is a finite number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise OptionError(f"The {name} must be a number; got {value!r}.")
    if not low <= value <= high:
        raise OptionError(f"The {name} must be between {low:g} and {high:g}{unit}; got {value:g}.")


def _check_whole(name: str, value: int, low: int, high: int) -> None:
    """Raises OptionError unless ``value`` is a whole number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise OptionError(f"The {name} must be a whole number; got {value!r}.")
    _check_number(name, value, low, high)


@dataclass(frozen=True)
class GenerationOptions:
    """What a user can choose about one dance. Frozen; every field is checked when it is built.

    Raises:
        OptionError: a field is out of its range; the message is one plain sentence.
    """

    seed: int = 0  #: the same seed, inputs, versions and device give the same frames
    steps: int = 20  #: denoising steps: more is slower and a little cleaner
    start: float = 0.0  #: where the dance starts in the song, seconds
    length: float | None = None  #: seconds; None: to the end of the song
    style: str = AUTO_STYLE  #: one of STYLES, or "auto"
    motion_strength: float = 1.0  #: scales quick movements around the slow ones; 1 is as sampled
    accent: float = 0.4  #: how much slower the dance runs on a beat than on average; 0 is as sampled
    fps: int = VIDEO_FPS  #: frames per second of the video
    guidance: float = 2.0  #: classifier-free guidance on the music; 1 is none
    mark: bool = True  #: draw the visible "AI-generated" mark
    shape: str = SQUARE  #: one of SHAPES
    size: int = FRAME_SIZE  #: one of SIZES: side of the dance's frames, pixels

    def __post_init__(self) -> None:
        _check_whole("seed", self.seed, 0, MAX_SEED)
        _check_whole("number of steps", self.steps, 1, 1000)
        _check_number("start", self.start, 0.0, 24 * 3600.0, " seconds")
        if self.length is not None:
            _check_number("length", self.length, MIN_LENGTH, MAX_LENGTH, " seconds")
        if self.style != AUTO_STYLE and self.style not in STYLES:
            raise OptionError(f"There is no style {self.style!r}; choose one of: {', '.join((AUTO_STYLE, *STYLES))}.")
        _check_number("motion strength", self.motion_strength, 0.0, 2.0)
        _check_number("accent", self.accent, 0.0, 1.0)
        _check_whole("number of frames per second", self.fps, 10, 60)
        _check_number("guidance", self.guidance, 0.0, 10.0)
        if not isinstance(self.mark, bool):
            raise OptionError(f"The mark is either on or off; got {self.mark!r}.")
        if self.shape not in SHAPES:
            raise OptionError(f"There is no shape {self.shape!r}; choose one of: {', '.join(SHAPES)}.")
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size not in SIZES:
            raise OptionError(f"There is no size {self.size!r}; choose one of: {', '.join(map(str, SIZES))}.")

    def as_dict(self) -> dict[str, object]:
        """The options as plain JSON values."""
        return asdict(self)
