"""Rigged people: skinned meshes on the 19 bones of :mod:`dabfusion.skeleton`.

Whatever rig a file has, its joints are gathered to the 19 bones that dance: every other joint keeps its local rest
pose, so it moves rigidly with its nearest ancestor among them. A vertex then needs only its rest position and its
weights on the bones.
"""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pygltflib
from PIL import Image

from dabfusion.errors import UserError
from dabfusion.skeleton import BONES, CARRIER, NUM_BONES, NUM_POINTS, PARENTS, quaternion_to_matrix

_COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_DTYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_LARGEST = {5120: 127, 5121: 255, 5122: 32767, 5123: 65535}
_TIP_JOINTS = ("HeadEnd", "LeftHandMiddle4_end", "RightHandMiddle4_end", "LeftToeEnd", "RightToeEnd")
_WEIGHTS_PER_VERTEX = 4


@dataclass(frozen=True)
class Part:
    """Triangles that share one texture: ``indices`` (N, 3) int32 into the vertices, ``texture`` (H, W, 4) uint8."""

    indices: np.ndarray
    texture: np.ndarray


@dataclass(frozen=True)
class Figure:
    """A person at rest (T-pose, facing +z, y up, metres).

    Attributes:
        name: file stem or "procedural".
        vertices, normals: (V, 3) float32.
        uv: (V, 2) float32.
        bones, weights: (V, 4) int32 and float32; weights add up to 1.
        joints: (24, 3) rest positions of the 19 bones and 5 tips.
        parts: the triangles by texture.
    """

    name: str
    vertices: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    bones: np.ndarray
    weights: np.ndarray
    joints: np.ndarray
    parts: tuple[Part, ...]

    @property
    def offsets(self) -> np.ndarray:
        """(24, 3) rest offset of each point from its carrier's joint; row 0 is zero."""
        carriers = self.joints[[max(c, 0) for c in CARRIER]]
        offsets = self.joints - carriers
        offsets[0] = 0
        return offsets.astype(np.float32)

    @property
    def leg(self) -> float:
        """Thigh + shin in metres, the unit of hip displacement."""
        length = np.linalg.norm(self.offsets, axis=-1)
        return float(length[[14, 15, 17, 18]].sum() / 2)

    @property
    def height(self) -> float:
        """Head top to sole at rest, in metres."""
        return float(self.vertices[:, 1].max() - self.vertices[:, 1].min())


@dataclass(frozen=True)
class Build:
    """A person's build: how much each bone is enlarged, (19,) factors; 1 is the figure as it was scanned."""

    scale: np.ndarray

    @staticmethod
    def natural() -> Build:
        """Everyone as they are."""
        return Build(np.ones(NUM_BONES, np.float32))

    @staticmethod
    def random(rng: np.random.Generator, strength: float = 1.0) -> Build:
        """A random build; strength 1 is adults of all kinds, 3 reaches cartoons (big head, short legs)."""
        scale = np.ones(NUM_BONES, np.float32)
        groups = {
            "head": (3, 4),
            "torso": (0, 1, 2),
            "arms": (5, 6, 7, 9, 10, 11),
            "hands": (8, 12),
            "legs": (13, 14, 16, 17),
            "feet": (15, 18),
        }
        for name, bones in groups.items():
            spread = 0.05 * strength
            shift = {"head": 0.13, "legs": -0.05, "hands": 0.06, "feet": 0.06}.get(name, 0.0) * max(strength - 1.0, 0.0)
            scale[list(bones)] = float(np.clip(np.exp(rng.normal(shift * rng.random() * 2, spread)), 0.6, 2.0))
        return Build(scale)


def resize(figure: Figure, build: Build, height: float) -> tuple[np.ndarray, float]:
    """Rest offsets (24, 3) of a figure of another build, scaled so that it stands ``height`` tall; and that overall
    factor."""
    offsets = figure.offsets * build.scale[[max(c, 0) for c in CARRIER], None]
    natural = figure.offsets
    standing = _standing_height(offsets) + (figure.height - _standing_height(natural)) * build.scale[4]
    factor = height / standing
    return (offsets * factor).astype(np.float32), float(factor)


def _standing_height(offsets: np.ndarray) -> float:
    """Sum of the bone lengths from ankle to head top: what height is made of."""
    rise = np.abs(offsets[:, 1])
    legs = (rise[[13, 14, 15]].sum() - rise[13]) + rise[22]
    return float(legs + rise[[1, 2, 3, 4, 19]].sum())


def bone_transforms(
    figure: Figure, build: Build, factor: float, offsets: np.ndarray, rotation: np.ndarray, hips: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Affine maps from rest to posed vertices, and where the points land.

    Args:
        factor: overall size, see :func:`resize`.
        offsets: (24, 3) from :func:`resize`.
        rotation: (19, 3, 3) world rotations relative to the T-pose.
        hips: (3,) position of the hips, in the units of ``offsets``.

    Returns:
        (19, 3, 4) affine maps to be blended by the vertex weights, and (24, 3) posed points.
    """
    points = np.zeros((NUM_POINTS, 3))
    points[0] = hips
    for k in range(1, NUM_POINTS):
        carrier = CARRIER[k]
        points[k] = points[carrier] + rotation[carrier] @ offsets[k]
    linear = rotation * (build.scale * factor)[:, None, None]  # (19, 3, 3)
    shift = points[:NUM_BONES] - np.einsum("kij,kj->ki", linear, figure.joints[:NUM_BONES])
    return np.concatenate([linear, shift[..., None]], -1).astype(np.float32), points.astype(np.float32)


def load_figure(path: Path) -> Figure:
    """Reads a rigged person from a GLB file with Mixamo-style bone names.

    Raises:
        UserError: a bone of :data:`dabfusion.skeleton.BONES` or the mesh's skin is missing.
    """
    gltf = pygltflib.GLTF2().load(str(path))
    blob = gltf.binary_blob()
    world = _world_matrices(gltf)
    index = {node.name: i for i, node in enumerate(gltf.nodes)}
    missing = [name for name in (*BONES, *_TIP_JOINTS) if name not in index]
    if missing:
        raise UserError(f"{path.name} has no bone {missing[0]}; studio people need Mixamo-style bone names.")
    owner = _owners(gltf, index)
    gathered: list[tuple[np.ndarray, ...]] = []
    parts: dict[int, list[np.ndarray]] = {}
    base = 0
    for node in gltf.nodes:
        if node.mesh is None or node.skin is None:
            continue
        for primitive in gltf.meshes[node.mesh].primitives:
            piece = _skinned(gltf, blob, primitive, gltf.skins[node.skin], world, owner)
            triangles = _accessor(gltf, blob, primitive.indices).reshape(-1, 3).astype(np.int32) + base
            parts.setdefault(primitive.material or 0, []).append(triangles)
            gathered.append(piece)
            base += len(piece[0])
    vertices, normals, uv, bones, weights = (np.concatenate(column) for column in zip(*gathered, strict=True))
    joints = np.stack([world[index[name]][:3, 3] for name in (*BONES, *_TIP_JOINTS)])
    textures = tuple(Part(np.concatenate(tri), _texture(gltf, blob, material)) for material, tri in parts.items())
    return Figure(path.stem, vertices, normals, uv, bones, weights, joints.astype(np.float32), textures)


def procedural_figure() -> Figure:
    """A person of coloured boxes, made in code: for tests, and where no avatars are at hand."""
    joints = np.array(
        [
            [0, 0.95, 0], [0, 1.05, 0], [0, 1.28, 0], [0, 1.48, 0], [0, 1.56, 0],
            [0.06, 1.43, 0], [0.18, 1.43, 0], [0.45, 1.43, 0], [0.70, 1.43, 0],
            [-0.06, 1.43, 0], [-0.18, 1.43, 0], [-0.45, 1.43, 0], [-0.70, 1.43, 0],
            [0.10, 0.92, 0], [0.10, 0.50, 0], [0.10, 0.09, 0],
            [-0.10, 0.92, 0], [-0.10, 0.50, 0], [-0.10, 0.09, 0],
            [0, 1.78, 0], [0.87, 1.43, 0], [-0.87, 1.43, 0], [0.10, 0.02, 0.18], [-0.10, 0.02, 0.18],
        ], np.float32,
    )  # fmt: skip
    boxes = [(0, 1, 0.16), (1, 2, 0.15), (2, 3, 0.17), (3, 4, 0.06), (4, 19, 0.10), (6, 7, 0.06), (7, 8, 0.05),
             (8, 20, 0.05),
             (10, 11, 0.06), (11, 12, 0.05), (12, 21, 0.05), (13, 14, 0.09), (14, 15, 0.07), (15, 22, 0.06),
             (16, 17, 0.09), (17, 18, 0.07), (18, 23, 0.06)]  # fmt: skip
    columns = [_box(joints, start, end, width, slot, len(boxes)) for slot, (start, end, width) in enumerate(boxes)]
    vertices, normals, uv, bones = (np.concatenate(c) for c in zip(*columns, strict=True))
    quads = np.arange(len(vertices)).reshape(-1, 4)
    indices = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (len(vertices), 1))
    texture = np.zeros((2 * 3, len(boxes), 4), np.uint8)
    texture[..., :3] = np.random.default_rng(7).integers(40, 230, texture[..., :3].shape)
    texture[..., 3] = 255
    return Figure("procedural", vertices, normals, uv, bones, weights, joints, (Part(indices, texture),))


def _box(joints: np.ndarray, start: int, end: int, width: float, slot: int, slots: int) -> tuple[np.ndarray, ...]:
    """Six faces around the segment start-end: vertices, normals, uv (one texel a face), bones."""
    low, high = np.minimum(joints[start], joints[end]), np.maximum(joints[start], joints[end])
    along = int(np.argmax(high - low))
    for axis in range(3):
        if axis != along:
            low[axis], high[axis] = low[axis] - width, high[axis] + width
    vertices, normals, uv = [], [], []
    for axis in range(3):
        u, v = [a for a in range(3) if a != axis]
        for side in (0, 1):
            for du, dv in ((0, 0), (1, 0), (1, 1), (0, 1)):
                corner = low.copy()
                corner[axis] = (low, high)[side][axis]
                corner[u], corner[v] = (low, high)[du][u], (low, high)[dv][v]
                vertices.append(corner)
                normals.append(np.eye(3)[axis] * (2 * side - 1))
                uv.append([(slot + 0.5) / slots, (2 * axis + side + 0.5) / 6])
    bones = np.tile(np.array([start, 0, 0, 0], np.int32), (len(vertices), 1))
    return np.array(vertices, np.float32), np.array(normals, np.float32), np.array(uv, np.float32), bones


def _accessor(gltf: pygltflib.GLTF2, blob: bytes, number: int) -> np.ndarray:
    """Accessor as (count, components); normalised integers become floats as glTF 2.0 defines."""
    accessor = gltf.accessors[number]
    view = gltf.bufferViews[accessor.bufferView]
    dtype: np.dtype = np.dtype(_DTYPES[accessor.componentType])
    width = _COMPONENTS[accessor.type]
    stride = view.byteStride or width * dtype.itemsize
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    raw: np.ndarray = np.ndarray((accessor.count, width), dtype, blob, start, (stride, dtype.itemsize))
    if not accessor.normalized:
        return raw.copy()
    return np.maximum(raw.astype(np.float32) / _LARGEST[accessor.componentType], -1.0)


def _world_matrices(gltf: pygltflib.GLTF2) -> np.ndarray:
    """(nodes, 4, 4) rest transforms of all nodes."""
    local = np.tile(np.eye(4), (len(gltf.nodes), 1, 1))
    for i, node in enumerate(gltf.nodes):
        if node.matrix is not None:
            local[i] = np.array(node.matrix).reshape(4, 4).T
            continue
        rotation = quaternion_to_matrix(np.array(node.rotation or [0, 0, 0, 1]))
        local[i, :3, :3] = rotation * np.array(node.scale or [1, 1, 1])[None]
        local[i, :3, 3] = node.translation or [0, 0, 0]
    world = local.copy()
    stack = list(gltf.scenes[gltf.scene or 0].nodes)
    while stack:
        parent = stack.pop()
        for child in gltf.nodes[parent].children or []:
            world[child] = world[parent] @ local[child]
            stack.append(child)
    return world


def _owners(gltf: pygltflib.GLTF2, index: dict[str, int]) -> dict[int, int]:
    """Node -> the bone (0..18) that carries it: itself or its nearest ancestor among the 19."""
    parent = {child: i for i, node in enumerate(gltf.nodes) for child in node.children or []}
    bone_of = {index[name]: k for k, name in enumerate(BONES)}
    owner: dict[int, int] = {}
    for i in range(len(gltf.nodes)):
        node: int | None = i
        while node is not None and node not in bone_of:
            node = parent.get(node)
        owner[i] = bone_of[node] if node is not None else 0
    return owner


def _skinned(
    gltf: pygltflib.GLTF2,
    blob: bytes,
    primitive: pygltflib.Primitive,
    skin: pygltflib.Skin,
    world: np.ndarray,
    owner: dict[int, int],
) -> tuple[np.ndarray, ...]:
    """Rest-pose vertices, normals, uv, bones and weights of one primitive, on the 19 bones."""
    attributes = primitive.attributes
    position = _accessor(gltf, blob, attributes.POSITION).astype(np.float64)
    normal = _accessor(gltf, blob, attributes.NORMAL).astype(np.float64)
    uv = _texture_transform(gltf, primitive.material, _accessor(gltf, blob, attributes.TEXCOORD_0).astype(np.float32))
    slots = _accessor(gltf, blob, attributes.JOINTS_0).astype(np.int64)  # (V, 4)
    weights = _accessor(gltf, blob, attributes.WEIGHTS_0).astype(np.float64)
    weights /= weights.sum(1, keepdims=True).clip(1e-9)
    inverse = _accessor(gltf, blob, skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1).astype(np.float64)
    skin_matrix = world[skin.joints] @ inverse  # (J, 4, 4)
    blended = np.einsum("vk,vkij->vij", weights, skin_matrix[slots])
    rest = np.einsum("vij,vj->vi", blended[:, :3, :3], position) + blended[:, :3, 3]
    turned = np.einsum("vij,vj->vi", blended[:, :3, :3], normal)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True).clip(1e-9)
    dense = np.zeros((len(position), NUM_BONES))
    bone_of_slot = np.array([owner[j] for j in skin.joints])
    for k in range(slots.shape[1]):
        np.add.at(dense, (np.arange(len(position)), bone_of_slot[slots[:, k]]), weights[:, k])
    top = np.argsort(-dense, axis=1)[:, :_WEIGHTS_PER_VERTEX]
    kept = np.take_along_axis(dense, top, 1)
    kept /= kept.sum(1, keepdims=True)
    return rest.astype(np.float32), turned.astype(np.float32), uv, top.astype(np.int32), kept.astype(np.float32)


def _texture_transform(gltf: pygltflib.GLTF2, material: int | None, uv: np.ndarray) -> np.ndarray:
    """Applies KHR_texture_transform (offset and scale; rotation does not occur in these files)."""
    if material is None:
        return uv
    info = gltf.materials[material].pbrMetallicRoughness.baseColorTexture
    transform = (info.extensions or {}).get("KHR_texture_transform", {}) if info else {}
    scale, offset = transform.get("scale", [1, 1]), transform.get("offset", [0, 0])
    return (uv * np.array(scale) + np.array(offset)).astype(np.float32)


def _texture(gltf: pygltflib.GLTF2, blob: bytes, material: int) -> np.ndarray:
    """Base colour picture (H, W, 4) uint8."""
    texture = gltf.textures[gltf.materials[material].pbrMetallicRoughness.baseColorTexture.index]
    source = texture.source
    if source is None:
        source = texture.extensions["EXT_texture_webp"]["source"]
    view = gltf.bufferViews[gltf.images[source].bufferView]
    start = view.byteOffset or 0
    return np.asarray(Image.open(io.BytesIO(blob[start : start + view.byteLength])).convert("RGBA"))


def with_texture(figure: Figure, change: np.ndarray) -> Figure:
    """The same figure with its colours mapped by a (3, 4) affine colour matrix (RGB in [0, 1])."""
    parts = []
    for part in figure.parts:
        colour = part.texture[..., :3].astype(np.float32) / 255 @ change[:, :3].T + change[:, 3]
        texture = part.texture.copy()
        texture[..., :3] = (colour.clip(0, 1) * 255).astype(np.uint8)
        parts.append(Part(part.indices, texture))
    return dataclasses.replace(figure, parts=tuple(parts))


assert len(PARENTS) == NUM_BONES  # the weights above are laid out by these bones
