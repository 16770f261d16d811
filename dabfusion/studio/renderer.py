"""Draws a posed figure together with the exact backward flow to a reference pose.

Exact correspondence: the driving pose is drawn while every vertex is *also* skinned with the reference pose, and each
pixel outputs where that vertex lies in the reference frame. Backward flow is that position minus the pixel's own. A
point is visible when nothing in the reference's depth buffer lies in front of it.

Drawing needs OpenGL 3.3; without a screen it goes through EGL (Debian: ``libegl1 libgl1-mesa-dri``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np

from dabfusion.errors import UserError
from dabfusion.skeleton import NUM_BONES
from dabfusion.studio.figure import Build, Figure, bone_transforms, resize

FRAME_SIZE = 256
FLOW_SIZE = 128
SUPERSAMPLING = 2
#: Person taller than this share of the frame does not fit with raised arms (184 of 256 px; frame units are half
#: heights).
STANDING_HEIGHT = 2 * 184 / FRAME_SIZE
#: Height of the ground in frame units (y up): feet at pixel row 240 of 256.
GROUND = 1 - 2 * 240 / FRAME_SIZE
_DEPTH_RANGE = 4.0  # frame units in front of and behind the hips
_DEPTH_TOLERANCE = 4e-3  # in normalised depth: about 1 cm on an adult
_ALPHA_TEST = 0.4

_VERTEX = """
#version 330
uniform mat4 pose[19];
uniform mat4 reference[19];
uniform float camera;
in vec3 position; in vec3 normal; in vec2 uv; in vec4 bones; in vec4 weights;
out vec3 v_normal; out vec2 v_uv; out vec3 v_reference;
void main() {
    mat4 blend = mat4(0.0), other = mat4(0.0);
    for (int k = 0; k < 4; ++k) {
        blend += weights[k] * pose[int(bones[k] + 0.5)];
        other += weights[k] * reference[int(bones[k] + 0.5)];
    }
    vec3 here = (blend * vec4(position, 1.0)).xyz;
    v_reference = (other * vec4(position, 1.0)).xyz;
    v_normal = mat3(blend) * normal;
    v_uv = uv;
    float w = camera - here.z;
    gl_Position = vec4(here.xy * camera, -here.z / RANGE * w, w);
}
""".replace("RANGE", str(_DEPTH_RANGE))

_COLOUR = """
#version 330
uniform sampler2D picture;
uniform vec3 light; uniform float ambient; uniform float shading; uniform vec3 tint;
in vec3 v_normal; in vec2 v_uv; in vec3 v_reference;
out vec4 colour;
void main() {
    vec4 texel = texture(picture, v_uv);
    if (texel.a < ALPHA) discard;
    vec3 n = normalize(v_normal);
    if (!gl_FrontFacing) n = -n;
    float lambert = 0.5 + 0.5 * dot(n, light);
    float shade = mix(1.0, ambient + (1.0 - ambient) * lambert * 1.35, shading);
    colour = vec4(clamp(texel.rgb * tint * shade, 0.0, 1.0), 1.0);
}
""".replace("ALPHA", str(_ALPHA_TEST))

_POSITION = """
#version 330
uniform sampler2D picture; uniform float camera;
in vec3 v_normal; in vec2 v_uv; in vec3 v_reference;
out vec4 place;
void main() {
    if (texture(picture, v_uv).a < ALPHA) discard;
    float w = camera - v_reference.z;
    place = vec4(v_reference.xy * camera / w, -v_reference.z / RANGE, 1.0);
}
""".replace("RANGE", str(_DEPTH_RANGE)).replace("ALPHA", str(_ALPHA_TEST))


@dataclass(frozen=True)
class Look:
    """Light and camera of one clip.

    Attributes:
        light: (3,) unit vector towards the light, camera axes.
        ambient: light in the shade, 0 to 1.
        shading: 0 is flat (drawings), 1 is fully shaded.
        tint: (3,) colour of the light.
        camera: distance of the camera from the hips, in frame units (half frame heights).
    """

    light: tuple[float, float, float] = (0.3, 0.5, 0.8)
    ambient: float = 0.45
    shading: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    camera: float = 12.0

    @staticmethod
    def random(rng: np.random.Generator) -> Look:
        """Studio and street light from the front hemisphere, sometimes flat; lenses from a phone's to a long one."""
        direction = np.array([rng.normal(0, 0.7), rng.normal(0.5, 0.5), abs(rng.normal(0.9, 0.3)) + 0.1])
        light = _triple(direction / np.linalg.norm(direction))
        tint = _triple(1 + rng.normal(0, 0.06, 3))
        shading = float(rng.choice([0.0, 0.5, 0.8, 1.0], p=[0.1, 0.2, 0.3, 0.4]))
        ambient, camera = float(rng.uniform(0.25, 0.7)), float(np.exp(rng.uniform(np.log(4.5), np.log(20))))
        return Look(light, ambient, shading, tint, camera)


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    """(3,) as plain numbers."""
    x, y, z = values.tolist()
    return x, y, z


@dataclass(frozen=True)
class Pose:
    """(19, 3, 3) rotations relative to the T-pose and (3,) hips in frame units, both in camera axes."""

    rotation: np.ndarray
    hips: np.ndarray


@dataclass(frozen=True)
class Drawing:
    """One driving frame against its reference.

    Attributes:
        rgba: (256, 256, 4) uint8, premultiplied.
        flow: (128, 128, 2) float32 backward flow in normalised units (x right, y down), mean over person pixels; 0
            where there are none.
        visible: (128, 128) float32, share of the cell's person pixels that the reference shows.
        coverage: (128, 128) float32, share of the cell that the person covers.
        points: (24, 3) posed points in frame units.
    """

    rgba: np.ndarray
    flow: np.ndarray
    visible: np.ndarray
    coverage: np.ndarray
    points: np.ndarray


class Renderer:
    """An off-screen OpenGL context; draws one figure at a time (see :meth:`dress`)."""

    def __init__(self) -> None:
        try:
            create: Any = moderngl.create_context  # its stub types every setting as a dictionary
            self._gl: moderngl.Context = create(standalone=True, backend="egl")
        except Exception as error:
            raise UserError("Studio needs OpenGL: install the Debian packages libegl1 and libgl1-mesa-dri.") from error
        self._gl.enable(moderngl.DEPTH_TEST)
        self._colour = self._gl.program(_VERTEX, _COLOUR)
        self._position = self._gl.program(_VERTEX, _POSITION)
        big = FRAME_SIZE * SUPERSAMPLING
        self._colour_target = self._gl.framebuffer(
            [self._gl.texture((big, big), 4)], self._gl.depth_renderbuffer((big, big))
        )
        size = (FRAME_SIZE, FRAME_SIZE)
        self._position_target = self._gl.framebuffer(
            [self._gl.texture(size, 4, dtype="f4")], self._gl.depth_renderbuffer(size)
        )
        self._scene: list[tuple[moderngl.VertexArray, moderngl.VertexArray, moderngl.Texture]] = []
        self._buffers: list[moderngl.Buffer] = []

    def dress(self, figure: Figure, build: Build, height: float = STANDING_HEIGHT) -> np.ndarray:
        """Chooses whom to draw, ``height`` frame units tall; returns their rest offsets (24, 3) in frame units."""
        for colour, position, texture in self._scene:
            for piece in (colour, position, texture):
                piece.release()
        for buffer in self._buffers:
            buffer.release()
        data = np.concatenate(
            [figure.vertices, figure.normals, figure.uv, figure.bones.astype(np.float32), figure.weights], 1
        )
        vertices = self._gl.buffer(data.astype(np.float32).tobytes())
        self._buffers, self._scene = [vertices], []
        for part in figure.parts:
            indices = self._gl.buffer(part.indices.astype(np.int32).tobytes())
            self._buffers.append(indices)
            size = (part.texture.shape[1], part.texture.shape[0])
            texture = self._gl.texture(size, 4, np.ascontiguousarray(part.texture).tobytes())
            texture.build_mipmaps()
            texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            content = [(vertices, "3f 3f 2f 4f 4f", "position", "normal", "uv", "bones", "weights")]
            arrays = [
                self._gl.vertex_array(p, content, indices, skip_errors=True) for p in (self._colour, self._position)
            ]
            self._scene.append((arrays[0], arrays[1], texture))
        self._figure, self._build = figure, build
        self._offsets, self._factor = resize(figure, build, height)
        return self._offsets

    def frame(self, pose: Pose, look: Look) -> np.ndarray:
        """The figure alone: (256, 256, 4) uint8, premultiplied."""
        drive, _ = self._transforms(pose)
        return self._draw_colour(drive, look)

    def place(self, pose: Pose) -> np.ndarray:
        """Where the figure's points are: (24, 3), frame units."""
        return self._transforms(pose)[1]

    def portrait(self, pose: Pose, look: Look, size: int = 1024) -> np.ndarray:
        """The figure alone as a larger picture: (size, size, 4) uint8, premultiplied."""
        target = self._gl.framebuffer([self._gl.texture((size, size), 4)], self._gl.depth_renderbuffer((size, size)))
        drive, _ = self._transforms(pose)
        self._paint(target, drive, look)
        return np.frombuffer(target.read(components=4), np.uint8).reshape(size, size, 4)[::-1].copy()

    def reference(self, pose: Pose, look: Look) -> ReferenceView:
        """Draws the start frame and keeps its depth, to draw driving frames against."""
        transforms, points = self._transforms(pose)
        place = self._draw_position(transforms, transforms, look)
        return ReferenceView(
            transforms, self._draw_colour(transforms, look), _nearest_depth(place), place[..., 3] > 0.5, points
        )

    def drive(self, pose: Pose, reference: ReferenceView, look: Look) -> Drawing:
        """Draws a driving frame with its exact flow to ``reference`` (same figure, same look)."""
        transforms, points = self._transforms(pose)
        rgba = self._draw_colour(transforms, look)
        place = self._draw_position(transforms, reference.transforms, look)
        return _measure(rgba, place, reference, points)

    def _transforms(self, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
        return bone_transforms(self._figure, self._build, self._factor, self._offsets, pose.rotation, pose.hips)

    def _paint(self, target: moderngl.Framebuffer, transforms: np.ndarray, look: Look) -> None:
        target.use()
        target.clear(0, 0, 0, 0)
        for name, value in (
            ("light", look.light),
            ("ambient", look.ambient),
            ("shading", look.shading),
            ("tint", look.tint),
            ("camera", look.camera),
        ):
            self._colour[name].value = value
        self._colour["pose"].write(_columns(transforms))
        for colour, _, texture in self._scene:
            texture.use(0)
            colour.render()

    def _draw_colour(self, transforms: np.ndarray, look: Look) -> np.ndarray:
        self._paint(self._colour_target, transforms, look)
        big = FRAME_SIZE * SUPERSAMPLING
        raw = np.frombuffer(self._colour_target.read(components=4), np.uint8).reshape(big, big, 4)[::-1]
        cells = raw.reshape(FRAME_SIZE, SUPERSAMPLING, FRAME_SIZE, SUPERSAMPLING, 4).astype(np.uint16)
        return ((cells.sum((1, 3)) + SUPERSAMPLING**2 // 2) // SUPERSAMPLING**2).astype(np.uint8)

    def _draw_position(self, drive: np.ndarray, reference: np.ndarray, look: Look) -> np.ndarray:
        self._position_target.use()
        self._position_target.clear(0, 0, 0, 0)
        self._position["camera"].value = look.camera
        self._position["pose"].write(_columns(drive))
        self._position["reference"].write(_columns(reference))
        for _, position, texture in self._scene:
            texture.use(0)
            position.render()
        raw = np.frombuffer(self._position_target.read(components=4, dtype="f4"), np.float32)
        return raw.reshape(FRAME_SIZE, FRAME_SIZE, 4)[::-1]


@dataclass(frozen=True)
class ReferenceView:
    """A drawn start frame: what driving frames are compared with."""

    transforms: np.ndarray
    rgba: np.ndarray
    depth: np.ndarray
    covered: np.ndarray
    points: np.ndarray


def _columns(transforms: np.ndarray) -> bytes:
    """(19, 3, 4) affine maps as column-major mat4 bytes."""
    full = np.zeros((NUM_BONES, 4, 4), np.float32)
    full[:, :3] = transforms
    full[:, 3, 3] = 1
    return full.transpose(0, 2, 1).tobytes()


def _nearest_depth(place: np.ndarray) -> np.ndarray:
    """Farthest depth of each pixel's 3 x 3 neighbourhood (a point at an edge is not hidden by its own neighbour)."""
    depth = np.where(place[..., 3] > 0.5, place[..., 2], 1.0)
    padded = np.pad(depth, 1, mode="edge")
    views = [padded[i : i + FRAME_SIZE, j : j + FRAME_SIZE] for i in range(3) for j in range(3)]
    return np.max(views, axis=0)


def _measure(rgba: np.ndarray, place: np.ndarray, reference: ReferenceView, points: np.ndarray) -> Drawing:
    """Flow, visibility and coverage on the 128 x 128 grid, from the full-size position picture (256, 256, 4)."""
    person = place[..., 3] > 0.5
    centre = (2 * np.arange(FRAME_SIZE) + 1) / FRAME_SIZE - 1
    flow = np.stack([place[..., 0] - centre[None, :], -place[..., 1] - centre[:, None]], -1)
    column = np.clip(((place[..., 0] + 1) / 2 * FRAME_SIZE).astype(int), 0, FRAME_SIZE - 1)
    row = np.clip(((1 - place[..., 1]) / 2 * FRAME_SIZE).astype(int), 0, FRAME_SIZE - 1)
    inside = (np.abs(place[..., :2]) < 1).all(-1)
    visible = person & inside & (place[..., 2] <= reference.depth[row, column] + _DEPTH_TOLERANCE)
    step = FRAME_SIZE // FLOW_SIZE

    def pooled(values: np.ndarray) -> np.ndarray:
        return values.reshape(FLOW_SIZE, step, FLOW_SIZE, step, *values.shape[2:]).sum((1, 3))

    count = pooled(person.astype(np.float32))
    mean_flow = pooled(flow * person[..., None]) / np.maximum(count, 1)[..., None]
    share = pooled(visible.astype(np.float32)) / np.maximum(count, 1)
    return Drawing(rgba, mean_flow.astype(np.float32), share, count / step**2, points)
