"""The colours that a moved person shows, carried over to where nothing can be seen.

What the start frame shows is moved by the flow on a coarse grid; hidden cells take the mean of what is seen around
them, from ever wider surroundings (push-pull, Gortler et al. 1996, "The Lumigraph", section 3.4). Where it is known
which part of the body a cell shows, only cells of that part count, left and right taken together: a forearm in front
of a shirt that the photo hides looks like the other forearm, not like the shirt. Hands of which the photo shows
next to nothing, in pockets or cut off, are rather of the face's colour than of the sleeve's, or of hair or collar.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import pixel_grid, warp_visible
from dabfusion.skeleton import BONES, NUM_BONES

_GRID = 64
_COARSEST = 2
_TRUSTED = 0.25  # cells with this much that is seen need no neighbours
_LEAST = 1e-4
#: Bones that look alike, by number: the trunk's, and the same on both sides.
_ALIKE = tuple(
    [BONES.index(bone) for bone in bones]
    for bones in (
        ("Hips", "Spine", "Spine2", "LeftShoulder", "RightShoulder"),
        ("Neck", "Head"),
        *((f"Left{part}", f"Right{part}") for part in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")),
    )
)
_HAND_GROUP = 4  # of them
_HEAD = BONES.index("Head")
_FACE_BELOW, _FACE_SIZE = 0.5, 0.5  # the face's middle below the head's, and its radius, in the head's spread
_DECIDED = 3.0  # exponent that lets the strongest part of a cell win
_OWN = 0.6  # cells with this share of a part tell its colours
_ENOUGH = 2.0  # seen cells of a part from which on its colours are its own
_ENOUGH_OF_HANDS = 0.1  # ... and of hands this share: the few cells at their edge are a sleeve's


def seen_colours(picture: Tensor, maps: FlowMaps) -> Tensor:
    """Colours for every cell of the moved person.

    Args:
        picture: the start frame's person, premultiplied RGBA (B, 4, H, W).
        maps: flow maps (B) at any resolution; parts count where they are the 19 bones.

    Returns:
        (B, 3, 64, 64) in [0, 1], not premultiplied.
    """
    small = F.adaptive_avg_pool2d(picture.float(), _GRID)
    matte = F.adaptive_avg_pool2d(maps.matte.float(), _GRID)
    layer = warp_visible(small, maps.flow, maps.occlusion.float().square(), None) * matte
    anywhere = fill_unseen(layer[:, :3], layer[:, 3:])
    if maps.parts is None or maps.parts.shape[1] != NUM_BONES:
        return anywhere
    source = F.adaptive_avg_pool2d(maps.flow.float(), _GRID) + pixel_grid(_GRID, _GRID, layer.device)
    return _of_its_part(layer, maps.parts.float(), anywhere, source)


def _of_its_part(layer: Tensor, parts: Tensor, anywhere: Tensor, source: Tensor) -> Tensor:
    """Colours (B, 3, 64, 64) filled within each group of parts from what is seen, (B, 4, 64, 64) premultiplied; where
    next to nothing is seen of a group, and off the body (parts (B, 19, h, w) all 0), those of ``anywhere``. ``source``
    is where cells come from, (B, 2, 64, 64) normalised coordinates of the start frame."""
    parts = F.adaptive_avg_pool2d(parts, _GRID)
    alike = torch.stack([parts[:, bones].sum(1) for bones in _ALIKE], 1)
    share = (alike / alike.sum(1, keepdim=True).clamp_min(_LEAST)).pow(_DECIDED)
    share = share / share.sum(1, keepdim=True).clamp_min(_LEAST)
    own = layer[:, None] * (share * (share > _OWN))[:, :, None]  # (B, groups, 4, 64, 64)
    filled = fill_unseen(own[:, :, :3].flatten(0, 1), own[:, :, 3:].flatten(0, 1)).unflatten(0, own.shape[:2])
    enough = torch.full_like(own[:, :, 3, 0, 0], _ENOUGH)  # (B, groups)
    enough[:, _HAND_GROUP] = (_ENOUGH_OF_HANDS * (share[:, _HAND_GROUP] > _OWN).sum((1, 2))).clamp_min(_ENOUGH)
    trust = (own[:, :, 3].sum((2, 3)) / enough).clamp(0, 1)[:, :, None, None, None]
    others = anywhere[:, None].repeat(1, len(_ALIKE), 1, 1, 1)
    face, known = _face(layer, parts[:, _HEAD], source)
    others[:, _HAND_GROUP] = torch.lerp(anywhere, face[..., None, None], known[:, None, None, None])
    each = torch.lerp(others, filled, trust)
    return torch.lerp(anywhere, (share[:, :, None] * each).sum(1), share.sum(1, keepdim=True))


def _face(layer: Tensor, head: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
    """The colour (B, 3) of the middle of the face, and how far it can be trusted (B,). The face is looked for in the
    start frame, so that it is the same in every frame, however the head is held.

    Args:
        layer: (B, 4, 64, 64) premultiplied, what is seen.
        head: (B, 64, 64) share of each cell that is the head.
        source: (B, 2, 64, 64) where cells come from, normalised coordinates, y down.
    """
    weight = (layer[:, 3] * (head > _OWN))[:, None]  # (B, 1, 64, 64)
    total = weight.sum((2, 3), keepdim=True).clamp_min(_LEAST)
    away = source - (weight * source).sum((2, 3), keepdim=True) / total
    spread = ((weight * away.square()).sum((1, 2, 3), keepdim=True) / total / 2).clamp_min(_GRID**-2).sqrt()
    below = torch.zeros(1, 2, 1, 1, device=layer.device)
    below[:, 1] = _FACE_BELOW
    near = (
        torch.exp(-(away / spread - below).square().sum(1, keepdim=True) / (2 * _FACE_SIZE**2)) * (head > _OWN)[:, None]
    )
    colour = (layer * near).sum((2, 3))
    return colour[:, :3] / colour[:, 3:].clamp_min(_LEAST), (total[:, 0, 0, 0] / _ENOUGH).clamp(0, 1)


def fill_unseen(colour: Tensor, weight: Tensor) -> Tensor:
    """Push-pull.

    Args:
        colour: (B, C, n, n) times its weight; n a power of two.
        weight: (B, 1, n, n) in [0, 1], how much of a cell is seen.

    Returns:
        (B, C, n, n), colours of all cells; 1/2 where nothing is seen anywhere.
    """
    levels = [(colour, weight)]
    while levels[-1][1].shape[-1] > _COARSEST:
        levels.append((F.avg_pool2d(levels[-1][0], 2), F.avg_pool2d(levels[-1][1], 2)))
    total, seen = colour.sum((2, 3), keepdim=True), weight.sum((2, 3), keepdim=True)
    filled = ((total + _LEAST / 2) / (seen + _LEAST)).expand(-1, -1, _COARSEST, _COARSEST)
    for level, (c, w) in enumerate(reversed(levels)):
        if level:
            filled = F.interpolate(filled, scale_factor=2.0, mode="bilinear", align_corners=False)
        trust = (w / _TRUSTED).clamp(0, 1)
        filled = torch.lerp(filled, c / w.clamp_min(_LEAST), trust)
    return filled
