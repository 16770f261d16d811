"""Drawn figures for the body reader: flat people, robots, biscuits, animals on two legs, as people draw them.

Rendered people, however their bones are stretched, keep human outlines and textures. A drawing need not: its arms may
be boxes that hardly touch the trunk, its head half of its height, and nothing in it looks like skin. Each figure is a
few filled shapes laid over a body in the plane of the picture, so that where its 24 points are is known exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from dabfusion.skeleton import BONES, NUM_BONES, NUM_POINTS, TIPS, encode_pose, forward_kinematics
from dabfusion.studio.pose_pool import axis_angle, turn
from dabfusion.studio.renderer import FRAME_SIZE, GROUND, STANDING_HEIGHT

_Place = Callable[[np.ndarray, float, float], np.ndarray]  # an outline moved to a place on the head
_SCALE = 3  # drawn so much larger, then averaged
_Z = np.array([0.0, 0.0, 1.0])
#: Distance of the camera in frame units: drawings have no perspective.
DRAWN_CAMERA = 1000.0
_UPPER = slice(0, 13)  # hips to hands
_SHAPES = ("capsule", "box", "tapered")
_TRUNKS = ("box", "ellipse", "wedge", "capsule", "dress")
_HEADS = ("ellipse", "box", "egg")
#: What an arm does: its angle below the horizontal and the elbow's bend, degrees, mean and spread of each; how often.
_ARMS = {
    "hanging": ((74, 13), (4, 6), 0.42), "away": ((38, 14), (6, 10), 0.26), "level": ((0, 10), (3, 6), 0.1),
    "raised": ((-50, 18), (8, 14), 0.1), "waving": ((5, 15), (75, 25), 0.06), "hip": ((50, 8), (-95, 15), 0.06),
}  # fmt: skip
_POINT = {name: n for n, name in enumerate((*BONES, *(tip for tip, _ in TIPS)))}
_SIDES = (("Left", 1), ("Right", -1))


@dataclass(frozen=True)
class FlatBody:
    """Where a drawn figure is.

    Attributes:
        rotation: (19, 3, 3) relative to the T-pose, about the line of sight except for the feet.
        offsets: (24, 3) rest offsets, frame units.
        points: (24, 3), frame units, y up.
    """

    rotation: np.ndarray
    offsets: np.ndarray
    points: np.ndarray

    def at(self, name: str) -> np.ndarray:
        """(2,) pixels of the large picture of one point."""
        return _pixels(self.points[_POINT[name]])


@dataclass(frozen=True)
class _Paint:
    """Colours (3,) in [0, 1] by what they are for, the outline's width in pixels of the large picture (0: none), and
    how shaded surfaces are (0: flat)."""

    skin: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    extra: np.ndarray
    hair: np.ndarray
    ink: np.ndarray
    outline: int
    shaded: float

    @staticmethod
    def random(rng: np.random.Generator) -> _Paint:
        """Every part in its own colour, or (a third) nearly all in one."""
        colours = rng.random((5, 3)) ** rng.uniform(0.5, 1.6)
        if rng.random() < 0.35:
            colours[:3] = colours[0] + rng.normal(0, 0.03, (3, 3))
        if rng.random() < 0.35:
            colours[0] = np.array([1.0, 0.83, 0.7]) * rng.uniform(0.35, 1.0)
        ink = np.full(3, rng.uniform(0, 0.2)) if rng.random() < 0.7 else colours[0] * rng.uniform(0.2, 0.6)
        outline = round(_SCALE * float(rng.uniform(1, 4.5))) if rng.random() < 0.7 else 0
        skin, top, bottom, extra, hair = np.clip(colours, 0, 1)
        shaded = float(rng.choice([0.0, 0.3, 0.6], p=[0.55, 0.25, 0.2]))
        return _Paint(skin, top, bottom, extra, hair, ink, outline, shaded)


def sample_flat_body(rng: np.random.Generator) -> FlatBody:
    """Proportions and pose of a figure that stands in the plane of the picture and faces the viewer."""
    head, neck = rng.uniform(0.14, 0.45), max(rng.normal(0.01, 0.03), 0.0)
    trunk, legs = rng.uniform(0.7, 1.2) * 0.33, rng.uniform(0.45, 1.2) * 0.42
    shoulder, hip = rng.uniform(0.07, 0.2), rng.uniform(0.03, 0.09)
    arm = rng.uniform(0.55, 1.1) * 0.4
    elbow, wrist, knee = rng.normal(0.45, 0.04), rng.normal(0.82, 0.04), rng.normal(0.5, 0.05)
    ankle = min(0.3, rng.uniform(0.03, 0.1) / legs)  # of the legs' length, above the sole
    height = head + neck + trunk + legs
    rest = np.zeros((NUM_POINTS, 3))

    def put(name: str, x: float, y: float, z: float = 0.0) -> None:
        rest[_POINT[name]] = (x, y, z)

    put("Spine", 0, 0.2 * trunk)
    put("Spine2", 0, 0.3 * trunk)
    put("Neck", 0, 0.5 * trunk)
    put("Head", 0, neck + 0.06 * head)
    put("HeadTop", 0, 0.94 * head)
    for side, sign in _SIDES:
        put(f"{side}Shoulder", 0.3 * sign * shoulder, 0.4 * trunk)
        put(f"{side}Arm", 0.7 * sign * shoulder, rng.normal(0, 0.01))
        put(f"{side}ForeArm", sign * arm * elbow, 0)
        put(f"{side}Hand", sign * arm * (wrist - elbow), 0)
        put(f"{side}Fingers", sign * arm * (1 - wrist), 0)
        put(f"{side}UpLeg", sign * hip, -0.03 * trunk)
        put(f"{side}Leg", 0, -legs * (1 - ankle) * knee)
        put(f"{side}Foot", 0, -legs * (1 - ankle) * (1 - knee))
        put(f"{side}Toes", 0, -legs * ankle, rng.uniform(0.05, 0.12))
    rotation = _flat_pose(rng)
    tall = min(STANDING_HEIGHT * float(np.exp(rng.normal(0, 0.09))), 1.7)
    offsets = (rest * tall / height).astype(np.float32)
    code = torch.from_numpy(encode_pose(rotation, np.zeros(3)))
    points = forward_kinematics(code, torch.from_numpy(offsets), torch.zeros(3)).numpy()
    soles = points[[_POINT["LeftToes"], _POINT["RightToes"]], 1].min()
    place = np.array([rng.normal(0, 0.08), GROUND + rng.normal(0, 0.03) - soles, 0.0])
    return FlatBody(rotation, offsets, (points + place).astype(np.float32))


def _flat_pose(rng: np.random.Generator) -> np.ndarray:
    rotation = np.tile(np.eye(3), (NUM_BONES, 1, 1))
    rotation[_UPPER] = axis_angle(_Z, rng.normal(0, 0.06))
    rotation[BONES.index("Head")] = axis_angle(_Z, rng.normal(0, 0.1)) @ rotation[BONES.index("Head")]
    names = list(_ARMS)
    chance = np.array([how_often for *_, how_often in _ARMS.values()])
    alike = str(rng.choice(names, p=chance / chance.sum()))
    spread, stride = abs(rng.normal(5, 7)), rng.random() < 0.15
    for side, sign in _SIDES:
        kind = alike if rng.random() < 0.7 else str(rng.choice(names, p=chance / chance.sum()))
        below, bend = (float(rng.normal(*given)) for given in _ARMS[kind][:2])
        for bone, angle in (("Arm", -below), ("ForeArm", bend - below), ("Hand", bend - below + rng.normal(0, 8))):
            rotation[BONES.index(side + bone)] = axis_angle(_Z, sign * np.deg2rad(angle))
        out = spread + (abs(rng.normal(0, 20)) if stride else rng.normal(0, 2))
        for bone, angle in (("UpLeg", out), ("Leg", out - abs(rng.normal(0, 25 if stride else 3)))):
            rotation[BONES.index(side + bone)] = axis_angle(_Z, sign * np.deg2rad(angle))
        rotation[BONES.index(f"{side}Foot")] = turn(sign * rng.uniform(0, 1.5))
    return rotation


def draw_flat_figure(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One drawn figure as :data:`dabfusion.studio.people.ARRAYS` lists it."""
    body = sample_flat_body(rng)
    rgba = _Pen(_Paint.random(rng)).draw(body, rng)
    return {
        "start_rgba": rgba, "start_code": encode_pose(body.rotation, np.zeros(3)), "start_points": body.points,
        "offsets": body.offsets, "camera": np.asarray(DRAWN_CAMERA, np.float32), "drawn": np.asarray(True),
    }  # fmt: skip


def _pixels(point: np.ndarray) -> np.ndarray:
    """Frame units (..., 2 or more), y up -> pixels of the large picture (..., 2), y down."""
    return (np.stack([point[..., 0], -point[..., 1]], -1) + 1) / 2 * FRAME_SIZE * _SCALE


def _rotated(box: np.ndarray, centre: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Places points (N, 2) given across and along a direction."""
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    across = np.array([-along[1], along[0]])
    return centre + box[:, :1] * across + box[:, 1:] * along


def _superellipse(wide: float, tall: float, power: float, top: float = 1.0) -> np.ndarray:
    """An outline (64, 2) between a rhomb (1), an ellipse (2) and a box (8 and more); ``top`` narrows its far end."""
    turns = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    x, y = np.cos(turns), np.sin(turns)
    x, y = np.sign(x) * abs(x) ** (2 / power), np.sign(y) * abs(y) ** (2 / power)
    return np.stack([x * wide * (1 + (top - 1) * (y + 1) / 2), y * tall], 1)


class _Pen:
    """Fills and outlines shapes in one large picture."""

    def __init__(self, paint: _Paint) -> None:
        side = FRAME_SIZE * _SCALE
        self.paint = paint
        self.colour = np.zeros((side, side, 3), np.float32)
        self.alpha = np.zeros((side, side), np.float32)

    def fill(self, outline: np.ndarray, colour: np.ndarray, ink: bool = True) -> None:
        """Fills a closed outline (N, 2) in pixels and, with ``ink``, draws its edge."""
        where = np.zeros(self.alpha.shape, np.uint8)
        corners = np.round(outline).astype(np.int32)
        cv2.fillPoly(where, [corners], (1,), cv2.LINE_8)
        inside = where > 0
        if not inside.any():
            return
        shade = np.ones(int(inside.sum()), np.float32)
        if self.paint.shaded and ink:
            depth = cv2.distanceTransform(where, cv2.DIST_L2, 3)
            shade = 1 - self.paint.shaded * (1 - np.sqrt(np.clip(depth[inside] / max(depth.max(), 1), 0, 1)))
        self.colour[inside] = colour * shade[:, None]
        self.alpha[inside] = 1
        if ink and self.paint.outline:
            edge = np.zeros(self.alpha.shape, np.uint8)
            cv2.polylines(edge, [corners], True, (1,), self.paint.outline, cv2.LINE_8)
            self.colour[edge > 0], self.alpha[edge > 0] = self.paint.ink, 1

    def limb(self, a: np.ndarray, b: np.ndarray, wide: float, colour: np.ndarray, shape: str, far: float = 1.0) -> None:
        """A limb from a to b, ``wide`` pixels; ``far`` is the width at its end beside that at its beginning."""
        way = b - a
        length = float(np.linalg.norm(way))
        if shape == "capsule":
            outline = _superellipse(wide / 2, length / 2 + wide / 2, max(2.2, 2 + length / max(wide, 1)), far)
        else:
            outline = _superellipse(wide / 2, length / 2 + 0.1 * wide, 9, far if shape == "tapered" else 1.0)
        self.fill(_rotated(outline, (a + b) / 2, way), colour)

    def draw(self, body: FlatBody, rng: np.random.Generator) -> np.ndarray:
        """The whole figure: (256, 256, 4) uint8, premultiplied."""
        shape = str(rng.choice(_SHAPES, p=[0.5, 0.3, 0.2]))
        trunk_long = float(np.linalg.norm(body.at("Neck") - body.at("Hips")))
        thick = rng.uniform(0.1, 0.34) * trunk_long
        behind = rng.random() < 0.5
        self._legs(body, rng, shape, thick * rng.uniform(0.9, 1.6))
        arms = (body, shape, thick, rng.random() < 0.5, float(rng.uniform(0.6, 1.1)), float(rng.uniform(0.5, 1.6)))
        gap = float(rng.uniform(0.04, 0.15)) if rng.random() < 0.2 else 0.0  # between the parts of a jointed toy
        if behind:
            self._arms(*arms, gap, rng)
        self._trunk(body, rng, trunk_long, thick)
        if not behind:
            self._arms(*arms, gap, rng)
        self._head(body, rng)
        cells = np.concatenate([self.colour * self.alpha[..., None], self.alpha[..., None]], -1)
        small = cells.reshape(FRAME_SIZE, _SCALE, FRAME_SIZE, _SCALE, 4).mean((1, 3))
        return np.round(small * 255).clip(0, 255).astype(np.uint8)

    def _legs(self, body: FlatBody, rng: np.random.Generator, shape: str, thick: float) -> None:
        paint, short, far = self.paint, rng.random() < 0.25, float(rng.uniform(0.7, 1.1))
        foot_long, foot_kind = float(rng.uniform(0.7, 1.5)) * thick, rng.random()
        for side, sign in _SIDES:
            hip, knee, ankle, toes = (body.at(side + name) for name in ("UpLeg", "Leg", "Foot", "Toes"))
            sole = np.array([ankle[0], toes[1]])
            self.limb(knee, ankle, thick * far, paint.skin if short else paint.bottom, shape)
            self.limb(hip, knee, thick, paint.bottom, shape, far)
            if foot_kind < 0.15:  # feet that are the legs' round ends
                continue
            middle = (sole + toes) / 2 if foot_kind < 0.7 else sole + np.array([sign * foot_long * 0.3, 0])
            tall = max(float(sole[1] - ankle[1]), 0.35 * thick)
            wide = foot_long / 2 + abs(toes[0] - sole[0]) / 2
            outline = _superellipse(wide, tall / 2, 2.2 if foot_kind < 0.45 else 6)
            self.fill(np.array([middle[0], sole[1] - tall / 2]) + outline, paint.extra)

    def _arms(
        self, body: FlatBody, shape: str, thick: float, bare: bool, far: float, hand: float, gap: float,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        paint, mitten = self.paint, rng.random() < 0.75
        for side, _ in _SIDES:
            shoulder, elbow, wrist, tip = (body.at(side + name) for name in ("Arm", "ForeArm", "Hand", "Fingers"))
            end = wrist if mitten else tip
            self.limb(elbow + gap * (end - elbow), end, thick * far, paint.skin if bare else paint.top, shape)
            self.limb(shoulder, elbow - gap * (elbow - shoulder), thick, paint.top, shape, far)
            if mitten:
                palm = float(np.linalg.norm(tip - wrist)) / 2
                around = _superellipse(max(thick * far * hand / 2, 0.6 * palm), palm, 2.2)
                self.fill(_rotated(around, (wrist + tip) / 2, tip - wrist), paint.skin)

    def _trunk(self, body: FlatBody, rng: np.random.Generator, long: float, thick: float) -> None:
        paint, kind = self.paint, str(rng.choice(_TRUNKS))
        neck, hips = body.at("Neck"), body.at("Hips")
        wide = float(np.linalg.norm(body.at("LeftArm") - body.at("RightArm"))) / 2 + rng.uniform(-0.3, 0.35) * thick
        wide = max(wide, 0.16 * long)
        below = hips + (hips - neck) * rng.uniform(0.05, 0.2)
        if kind == "dress":
            below = below + (body.at("LeftLeg") + body.at("RightLeg") - 2 * below) / 2 * rng.uniform(0.3, 0.95)
        power = {"box": 8.0, "ellipse": 2.3, "wedge": 5.0, "capsule": 3.0, "dress": 5.0}[kind]
        top = {"wedge": rng.uniform(1.0, 1.5), "dress": rng.uniform(0.35, 0.7)}.get(kind, rng.uniform(0.85, 1.1))
        bottom = wide / top if kind == "dress" else wide
        if rng.random() < 0.5 and np.linalg.norm(body.at("Head") - neck) > 2:
            self.limb(neck, body.at("Head"), 0.3 * wide + 2, paint.skin, "box")
        centre, up = (neck + below) / 2, neck - below
        tall = float(np.linalg.norm(up)) / 2
        self.fill(_rotated(_superellipse(bottom, tall, power, float(top)), centre, up), paint.top)
        for _ in range(int(rng.integers(0, 4))):  # a badge, buttons, a panel, a belt
            spot = np.array([rng.normal(0, 0.25) * wide * rng.integers(0, 2), rng.uniform(-0.7, 0.7) * tall])
            size = wide * rng.uniform(0.06, 0.55), tall * rng.uniform(0.05, 0.35)
            shape = _superellipse(*size, float(rng.choice([1.2, 2.0, 8.0]))) + spot
            self.fill(_rotated(shape, centre, up), paint.extra if rng.random() < 0.6 else rng.random(3), size[0] > 12)

    def _head(self, body: FlatBody, rng: np.random.Generator) -> None:
        paint, kind = self.paint, str(rng.choice(_HEADS))
        chin, crown = body.at("Head"), body.at("HeadTop")
        up = crown - chin
        chin = chin - 0.064 * up  # the head's joint lies above the chin
        tall = float(np.linalg.norm(crown - chin)) / 2
        wide, centre = tall * rng.uniform(0.75, 1.25), (chin + crown) / 2

        def place(shape: np.ndarray, x: float, y: float) -> np.ndarray:
            return _rotated(shape + np.array([x * wide, y * tall]), centre, up)

        if rng.random() < 0.25:  # ears, an aerial, horns: beyond what counts as the head
            ear = rng.uniform(0.12, 0.4) * wide, rng.uniform(0.15, 0.6) * tall
            for x in (-1, 1) if rng.random() < 0.7 else (0,):
                height = rng.uniform(0.0, 1.1) if x else 1.15
                self.fill(place(_superellipse(*ear, 2.0), x * 0.8, height), paint.skin if x else paint.extra)
        if rng.random() < 0.3:  # hair that hangs
            self.fill(place(_superellipse(1.12 * wide, 1.1 * tall, 2.6), 0, -0.25 * rng.random()), paint.hair)
        power = {"ellipse": 2.0, "box": 7.0, "egg": 2.4}[kind]
        above = float(rng.uniform(0.7, 1.2)) if kind == "egg" else 1.0
        self.fill(place(_superellipse(wide, tall, power, above), 0, 0), paint.skin)
        if rng.random() < 0.55:  # hair, cap or hat
            brim, cap = rng.uniform(0.1, 0.6), _superellipse(1.03 * wide, tall, power)
            self.fill(place(cap[cap[:, 1] > brim * tall], 0, 0.03), paint.hair)
        self._face(rng, place, wide, tall)

    def _face(self, rng: np.random.Generator, place: _Place, wide: float, tall: float) -> None:
        dark, light = rng.random(3) * 0.25, 1 - rng.random(3) * 0.2
        ink = dark if self.paint.skin.mean() > 0.3 else light
        eye, apart, high = rng.uniform(0.05, 0.22) * wide, rng.uniform(0.2, 0.5), rng.uniform(-0.1, 0.35)
        for x in (-apart, apart):
            if eye > 0.12 * wide:
                self.fill(place(_superellipse(eye, eye, 2.0), x, high), light)
            self.fill(place(_superellipse(eye * 0.6, eye * 0.6, 2.0), x, high), ink, False)
        if rng.random() < 0.3:
            self.fill(place(_superellipse(0.1 * wide, 0.08 * tall, 2.0), 0, high - 0.25), self.paint.extra, False)
        across = np.linspace(-1, 1, 12)
        smile, half = rng.uniform(-0.05, 0.25), rng.uniform(0.15, 0.5)
        curve = np.stack([across * half * wide, (across**2 - 1) * smile * tall], 1)
        line = np.concatenate([curve, curve[::-1] - np.array([0, rng.uniform(0.04, 0.1) * tall])])
        self.fill(place(line, 0, rng.uniform(-0.6, -0.3)), ink, False)
