"""An archive of captured motion in its published formats, unpacked into takes of our 19 bones."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dabfusion.errors import UserError
from dabfusion.studio.capture_files import Capture, read_amc, read_asf, read_bvh
from dabfusion.studio.fbx_files import read_fbx
from dabfusion.studio.retarget import write_take

#: What a path says about the style: a word in it, and the genre that is nearest. All else is "other": no style.
STYLE_WORDS: dict[str, str] = {
    "modern": "ballet-jazz", "ballet": "ballet-jazz", "break": "break", "charleston": "street-jazz", "salsa": "salsa",
}  # fmt: skip
NO_STYLE = "other"
#: Takes whose folder says one thing and who dance another: CMU's 19_15 is a chicken dance between charlestons.
_EXCEPTIONS = {"19_15": NO_STYLE}
#: Larger members are not unpacked (captured takes have a few MB).
_LARGEST = 200 * 2**20
_FORMATS, _KINDS = (".bvh", ".amc", ".fbx"), "a BVH, AMC or FBX file"


def unpack_takes(archive: Path, out: Path, words: Mapping[str, str] = STYLE_WORDS) -> list[tuple[str, str]]:
    """Retargets every BVH, AMC and FBX file of a zip archive and writes it to ``out`` as ``STYLE_NAME.npz``.

    Args:
        archive: the zip.
        out: folder of the takes, made if needed.
        words: the style of the takes whose path holds a word.

    Returns:
        What was left out: (path in the archive, why); files that cannot be read are.

    Raises:
        UserError: it is not a zip archive, or holds no take that can be read.
    """
    if not zipfile.is_zipfile(archive):
        raise UserError(f"{archive} is not a zip archive.")
    left_out: list[tuple[str, str]] = []
    written = 0
    out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as opened:
        for info in sorted(opened.infolist(), key=lambda i: i.filename):
            path = PurePosixPath(info.filename)
            if info.is_dir() or path.suffix == ".asf":
                continue
            if path.suffix not in _FORMATS or info.file_size > _LARGEST:
                left_out.append((info.filename, f"not {_KINDS}" if info.file_size <= _LARGEST else "too large"))
                continue
            try:
                capture = _read(opened, path)
                write_take(capture, out / f"{style_of(path, words)}_{capture.name}.npz")
            except UserError as error:
                left_out.append((info.filename, str(error)))
                continue
            written += 1
    if not written:
        raise UserError(f"There is not {_KINDS} in {archive} that can be read.")
    return left_out


def style_of(path: PurePosixPath, words: Mapping[str, str]) -> str:
    """The style of a take by its path in an archive."""
    found = [style for word, style in words.items() if word in str(path).lower()]
    return _EXCEPTIONS.get(path.stem, found[0] if found else NO_STYLE)


def _read(archive: zipfile.ZipFile, path: PurePosixPath) -> Capture:
    """A take; an AMC file's skeleton is the ASF file beside it that is named by the take's subject."""
    data = archive.read(str(path))
    if path.suffix == ".fbx":
        return read_fbx(data, path.stem)
    text = data.decode("utf-8", "replace")
    if path.suffix == ".bvh":
        return read_bvh(text, path.stem)
    skeleton = str(path.with_name(f"{path.stem.split('_')[0]}.asf"))
    if skeleton not in archive.namelist():
        raise UserError(f"{path} needs its skeleton {skeleton} in the same archive.")
    return read_amc(text, read_asf(archive.read(skeleton).decode("utf-8", "replace")), path.stem)
