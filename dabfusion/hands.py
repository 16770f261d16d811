"""Hands as the photo shows them, moved as one piece and laid over the drawn dancer.

On the grid of the flow a hand is a few cells: drawn from there it loses its fingers, and where it lay on a hip in the
photo it stays printed on the hip. Where the photo's bare hands are known (:mod:`preprocess.hands`), each is a layer of
its own, which follows wrist and fingertips, shortened where it points at the viewer; and what flow copies of a hand or
an arm at a place where that arm is not any more counts as hidden, so that it is painted: of bare arms as they were
found, of sleeves where the body as read lays them across the trunk. Where only one hand is
known, the other is its mirror image, as soon as it has left the place that the photo gives it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .flow_autoencoder.body_reader import Body
from .flow_autoencoder.capsules import propose
from .flow_autoencoder.flow_maps import FlowMaps
from .flow_autoencoder.generator import Window
from .flow_autoencoder.geometry import pixel_grid, warp
from .skeleton import BONES, CARRIER, NUM_BONES, forward_kinematics, leg_length

_SIDES = ("Left", "Right")
#: Of both sides: joints from shoulder to wrist, the fingertips, and the bones that are arm.
_SHOULDER, _ELBOW, _WRIST = (
    tuple(BONES.index(side + part) for side in _SIDES) for part in ("Arm", "ForeArm", "Hand")
)  # fmt: skip
_TIPS = tuple(n for n in range(NUM_BONES, len(CARRIER)) if CARRIER[n] in _WRIST)
_BODY, _HEAD = BONES.index("Spine"), BONES.index("Head")
_FADE = 0.02  # frame units over which a hand begins at its wrist
_STRAIGHT = 0.25  # how much the forearm's direction counts in a hand's, which is short and often seen end on
_SHORTEST, _LONGEST = 0.35, 1.2  # of a hand's length in the photo
_LEFT = (0.015, 0.045)  # frame units by which two motions differ: up to the first they agree, from the second not
_AWAY = (0.05, 0.12)  # frame units from its place in the photo at which a hand that is not known begins to be drawn
_COVERED = (0.35, 0.5)  # share of a hand's place that the body may not cover, for it to begin to be, and to be seen
_IN_FRONT = (0.1, 0.2)  # leg lengths by which a hand is nearer to the viewer than trunk and head
_TRUNK = tuple(BONES.index(name) for name in ("Hips", "Spine", "Spine2"))
_GRID = 128  # cells on which arms are told from what they lie on
_ON_BODY = 0.6  # of an ellipsoid's hit: a place well within it
_LITTLE = 0.05  # cover by the person
_LEAST = 1e-4


@dataclass(frozen=True)
class _Segments:
    """Hands and forearms, left and right (4), as they lie in B pictures: from ``joint`` (B, 4, 2) along ``way``
    (B, 4, 2), image axes, frame units."""

    joint: Tensor
    way: Tensor

    def of(self, *numbers: int) -> _Segments:
        """Some of them."""
        return _Segments(self.joint[:, list(numbers)], self.way[:, list(numbers)])

    def back_to(self, start: _Segments, mirrored: bool = False) -> Tensor:
        """Matrices (B, n, 2, 2) that lead from places around a joint to those of the ``start`` (B = 1), or to their
        mirror images."""
        long, was = self.way.norm(dim=-1), start.way.norm(dim=-1)
        scale = (long / was.clamp_min(_LEAST)).clamp(_SHORTEST, _LONGEST)[..., None]
        along, along_then = _unit(self.way), _unit(start.way)
        across, across_then = (torch.stack([-v[..., 1], v[..., 0]], -1) for v in (along, along_then))
        across = -across if mirrored else across
        shortened = along_then[..., :, None] * (along / scale)[..., None, :]
        return shortened + across_then[..., :, None] * across[..., None, :]


@dataclass(frozen=True)
class _Hand:
    """One hand to be drawn: its side, the side that the photo shows of it, premultiplied RGBA (1, 4, S, S), and how far
    that reaches from its wrist."""

    side: int
    shown: int
    layer: Tensor
    reach: float

    @property
    def mirrored(self) -> bool:
        return self.side != self.shown


class Hands:
    """The hands of one start frame.

    Args:
        masks: (1, 2, S, S) in [0, 1]: left and right hand, with what is bare of the arm; zeros where none was found.
        picture: (1, 4, S, S) the start frame's person, premultiplied RGBA, at the size that is drawn.
        body: as read from the start frame (B = 1).
        limbs: also tell sleeves that lie across the trunk, by the body as read.
    """

    def __init__(self, masks: Tensor, picture: Tensor, body: Body, limbs: bool = False) -> None:
        self._body, self._size = body, picture.shape[-1]
        self._start = self._segments(body.code)
        grid = pixel_grid(self._size, self._size, masks.device)
        along = (grid - self._start.joint[0, :2, :, None, None]) * _unit(self._start.way[0, :2])[..., None, None]
        beyond = (along.sum(1)[None] / _FADE + 1).clamp(0, 1)  # (1, 2, S, S)
        inside = (2 * F.avg_pool2d(masks, 3, 1, 1) - 1).clamp(0, 1)  # not the rim, which has other colours in it
        bare = F.interpolate(torch.cat([masks * beyond, masks * (1 - beyond)], 1), (_GRID, _GRID), mode="area")
        self._arms = torch.maximum(bare, arms_over_trunk(body, _GRID)) if limbs else bare  # (1, 4, 128, 128)
        self._known = bool(self._arms.any())
        layers = [picture * (inside * beyond)[:, side : side + 1] for side in range(2)]
        reach = [_farthest(layer[:, 3:], grid, self._start.joint[0, k]) for k, layer in enumerate(layers)]
        shown = [side if reach[side] else 1 - side for side in range(2)]
        self._hands = [_Hand(side, n, layers[n], reach[n]) for side, n in enumerate(shown) if reach[n]]

    def gone(self, codes: Tensor) -> Tensor:
        """How far each hand has left its place in the photo, or had left it before: (F, 2) in [0, 1] for a dance's
        codes (F, 117). A hand that is another's mirror image does not turn back into what the photo shows."""
        moved = (self._segments(codes).joint[:, :2] - self._start.joint[:, :2]).norm(dim=-1)
        return _ramp(moved, _AWAY).cummax(0).values

    def uncovered(self, maps: FlowMaps, code: Tensor, gone: Tensor) -> FlowMaps:
        """Maps of B frames of ``code`` (B, 117) in which nobody copies an arm from where it is not any more; ``gone``
        (B, 2) is theirs."""
        if not self._known:
            return maps
        with torch.autocast(code.device.type, enabled=False):  # pixels are told apart
            return self._uncovered(maps, code, gone)

    def _uncovered(self, maps: FlowMaps, code: Tensor, gone: Tensor) -> FlowMaps:
        size = maps.flow.shape[-1]
        arms = F.max_pool2d(F.interpolate(self._arms, (size, size), mode="area"), 3, 1, 1)
        copied = warp(arms.expand(len(code), -1, -1, -1), maps.flow)  # (B, 4, h, w)
        now = self._segments(code)
        grid = pixel_grid(size, size, code.device)
        differs = []
        for k, back in enumerate(now.back_to(self._start).unbind(1)):
            moved = _sources(grid, now.joint[:, k], back, self._start.joint[:, k]) - grid - maps.flow.float()
            differs.append(moved.square().sum(1).sqrt())  # norm() over so short a side is slow
        left = _ramp(torch.stack(differs, 1), _LEFT)
        hidden = 1 - (1 - copied * left).prod(1, keepdim=True)
        shown = 1 - hidden * (1 - _of_arms(maps) / maps.matte.clamp_min(_LITTLE))
        for hand in self._hands:
            if hand.mirrored and maps.parts is not None:  # what the photo shows at its place is something else
                guessed = gone[:, hand.side, None, None, None]
                shown = shown * (1 - guessed * maps.parts[:, _WRIST[hand.side], None])
        return replace(maps, occlusion=maps.occlusion * shown)

    def laid_over(self, drawn: Tensor, window: Window, maps: FlowMaps, code: Tensor, gone: Tensor) -> Tensor:
        """The window of B frames, premultiplied RGBA (B, 4, h, w), with the hands in front where they are seen;
        ``gone`` (B, 2) is theirs."""
        now = self._segments(code)
        grid = pixel_grid(self._size, self._size, code.device)
        out = drawn.clone()
        for hand in self._hands:
            place = _around(now.joint[:, hand.side], hand.reach, self._size, window)
            if place is None:
                continue
            rows, columns = place
            back = now.of(hand.side).back_to(self._start.of(hand.shown), hand.mirrored)[:, 0]
            wrist, start = now.joint[:, hand.side], self._start.joint[:, hand.shown]
            source = _sources(grid[:, rows, columns], wrist, back, start).permute(0, 2, 3, 1)
            cover = F.grid_sample(hand.layer.expand(len(code), -1, -1, -1), source, align_corners=False)
            seen = self._seen(cover[:, 3:], maps, place, code, hand.side)
            if hand.mirrored:
                seen = seen * gone[:, hand.side]
            cover = cover * seen[:, None, None, None]
            inner = out[..., _shifted(rows, window[0]), _shifted(columns, window[1])]
            inner.mul_(1 - cover[:, 3:]).add_(cover)
        return out

    def _seen(self, alpha: Tensor, maps: FlowMaps, place: tuple[slice, slice], code: Tensor, side: int) -> Tensor:
        """How far the hand with ``alpha`` (B, 1, h, w) is to be seen: (B,); 0 behind the body."""
        others = (maps.matte - _of_arms(maps)).clamp_min(0).float()
        covered = F.interpolate(others, (self._size, self._size), mode="bilinear", align_corners=False)
        weight = alpha.square()
        free = 1 - (weight * covered[..., place[0], place[1]]).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp_min(_LEAST)
        points = self._points(code)
        nearer = points[:, _WRIST[side], 2] - points[:, [_BODY, _HEAD], 2].amax(1)
        front = _ramp(nearer / leg_length(self._body.offsets), _IN_FRONT)
        return torch.maximum(_ramp(free, _COVERED), front)

    def _points(self, code: Tensor) -> Tensor:
        """(B, 24, 3), camera axes."""
        return forward_kinematics(code, self._body.offsets, self._body.hips)

    def _segments(self, code: Tensor) -> _Segments:
        flat = self._points(code)[..., :2] * torch.tensor([1.0, -1.0], device=code.device)
        elbow, wrist, tip = (flat[:, list(names)] for names in (_ELBOW, _WRIST, _TIPS))
        length = torch.linalg.vector_norm(self._body.offsets[:, list(_TIPS)], dim=-1)[..., None]
        hand = tip - wrist + _STRAIGHT * length * _unit(wrist - elbow)
        return _Segments(torch.cat([wrist, elbow], 1), torch.cat([hand, wrist - elbow], 1))


def arms_over_trunk(body: Body, size: int) -> Tensor:
    """Where hands and forearms lie across the trunk in the start frame of a ``body`` (B = 1).

    Returns:
        (1, 4, size, size), 1 or 0: left hand, right hand, left forearm, right forearm in front of everything else, with
        the trunk behind them.
    """
    seen = propose(body, body.code.float(), size)
    depth = torch.where(seen.hit > _ON_BODY, seen.depth, torch.full_like(seen.depth, -torch.inf))
    front, trunk = depth.argmax(1, keepdim=True), (seen.hit[:, list(_TRUNK)] > _ON_BODY).any(1, keepdim=True)
    some = depth.isfinite().any(1, keepdim=True)
    return torch.cat([(front == n) & trunk & some for n in (*_WRIST, *_ELBOW)], 1).float()


def _of_arms(maps: FlowMaps) -> Tensor:
    """(B, 1, h, w) how much of each cell shows arms."""
    if maps.parts is None:
        raise ValueError("Hands need flow maps that tell parts of the body.")
    return maps.parts[:, list(_SHOULDER + _ELBOW + _WRIST)].sum(1, keepdim=True)


def _unit(way: Tensor) -> Tensor:
    return way / way.norm(dim=-1, keepdim=True).clamp_min(_LEAST)


def _ramp(value: Tensor, ends: tuple[float, float]) -> Tensor:
    """0 up to the first end, 1 from the second on."""
    return ((value - ends[0]) / (ends[1] - ends[0])).clamp(0, 1)


def _sources(grid: Tensor, joint: Tensor, back: Tensor, start_joint: Tensor) -> Tensor:
    """Where places (2, h, w) were in the start frame, for B frames: (B, 2, h, w)."""
    away = grid[None] - joint[:, :, None, None]
    return torch.einsum("bij,bjhw->bihw", back, away) + start_joint[:, :, None, None]


def _farthest(alpha: Tensor, grid: Tensor, joint: Tensor) -> float:
    """How far from its joint (2,) a layer with alpha (1, 1, S, S) reaches, frame units; 0 for an empty one."""
    return float((alpha[0, 0].gt(0) * (grid - joint[:, None, None]).norm(dim=0)).max())


def _around(joints: Tensor, reach: float, size: int, window: Window) -> tuple[slice, slice] | None:
    """Rows and columns of the window within reach of joints (B, 2); None where there are none."""
    top, left, height, width = window
    low = ((joints.amin(0) - _LONGEST * reach + 1) * size / 2).floor().int().tolist()
    high = ((joints.amax(0) + _LONGEST * reach + 1) * size / 2).ceil().int().tolist()
    rows = slice(max(low[1], top), min(high[1], top + height))
    columns = slice(max(low[0], left), min(high[0], left + width))
    return (rows, columns) if reach > 0 and rows.start < rows.stop and columns.start < columns.stop else None


def _shifted(part: slice, by: int) -> slice:
    return slice(part.start - by, part.stop - by)
