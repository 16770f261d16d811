"""The flow codec: 117 numbers a frame <-> flow, occlusion and matte of one person.

A learned code for flow maps loses thin parts first: hands, forearms, feet. So the code is the body's own: bone
rotations and hip displacement (:mod:`dabfusion.skeleton`). Decoding casts each pixel on to an ellipsoid body, which
gives every bone's proposal for the flow (:mod:`capsules`), and a network that sees the start frame chooses among the
proposals and corrects them, as the dense-motion network of FOMM (Siarohin et al. 2019) does. It does so twice: an
hourglass at 64 x 64 that sees the whole body, then a narrow stage at 128 x 128 for what is thin.

One frame's flow is known: the start frame's own, which is zero. What the codec answers there is its error for this
person, above all where a drawing has other proportions than the ellipsoids; an anchored description takes it out of
every frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.flow_autoencoder.blocks import HourGlass
from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.flow_autoencoder.capsules import Proposal, propose, start_surface
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import pixel_grid, warp
from dabfusion.skeleton import NUM_BONES

GRID = 128
COARSE_GRID = 64
_RESIDUAL_SCALE = 0.25
_CHOICE_SCALE = 4.0
_CUES = 4
_ANCHOR_STEPS = 2
_BEYOND = (1.0, 1.04)  # how far out a place is still in the start frame, and is surely not


@dataclass(frozen=True)
class Description:
    """What the codec knows of B start frames.

    Attributes:
        features: (B, C, 64, 64).
        picture: (B, 4, 128, 128).
        error: (B, 2, 128, 128) flow that was decoded for the start frames themselves, or None: not anchored.
    """

    features: Tensor
    picture: Tensor
    error: Tensor | None = None

    def repeated(self, times: int) -> Description:
        """Each start frame ``times`` times in a row."""
        error = None if self.error is None else self.error.repeat_interleave(times, 0)
        return Description(
            self.features.repeat_interleave(times, 0), self.picture.repeat_interleave(times, 0), error
        )  # fmt: skip


class FlowCodec(nn.Module):
    """Decodes flow codes against a start frame.

    Args:
        widths: channels of the refining hourglass at 64, 32, 16 and 8 cells.
        appearance: channels of the start frame's features.
        fine: channels of the stage at 128 cells.
    """

    def __init__(self, widths: tuple[int, ...] = (40, 64, 96, 144), appearance: int = 16, fine: int = 24) -> None:
        super().__init__()
        self.appearance = nn.Sequential(
            nn.Conv2d(4, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, appearance, 3, 1, 1),
        )
        outputs = NUM_BONES + 2 + 2
        self.refine = HourGlass(NUM_BONES + 2 + _CUES + 2 * (appearance + 1), widths)
        self.head = nn.Conv2d(widths[0], outputs, 3, padding=1)
        self.narrow = nn.Conv2d(widths[0], fine, 1)
        self.fine = nn.Sequential(
            nn.Conv2d(fine + 2 * NUM_BONES + 2 + _CUES + 4, fine, 1),
            nn.ReLU(),
            nn.Conv2d(fine, fine, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(fine, fine, 3, padding=1),
            nn.ReLU(),
        )
        self.fine_head = nn.Conv2d(fine, outputs, 3, padding=1)
        for head in (self.head, self.fine_head):
            nn.init.zeros_(head.weight)
            if head.bias is not None:
                nn.init.zeros_(head.bias)

    def describe(self, person: Tensor) -> Description:
        """Of person RGBA, premultiplied (B, 4, 256, 256); once per start frame."""
        alpha = F.interpolate(person[:, 3:], (COARSE_GRID, COARSE_GRID), mode="area")
        features = torch.cat([self.appearance(person * 2 - 0.5), alpha], 1)
        return Description(features, F.interpolate(person, (GRID, GRID), mode="area"))

    def anchored(self, description: Description, body: Body) -> Description:
        """The description with the error that is made on the start frames themselves; ``body`` as for decoding."""
        return replace(description, error=self.decode(replace(description, error=None), body, body.code).flow)

    def decode(self, description: Description, body: Body, code: Tensor) -> FlowMaps:
        """Flow codes (B, 117) -> flow maps on the 128 x 128 grid; ``description`` and ``body`` repeated to B."""
        features, coarse = self._coarse(description.features, body, code)
        with torch.no_grad():
            proposal = propose(body, code.float(), GRID)
            surface = _enlarged(start_surface(body, COARSE_GRID))
        out = _enlarged(coarse.float())
        logits = proposal.logits + _CHOICE_SCALE * out[:, :NUM_BONES]
        with torch.no_grad():
            cues, guess = _cues(proposal, surface, logits)
            choice = logits.softmax(1)
        warped = warp(description.picture, guess)
        wide = _enlarged(self.narrow(features))
        seen = torch.cat([proposal.hit, choice, guess, cues, warped], 1).to(wide.dtype)
        out = out + self.fine_head(self.fine(torch.cat([wide, seen], 1))).float()
        maps = _maps(out, proposal, cues)
        maps = replace(maps, occlusion=maps.occlusion * _in_frame(guess))
        return maps if description.error is None else replace(maps, flow=_without(description.error, maps.flow))

    def _coarse(self, features: Tensor, body: Body, code: Tensor) -> tuple[Tensor, Tensor]:
        """The hourglass' features (B, widths[0], 64, 64) and its answer (B, 19 + 2 + 1 + 1, 64, 64)."""
        with torch.no_grad():
            proposal = propose(body, code.float(), COARSE_GRID)
            cues, guess = _cues(proposal, start_surface(body, COARSE_GRID), proposal.logits)
        warped = warp(features, guess)
        seen = torch.cat([proposal.hit, guess, cues, warped, features], 1)
        wide, _ = self.refine(seen.to(features.dtype))
        return wide, self.head(wide)


def _maps(out: Tensor, proposal: Proposal, cues: Tensor) -> FlowMaps:
    """From change of the choice (19), residual flow (2), visibility (1) and coverage (1) to flow maps."""
    change, residual, shown, covered = out.split([NUM_BONES, 2, 1, 1], 1)
    choice = (proposal.logits + _CHOICE_SCALE * change).softmax(1)
    flow = _mixed(choice, proposal.flows) + _RESIDUAL_SCALE * residual
    occlusion = torch.sigmoid(shown + 3 * cues[:, 2:3])
    matte = torch.sigmoid(covered + 4 * (proposal.hit.amax(1, keepdim=True) * 2 - 1.2))
    return FlowMaps(flow, occlusion, matte, choice * matte)


def _in_frame(flow: Tensor) -> Tensor:
    """(B, 1, h, w): 1 where flow (B, 2, h, w) leads to a place in the start frame, 0 where to one beyond it, of which
    nothing can be copied: the legs or hands of somebody who is cut off."""
    place = (pixel_grid(flow.shape[-2], flow.shape[-1], flow.device) + flow).abs().amax(1, keepdim=True)
    return ((_BEYOND[1] - place) / (_BEYOND[1] - _BEYOND[0])).clamp(0, 1)


def _without(error: Tensor, flow: Tensor) -> Tensor:
    """Flow (B, 2, h, w) with the start frame's error (B, 2, h, w) taken out where the flow ends: pixel x belongs to the
    place y of the start frame for which y + error(y) = x + flow(x), found by fixed-point steps."""
    out = flow
    for _ in range(_ANCHOR_STEPS):
        out = flow - warp(error, out)
    return out


def _cues(proposal: Proposal, surface: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """First guess under a choice of bones.

    Returns:
        (B, 4, h, w): depth in the driving pose, depth behind the start frame's surface, facing in the start frame,
        body hit; and the guessed flow (B, 2, h, w).
    """
    choice = logits.softmax(1)

    def chosen(values: Tensor) -> Tensor:
        return (choice * values).sum(1, keepdim=True)

    guess = _mixed(choice, proposal.flows)
    behind = (warp(surface, guess) - chosen(proposal.start_depth)).clamp(-1, 1)
    front = chosen(proposal.front)
    cues = torch.cat([chosen(proposal.depth), 4 * behind, front, proposal.hit.amax(1, keepdim=True)], 1)
    return cues, guess


def _mixed(choice: Tensor, flows: Tensor) -> Tensor:
    """Shares (B, 19, h, w) of flows (B, 19, 2, h, w), added up: (B, 2, h, w)."""
    return (choice[:, :, None] * flows).sum(1)


def _enlarged(maps: Tensor) -> Tensor:
    """(B, C, 64, 64) -> (B, C, 128, 128)."""
    return F.interpolate(maps, (GRID, GRID), mode="bilinear", align_corners=False)
