"""Reading photos: every mode and rotation comes out right, everything else is one sentence and bounded."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preprocess.errors import PhotoError
from preprocess.photo import MAX_PIXELS, WORK_SIDE, Photo, read_photo


def _quadrants(width: int = 96, height: int = 64) -> np.ndarray:
    """Red, green / blue, yellow: every rotation and mirror image looks different."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (220, 30, 30)
    picture[: height // 2, width // 2 :] = (30, 200, 30)
    picture[height // 2 :, : width // 2] = (30, 30, 210)
    picture[height // 2 :, width // 2 :] = (220, 210, 40)
    return picture


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _png_of_claimed_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes of data do not hold."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


_TURNS = {  # what a camera did to the upright picture when it writes this EXIF orientation
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
    8: lambda p: np.rot90(p, 3),
}


@pytest.mark.parametrize("orientation", sorted(_TURNS))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_undone(orientation: int, kind: str) -> None:
    truth = _quadrants()
    stored = Image.fromarray(np.ascontiguousarray(_TURNS[orientation](truth)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = read_photo(_encoded(stored, kind, exif=exif.tobytes(), **({} if kind == "PNG" else {"quality": 95})))
    assert photo.original_size == (96, 64)
    assert photo.pixels.shape == truth.shape
    assert np.abs(photo.pixels.astype(int) - truth).mean() < 6


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16", "CMYK", "RGB"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    truth = _quadrants()
    image = Image.fromarray(truth)
    if mode == "I;16":
        grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
        stored = Image.fromarray(grey)
    else:
        stored = image.convert("RGB").convert(mode) if mode != "P" else image.quantize(16)
    photo = read_photo(
        _encoded(stored, "JPEG" if mode == "CMYK" else "PNG", **({"quality": 95} if mode == "CMYK" else {}))
    )
    assert photo.pixels.dtype == np.uint8 and photo.pixels.shape == truth.shape
    if mode == "1":
        assert set(np.unique(photo.pixels)) <= {0, 255}
        return
    expected = np.repeat(np.asarray(image.convert("L"))[..., None], 3, -1) if mode in ("L", "LA", "I;16") else truth
    assert np.abs(photo.pixels.astype(int) - expected).mean() < 6


def test_transparent_pixels_turn_white_and_opacity_is_kept() -> None:
    rgba = np.dstack([_quadrants(), np.full((64, 96), 255, np.uint8)])
    rgba[:, :48, 3] = 0
    photo = read_photo(_encoded(Image.fromarray(rgba), "PNG"))
    assert (photo.pixels[:, :48] == 255).all()
    assert photo.alpha is not None and (photo.alpha[:, :48] == 0).all() and (photo.alpha[:, 48:] == 255).all()


def test_palette_with_transparency_is_read() -> None:
    image = Image.fromarray(_quadrants()).quantize(8)
    photo = read_photo(_encoded(image, "PNG", transparency=int(image.getpixel((0, 0)))))
    assert photo.alpha is not None and (photo.pixels[0, 0] == 255).all()


def test_wide_gamut_profile_is_honoured_and_a_broken_one_ignored() -> None:
    plain = read_photo(_encoded(Image.fromarray(_quadrants()), "PNG")).pixels
    broken = read_photo(_encoded(Image.fromarray(_quadrants()), "PNG", icc_profile=b"not a profile")).pixels
    assert (plain == broken).all()


def test_metadata_does_not_survive() -> None:
    exif = Image.Exif()
    exif[0x010E] = "home address"
    exif.get_ifd(0x8825)[1] = "N"
    photo = read_photo(_encoded(Image.fromarray(_quadrants()), "JPEG", exif=exif.tobytes()))
    assert isinstance(photo, Photo) and set(vars(photo)) <= {"pixels", "alpha", "original_size", "digest"}


def test_large_photos_are_scaled_down() -> None:
    photo = read_photo(_encoded(Image.new("RGB", (5000, 2500), (10, 90, 200)), "JPEG"))
    assert photo.size == (WORK_SIDE, WORK_SIDE // 2) and photo.original_size == (5000, 2500)


@pytest.mark.parametrize("size", [(40_000, 40_000), (8_001, 5_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    assert size[0] * size[1] > MAX_PIXELS
    data = _png_of_claimed_size(*size)
    tracemalloc.start()
    with pytest.raises(PhotoError, match="40 megapixels"):
        read_photo(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def _animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    return _encoded(frames[0], kind, save_all=True, append_images=frames[1:])


_JPEG = _encoded(Image.fromarray(_quadrants(300, 200)), "JPEG")
_HOSTILE = {
    "empty": (b"", "empty"),
    "truncated jpeg": (_JPEG[: len(_JPEG) // 2], "damaged"),
    "header only": (_JPEG[:20], "damaged"),
    "truncated png": (_encoded(Image.fromarray(_quadrants(300, 200)), "PNG")[:200], "damaged"),
    "lying png": (_png_of_claimed_size(300, 300), "damaged"),
    "text": (b"hello, this is not a photo at all", "not a photo"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "svg without prolog": (b"<svg/>", "SVG"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
    "gif": (_encoded(Image.new("P", (64, 64)), "GIF"), "GIF"),
    "tiff": (_encoded(Image.new("RGB", (64, 64)), "TIFF"), "TIFF"),
    "animated png": (_animation("PNG"), "still photo"),
    "animated webp": (_animation("WEBP"), "still photo"),
    "one pixel high": (_encoded(Image.new("RGB", (500, 1)), "PNG"), "500 x 1"),
}


@pytest.mark.parametrize("name", sorted(_HOSTILE))
def test_hostile_bytes_give_one_plain_sentence(name: str) -> None:
    data, words = _HOSTILE[name]
    with pytest.raises(PhotoError, match=words) as caught:
        read_photo(data)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".") and len(sentence) < 200


def test_the_name_of_a_file_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "ünï cödé.txt"
    path.write_bytes(_JPEG)
    assert read_photo(path).size == (300, 200)
    renamed = tmp_path / "photo.jpg"
    renamed.write_bytes(b"<svg/>")
    with pytest.raises(PhotoError, match="SVG"):
        read_photo(str(renamed))
    with pytest.raises(PhotoError, match="no photo at"):
        read_photo(tmp_path / "missing.jpg")


def test_phone_jpegs_with_a_second_picture_inside_are_no_animation() -> None:
    frames = [Image.fromarray(_quadrants()), Image.new("RGB", (48, 32))]
    photo = read_photo(_encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert photo.size == (96, 64)


def test_arrays_pass_through() -> None:
    truth = _quadrants()
    assert (read_photo(truth).pixels == truth).all()
    assert (read_photo(truth.astype(np.float32) / 255).pixels == truth).all()
    for bad in (np.zeros((64, 64, 2), np.uint8), np.zeros((64, 64, 3), np.int32), np.zeros((4, 500, 3), np.uint8)):
        with pytest.raises(PhotoError):
            read_photo(bad)
