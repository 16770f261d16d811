"""FBX files written here, record by record, whose joints are where we put them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from test_retarget import captured, standing_dance

from dabfusion.errors import UserError
from dabfusion.studio.body import point
from dabfusion.studio.capture_files import Capture
from dabfusion.studio.fbx_files import TICKS, read_fbx
from dabfusion.studio.retarget import retarget

MAGIC = b"Kaydara FBX Binary  \x00\x1a\x00"
Keys = Mapping[str, Sequence[float]]


def value(v: Any) -> bytes:
    """A value of a record as the file has it; arrays are packed."""
    if isinstance(v, int):
        return b"L" + struct.pack("<q", v)
    if isinstance(v, float):
        return b"D" + struct.pack("<d", v)
    if isinstance(v, bytes):
        return b"S" + struct.pack("<I", len(v)) + v
    packed = zlib.compress(v.tobytes())
    return {"i": b"l", "f": b"f"}[v.dtype.kind] + struct.pack("<III", len(v), 1, len(packed)) + packed


class Writer:
    """A binary FBX file of models with curves at 30 frames a second."""

    def __init__(self, version: int = 7400) -> None:
        self.version = version
        self.objects: list[tuple[Any, ...]] = [("AnimationLayer", (9, b"Base\x00\x01AnimLayer"), [])]
        self.links: list[tuple[Any, ...]] = []

    def model(self, number: int, name: str, parent: int, properties: Mapping[str, Sequence[float]], keys: Keys) -> None:
        """Adds a model; ``keys``: values at every frame, by channel as "Lcl RotationX"."""
        block = (
            "Properties70",
            (),
            [("P", (k.encode(), b"", b"", b"", *map(float, v)), []) for k, v in properties.items()],
        )
        self.objects.append(("Model", (number, name.encode() + b"\x00\x01Model", b"LimbNode"), [block]))
        self.links.append((b"OO", number, parent))
        for k, (channel, values) in enumerate(keys.items()):
            node, curve = number * 1000 + 2 * k, number * 1000 + 2 * k + 1
            times = np.arange(len(values), dtype=np.int64) * (TICKS // 30)
            kept = [("KeyTime", (times,), []), ("KeyValueFloat", (np.array(values, np.float32),), [])]
            self.objects += [("AnimationCurveNode", (node, b""), []), ("AnimationCurve", (curve, b""), kept)]
            self.links += [
                (b"OO", node, 9), (b"OP", node, number, channel[:-1].encode()),
                (b"OP", curve, node, b"d|" + channel[-1].encode()),
            ]  # fmt: skip

    def bytes(self) -> bytes:
        """The file."""
        top = [("Objects", (), self.objects), ("Connections", (), [("C", link, []) for link in self.links])]
        data = MAGIC + struct.pack("<I", self.version)
        for each in top:
            data += self._record(each, len(data))
        return data + bytes(25)

    def _record(self, record: tuple[Any, ...], at: int) -> bytes:
        name, values, inner = record
        header = struct.Struct("<QQQB" if self.version >= 7500 else "<IIIB")
        body = b"".join(map(value, values))
        data = name.encode() + body
        for each in inner:
            data += self._record(each, at + header.size + len(data))
        if inner:
            data += bytes(header.size)
        return header.pack(at + header.size + len(data), len(values), len(body), len(name)) + data


def arm(version: int = 7400) -> Writer:
    """Hips that move and turn, an arm one to the left of them, a hand two farther."""
    writer = Writer(version)
    writer.model(3, "Hand", 2, {"Lcl Translation": (2, 0, 0)}, {})
    moves = {"Lcl TranslationX": (0, 5), "Lcl TranslationY": (0, 6), "Lcl RotationZ": (0, 90)}
    writer.model(1, "Hips", 0, {"Lcl Translation": (7, 7, 7), "Lcl Scaling": (10, 10, 10)}, moves)
    writer.model(2, "Arm", 1, {"Lcl Translation": (1, 0, 0)}, {"Lcl RotationZ": (0, 90)})
    return writer


@pytest.mark.parametrize("version", [7400, 7500])
def test_joints_are_where_their_curves_put_them(version: int) -> None:
    capture = read_fbx(arm(version).bytes(), "arm")
    at = dict(zip(capture.joints, np.moveaxis(capture.positions, 1, 0), strict=True))
    assert {*at} == {"Hips", "Arm", "Hand"} and capture.fps == pytest.approx(30)
    np.testing.assert_allclose(
        [at[n][0] for n in ("Hips", "Arm", "Hand")], [[0, 0, 7], [10, 0, 7], [30, 0, 7]], atol=1e-5
    )
    # The hips turn x to y; the arm turns once more: from +y to -x. All of it ten times as large.
    np.testing.assert_allclose(
        [at[n][1] for n in ("Hips", "Arm", "Hand")], [[5, 6, 7], [5, 16, 7], [-15, 16, 7]], atol=1e-5
    )
    hand = capture.rotations[1, capture.joints.index("Hand")]
    np.testing.assert_allclose(hand, np.diag([-1.0, -1.0, 1.0]), atol=1e-6)


def placed(properties: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Where a hand at (1, 2, 3) in its arm is when the arm turns by 90 degrees about x and about y."""
    writer = Writer()
    writer.model(1, "Arm", 0, properties, {"Lcl RotationX": (90, 90), "Lcl RotationY": (90, 90)})
    writer.model(2, "Hand", 1, {"Lcl Translation": (1, 2, 3)}, {})
    return read_fbx(writer.bytes(), "arm").positions[0, 1]


def test_rotation_order_pre_rotation_and_pivot() -> None:
    np.testing.assert_allclose(placed({}), [2, -3, -1], atol=1e-5)  # about x: (1, -3, 2), then about y
    last_x = {"RotationActive": (1,), "RotationOrder": (3,)}
    np.testing.assert_allclose(placed(last_x), [3, 1, 2], atol=1e-5)  # about y: (3, 2, -1), then about x
    before = {"RotationActive": (1,), "PreRotation": (0, 0, 90)}
    np.testing.assert_allclose(placed(before), [3, 2, -1], atol=1e-5)
    after = {"RotationActive": (1,), "PostRotation": (0, 0, 90)}  # its inverse comes first: (2, -1, 3)
    np.testing.assert_allclose(placed(after), [-1, -3, -2], atol=1e-5)
    np.testing.assert_allclose(placed({"PreRotation": (0, 0, 90)}), [2, -3, -1], atol=1e-5)  # not active
    np.testing.assert_allclose(placed({"RotationPivot": (1, 2, 3)}), [1, 2, 3], atol=1e-5)  # turns about the hand


def test_the_fullest_layer_is_read() -> None:
    writer = arm()
    writer.objects.insert(0, ("AnimationLayer", (8, b"Fix\x00\x01AnimLayer"), []))
    keys = [("KeyTime", (np.zeros(1, np.int64),), []), ("KeyValueFloat", (np.ones(1, np.float32),), [])]
    writer.objects += [("AnimationCurveNode", (80, b""), []), ("AnimationCurve", (81, b""), keys)]
    writer.links += [(b"OO", 80, 8), (b"OP", 80, 1, b"Lcl Translation"), (b"OP", 81, 80, b"d|X")]
    np.testing.assert_array_equal(read_fbx(writer.bytes(), "a").positions, read_fbx(arm().bytes(), "a").positions)


def test_what_cannot_be_read_is_told() -> None:
    whole = arm().bytes()
    for data, words in (
        (b"; FBX 7.4.0 project file", "not a binary FBX"),
        (MAGIC, "not a binary FBX"),
        (MAGIC + struct.pack("<I", 6100) + whole[27:], "FBX 6.1"),
        (whole[:400], "whole FBX"),
        (whole[:27], "whole FBX"),
    ):
        with pytest.raises(UserError, match=words):
            read_fbx(data, "odd")
    still = Writer()
    still.model(1, "Hips", 0, {}, {})
    with pytest.raises(UserError, match="Nothing moves"):
        read_fbx(still.bytes(), "still")


def test_damaged_bytes_end_in_no_other_error() -> None:
    whole, rng, told = arm().bytes(), np.random.default_rng(0), 0
    for _ in range(400):
        data = bytearray(whole)
        for place in rng.integers(27, len(data), 3):
            data[place] = rng.integers(256)
        try:
            read_fbx(bytes(data), "damaged")
        except UserError:
            told += 1
    assert told > 100


def test_names_with_a_prefix_and_a_t_pose_before_the_dance() -> None:
    dance = captured(*standing_dance(40))
    names, places = ("Hips", *dance.joints), dance.positions[:, [*range(1), *range(dance.positions.shape[1])]]
    capture = Capture("own", names, places, np.tile(np.eye(3), (*places.shape[:2], 1, 1)), dance.fps)
    rotation, root = retarget(read_fbx(as_fbx(capture, "Neo_"), "own"))
    expected = retarget(capture)
    np.testing.assert_allclose(root, expected[1], atol=1e-5)
    np.testing.assert_allclose(rotation, expected[0], atol=1e-3)
    far = np.concatenate([places[:1] + np.array([900.0, 0, 0]), places])
    led = Capture("led", names, far, np.tile(np.eye(3), (*far.shape[:2], 1, 1)), dance.fps)
    found, hips = retarget(read_fbx(as_fbx(led, "Neo_"), "led"))
    assert len(hips) == len(root)
    np.testing.assert_allclose(found[:, point("Hips")], expected[0][:, point("Hips")], atol=1e-3)


def as_fbx(capture: Capture, prefix: str = "") -> bytes:
    """The capture as a file of a flat tree: every joint hangs from the world and moves by itself."""
    writer = Writer()
    for k, name in enumerate(capture.joints):
        keys = {f"Lcl Translation{axis}": capture.positions[:, k, i].tolist() for i, axis in enumerate("XYZ")}
        writer.model(10 + k, prefix + name, 0, {}, keys)
    return writer.bytes()
