"""Read a photo from an untrusted file: the right way up, 8 bit RGB, in bounded memory, or a plain sentence why not."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from preprocess.errors import PhotoError

MAX_BYTES = 64 << 20
MAX_PIXELS = 40_000_000
MIN_SIDE = 32  # pixels; below it there is no person to see
WORK_SIDE = 2048  # longest side that is kept; larger photos are scaled down while they are read

_SUFFIX_HINT = "Please save it as a JPG, PNG or WebP picture and try again."
_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {  # EXIF orientation -> what makes the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = tuple(_UPRIGHT[orientation] for orientation in (5, 6, 7, 8))
_BRANDS_HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")


@dataclass(frozen=True)
class Photo:
    """A decoded photo. All boxes, points and masks of this package are in the pixels of ``pixels``.

    Attributes:
        pixels: (H, W, 3) uint8 sRGB, upright, longest side at most ``WORK_SIDE``.
        alpha: (H, W) uint8 opacity where the file had any, else None; transparent pixels are white in ``pixels``.
        original_size: (width, height) of the file's picture, upright, before scaling.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    original_size: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of ``pixels``."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @cached_property
    def digest(self) -> str:
        """A key of the content, for caches."""
        return hashlib.sha256(repr(self.pixels.shape).encode() + self.pixels.tobytes()).hexdigest()


def read_photo(source: str | Path | bytes | np.ndarray | Photo) -> Photo:
    """Read a JPG, PNG or WebP picture.

    The format is told from the bytes, never from the name. EXIF rotation is applied, metadata is left behind,
    CMYK, grey, palette, 16 bit and transparent pictures become RGB, wide-gamut pictures become sRGB.

    Args:
        source: a path, the file's bytes, or pixels: (H, W), (H, W, 3) or (H, W, 4), uint8, or float in [0, 1].

    Raises:
        PhotoError: not a picture, another format, animated, damaged, over 40 megapixels or 64 MB, too small.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source)
    data = source if isinstance(source, bytes) else _read_bytes(Path(source))
    _check_signature(data)
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            return _decode(image)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except UnidentifiedImageError as error:
        raise PhotoError("This picture is damaged and cannot be read: please choose another copy of it.") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError, MemoryError) as error:
        raise PhotoError("This picture is damaged or incomplete: please choose another copy of it.") from error


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise PhotoError(f"There is no photo at {path}: please check the path.")
    if path.stat().st_size > MAX_BYTES:
        raise PhotoError(f"This photo file is larger than {MAX_BYTES >> 20} MB: please choose a smaller one.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise PhotoError(f"The photo at {path} cannot be opened: please check that you may read it.") from error


def _check_signature(data: bytes) -> None:
    """Pass the three allowed formats; name what else it is in a sentence."""
    if not data:
        raise PhotoError("This photo file is empty: please choose another one.")
    if len(data) > MAX_BYTES:
        raise PhotoError(f"This photo file is larger than {MAX_BYTES >> 20} MB: please choose a smaller one.")
    if data[:3] == b"\xff\xd8\xff" or data[:8] == b"\x89PNG\r\n\x1a\n" or (data[:4], data[8:12]) == (b"RIFF", b"WEBP"):
        return
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = "This file is not a photo that can be read here."
    if data[4:8] == b"ftyp" and data[8:12] in _BRANDS_HEIF:
        kind = "Photos in the HEIC or AVIF format cannot be read here."
    elif head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in head:
        kind = "SVG drawings cannot be read here."
    elif head.startswith((b"gif8", b"bm", b"ii*\0", b"mm\0*", b"%pdf")):
        kind = "GIF, BMP, TIFF and PDF files cannot be read here."
    raise PhotoError(f"{kind} {_SUFFIX_HINT}")


def _too_many_pixels() -> PhotoError:
    limit = MAX_PIXELS // 10**6
    return PhotoError(f"This photo has more than {limit} megapixels: please make it smaller and try again.")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"This picture is only {width} x {height} pixels: please choose one on which the person is 200 or more "
            "pixels tall."
        )


def _decode(image: Image.Image) -> Photo:
    """Decode an opened (not yet loaded) picture whose header has been read."""
    _check_size(*image.size)
    if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
        raise PhotoError("Animated pictures cannot be used: please choose a still photo.")
    width, height = image.size
    if image.format == "JPEG" and image.mode in ("RGB", "L"):
        ratio = min(1.0, WORK_SIDE / max(width, height))
        image.draft(image.mode, (round(width * ratio), round(height * ratio)))
    image.load()
    turn = _UPRIGHT.get(image.getexif().get(_EXIF_ORIENTATION, 1))
    original_size = (height, width) if turn in _SIDEWAYS else (width, height)
    small = _shrink(_to_eight_bit(image))
    small = small if turn is None else small.transpose(turn)
    profile = image.info.get("icc_profile")
    alpha = np.asarray(small.getchannel("A")).copy() if small.mode == "RGBA" else None
    pixels = np.asarray(_to_srgb(_flatten(small), profile if image.mode in ("RGB", "RGBA") else None)).copy()
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return Photo(pixels, alpha, original_size)


def _to_eight_bit(image: Image.Image) -> Image.Image:
    """RGB or RGBA, 8 bit, whatever the mode was."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype(np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")


def _shrink(image: Image.Image) -> Image.Image:
    """Scale down so that the longest side is at most ``WORK_SIDE``."""
    ratio = WORK_SIDE / max(image.size)
    if ratio >= 1:
        return image
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    return image.resize(size, Image.Resampling.BOX if ratio < 0.5 else Image.Resampling.LANCZOS, reducing_gap=2.0)


def _flatten(image: Image.Image) -> Image.Image:
    """Put a transparent picture on white."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, image).convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert from the embedded colour profile (phones write Display P3); a broken profile is ignored."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return image if converted is None else converted


def _from_array(array: np.ndarray) -> Photo:
    """Pixels handed over directly; the same limits hold."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise PhotoError("Photo pixels must be an array of shape (H, W), (H, W, 3) or (H, W, 4).")
    _check_size(array.shape[1], array.shape[0])
    if np.issubdtype(array.dtype, np.floating):
        array = (np.clip(np.nan_to_num(array), 0, 1) * 255 + 0.5).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise PhotoError("Photo pixels must be uint8 in 0..255 or float in 0..1.")
    image = _shrink(Image.fromarray(array))
    image = image if image.mode == "RGBA" else image.convert("RGB")
    alpha = np.asarray(image.getchannel("A")).copy() if image.mode == "RGBA" else None
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return Photo(np.asarray(_flatten(image)).copy(), alpha, (array.shape[1], array.shape[0]))
