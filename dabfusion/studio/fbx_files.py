"""Captured motion in binary FBX files (version 7): models, their transforms and their animation curves.

Written for this project: of the Python bindings of the C library ufbx, ``ufbx`` 0.0.5 crashes the interpreter on CMU's
files and ``pyufbx`` has no wheels. Not read: text files, versions before 7, layers but the fullest, and tangents;
captures have keys at nearly every frame, between which lines are straight. The transform of a model is Autodesk's
("Computing transformation matrices" in the help of the FBX SDK), but that scaling always goes on to what hangs from it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dabfusion.errors import UserError
from dabfusion.studio.capture_files import Capture, about_axis

_MAGIC = b"Kaydara FBX Binary  \x00\x1a\x00"
#: Ticks of FBX's clock in a second.
TICKS = 46186158000
#: The first version with today's objects and connections, and the first whose records have 64-bit lengths.
_OBJECTS, _WIDE = 7000, 7500
_DEEPEST = 32
_NUMBERS = {"Y": "<h", "C": "<?", "I": "<i", "F": "<f", "D": "<d", "L": "<q"}
_ARRAYS = {"f": "<f4", "d": "<f8", "l": "<i8", "i": "<i4", "b": "<i1"}
#: Rotation orders by number: the axis that turns first comes first.
_ORDERS = ("XYZ", "XZY", "YZX", "YXZ", "ZXY", "ZYX")
#: No capture has more frames (an hour at 240 a second).
_MOST_FRAMES = 864_000
#: What reading bytes that are not what they should be ends in.
_BROKEN = (struct.error, zlib.error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Record:
    """A record of an FBX file: its name, its values (numbers, bytes, arrays) and the records within."""

    name: str
    values: tuple[Any, ...]
    inner: tuple[Record, ...]

    def all(self, name: str) -> list[Record]:
        """The records within that have a name."""
        return [r for r in self.inner if r.name == name]

    def properties(self) -> dict[str, tuple[float, ...]]:
        """Numbers of the properties within ("Properties70") by their names."""
        found = {}
        for entry in (p for block in self.all("Properties70") for p in block.all("P")):
            found[_text(entry.values[0])] = tuple(float(v) for v in entry.values[4:] if not isinstance(v, bytes))
        return found


class _Reader:
    """Reads records from the bytes of a file, whose version says how long their headers are."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.version = int(struct.unpack_from("<I", data, len(_MAGIC))[0])
        self._header = struct.Struct("<QQQB" if self.version >= _WIDE else "<IIIB")

    def records(self, start: int, stop: int, depth: int = 0) -> Iterator[Record]:
        """The records between two places, up to an empty one."""
        if depth > _DEEPEST:
            raise ValueError("records too deep")
        while start + self._header.size <= stop:
            end, count, length, name_length = self._header.unpack_from(self._data, start)
            if end == 0:
                return
            name_at = start + self._header.size
            values_at = name_at + name_length
            if not values_at + length <= end <= stop:
                raise ValueError("a record goes beyond its end")
            inner = tuple(self.records(values_at + length, end, depth + 1))
            yield Record(self._data[name_at:values_at].decode(), self._values(values_at, count), inner)
            start = end

    def _values(self, at: int, count: int) -> tuple[Any, ...]:
        values = []
        for _ in range(count):
            value, at = self._value(chr(self._data[at]), at + 1)
            values.append(value)
        return tuple(values)

    def _value(self, kind: str, at: int) -> tuple[Any, int]:
        """The value of a kind at a place, and where the next one is."""
        if kind in _NUMBERS:
            return struct.unpack_from(_NUMBERS[kind], self._data, at)[0], at + struct.calcsize(_NUMBERS[kind])
        if kind in "SR":
            stop = at + 4 + struct.unpack_from("<I", self._data, at)[0]
            return self._data[at + 4 : stop], stop
        number, packed, length = struct.unpack_from("<III", self._data, at)
        raw = self._data[at + 12 : at + 12 + length]
        dtype = np.dtype(_ARRAYS[kind])
        if packed:
            raw = zlib.decompressobj().decompress(raw, number * dtype.itemsize + 1)
        return np.frombuffer(raw, dtype, number), at + 12 + length


@dataclass
class _Model:
    """A model: its parent's id (0: none), its properties, and its curves' keys by channel as "Lcl RotationX"."""

    name: str
    properties: dict[str, tuple[float, ...]]
    parent: int
    keys: dict[str, tuple[np.ndarray, np.ndarray]]


def read_fbx(data: bytes, name: str) -> Capture:
    """Reads a binary FBX file: every model is a joint, over the frames of its most finely sampled curve.

    Args:
        data: the bytes of the file.
        name: of the take.

    Raises:
        UserError: it is text, older than version 7, broken, or nothing moves in it.
    """
    if not data.startswith(_MAGIC) or len(data) < len(_MAGIC) + 4:
        raise UserError(f"{name} is not a binary FBX file; save it as binary FBX 7.4 or BVH.")
    reader = _Reader(data)
    if reader.version < _OBJECTS:
        raise UserError(f"{name} is FBX {reader.version / 1000}; save it as binary FBX 7.4 or BVH.")
    try:
        capture = _capture(_models({r.name: r for r in reader.records(len(_MAGIC) + 4, len(data))}), name)
    except _BROKEN as error:
        raise UserError(f"{name} is not a whole FBX file.") from error
    if capture is None:
        raise UserError(f"Nothing moves in {name}.")
    return capture


def _text(value: bytes) -> str:
    return value.split(b"\x00", 1)[0].decode("utf-8", "replace")


def _models(top: Mapping[str, Record]) -> dict[int, _Model]:
    """The models by id, with the curves of the fullest layer: the captured one, others mend and loop it."""
    objects = {r.values[0]: r for r in top["Objects"].inner if len(r.values) > 1}
    models = {k: _Model(_text(r.values[1]), r.properties(), 0, {}) for k, r in objects.items() if r.name == "Model"}
    links = [tuple(c.values[1:]) for c in top["Connections"].all("C")]
    layers = {k: [c for c, above, *_ in links if above == k] for k, r in objects.items() if r.name == "AnimationLayer"}
    used = {*max(layers.values(), key=len, default=[])}
    moved: dict[int, tuple[int, str]] = {}
    for child, above, *what in links:
        if child in models and above in models and not what:
            models[child].parent = above
        elif child in used and above in models and what:
            moved[child] = above, _text(what[0])
    for node, (above, prop) in moved.items():
        for channel, (value,) in ((k, v) for k, v in objects[node].properties().items() if k.startswith("d|")):
            models[above].keys[prop + channel[2:]] = np.zeros(1), np.array([value])
    for child, above, *what in links:
        if above in moved and what and objects[child].name == "AnimationCurve":
            model, prop = moved[above]
            models[model].keys[prop + _text(what[0])[2:]] = _keys(objects[child])
    return models


def _keys(curve: Record) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and values of a curve's keys."""
    times, values = (curve.all(n)[0].values[0] for n in ("KeyTime", "KeyValueFloat"))
    if len(times) != len(values) or len(times) == 0:
        raise ValueError("a curve's keys have no values")
    return times / TICKS, values.astype(np.float64)


def _capture(models: dict[int, _Model], name: str) -> Capture | None:
    """The models over time, or None where nothing moves."""
    curves = [times for m in models.values() for times, _ in m.keys.values() if len(times) > 1]
    if not curves:
        return None
    step = float(np.median(np.diff(max(curves, key=len))))
    begin, end = min(t[0] for t in curves), max(t[-1] for t in curves)
    if step <= 0 or (end - begin) / step > _MOST_FRAMES:
        raise ValueError("times that no capture has")
    times = begin + step * np.arange(round((end - begin) / step) + 1)
    placed: dict[int, np.ndarray] = {0: np.eye(4)}
    waiting = dict(models)
    while ready := [k for k, m in waiting.items() if m.parent in placed]:
        for k in ready:
            model = waiting.pop(k)
            placed[k] = placed[model.parent] @ _local(model, times)
    world = np.stack([placed[k] for k in models if k in placed], 1)
    if not np.isfinite(world).all():
        raise ValueError("places that are no numbers")
    scale = np.linalg.norm(world[..., :3, :3], axis=-2, keepdims=True).clip(1e-12)
    joints = tuple(m.name for k, m in models.items() if k in placed)
    return Capture(name, joints, world[..., :3, 3], world[..., :3, :3] / scale, 1 / step)


def _local(model: _Model, times: np.ndarray) -> np.ndarray:
    """A model's transforms (F, 4, 4) in its parent at times (F,)."""
    active = any(model.properties.get("RotationActive", ()))  # else only x, y, z count
    order = (
        _ORDERS[int(model.properties["RotationOrder"][0])] if active and "RotationOrder" in model.properties else "XYZ"
    )
    before, after = (_turn(_fixed(model, n) * active, "XYZ") for n in ("PreRotation", "PostRotation"))
    turned = before @ _turn(_moving(model, "Lcl Rotation", times), order) @ after.T
    pivot, scaling_pivot = _fixed(model, "RotationPivot"), _fixed(model, "ScalingPivot")
    stretched = np.zeros((len(times), 4, 4))
    stretched[:, range(3), range(3)] = _moving(model, "Lcl Scaling", times, 1.0)
    stretched[:, 3, 3] = 1
    moved = _shift(_moving(model, "Lcl Translation", times) + _fixed(model, "RotationOffset") + pivot)
    between = _shift(_fixed(model, "ScalingOffset") + scaling_pivot - pivot)
    return np.asarray(moved @ turned @ between @ stretched @ _shift(-scaling_pivot))


def _fixed(model: _Model, prop: str, default: float = 0.0) -> np.ndarray:
    return np.array(model.properties.get(prop, (default,) * 3), np.float64).reshape(3)


def _moving(model: _Model, prop: str, times: np.ndarray, default: float = 0.0) -> np.ndarray:
    """A property (F, 3) at times (F,); channels without keys stand."""
    still = _fixed(model, prop, default)
    return np.stack([
        np.interp(times, *model.keys[prop + axis]) if prop + axis in model.keys else np.full(len(times), still[k])
        for k, axis in enumerate("XYZ")
    ], -1)  # fmt: skip


def _shift(by: np.ndarray) -> np.ndarray:
    matrix = np.tile(np.eye(4), (*by.shape[:-1], 1, 1))
    matrix[..., :3, 3] = by
    return matrix


def _turn(degrees: np.ndarray, order: str) -> np.ndarray:
    """Rotations (..., 4, 4) by angles (..., 3) about x, y and z in an order."""
    matrix = np.tile(np.eye(4), (*degrees.shape[:-1], 1, 1))
    for axis in order:
        turn = about_axis(axis, degrees[..., "XYZ".index(axis)])
        matrix[..., :3, :3] = turn @ matrix[..., :3, :3]
    return matrix
