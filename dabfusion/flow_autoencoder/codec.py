"""The flow codec: 117 numbers a frame <-> flow, occlusion and matte of one person.

A learned code for flow maps loses thin parts first: hands, forearms, feet. So the code is the body's own: bone
rotations and hip displacement (:mod:`dabfusion.skeleton`). Decoding casts each pixel on to an ellipsoid body, which
gives every bone's proposal for the flow (:mod:`capsules`), and a network that sees the start frame chooses among the
proposals and corrects them, as the dense-motion network of FOMM (Siarohin et al. 2019) does.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.flow_autoencoder.blocks import HourGlass
from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.flow_autoencoder.capsules import Proposal, propose, start_surface
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import warp
from dabfusion.skeleton import NUM_BONES

GRID = 64
_RESIDUAL_SCALE = 0.25


class FlowCodec(nn.Module):
    """Decodes flow codes against a start frame.

    Args:
        widths: channels of the refining hourglass at 64, 32, 16 and 8 cells.
        appearance: channels of the start frame's features.
    """

    def __init__(self, widths: tuple[int, ...] = (40, 64, 96, 144), appearance: int = 16) -> None:
        super().__init__()
        self.appearance = nn.Sequential(
            nn.Conv2d(4, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, appearance, 3, 1, 1),
        )
        inputs = NUM_BONES + 2 + 4 + 2 * (appearance + 1)
        self.refine = HourGlass(inputs, widths)
        self.head = nn.Conv2d(widths[0], NUM_BONES + 2 + 2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        if self.head.bias is not None:
            nn.init.zeros_(self.head.bias)

    def describe(self, person: Tensor) -> Tensor:
        """Start-frame features (B, appearance + 1, 64, 64) of person RGBA (B, 4, 256, 256); once per start frame."""
        alpha = F.interpolate(person[:, 3:], (GRID, GRID), mode="area")
        return torch.cat([self.appearance(person * 2 - 0.5), alpha], 1)

    def decode(self, description: Tensor, body: Body, code: Tensor) -> FlowMaps:
        """Flow codes (B, 117) -> flow maps on the 64 x 64 grid; ``description`` and ``body`` repeated to B."""
        with torch.no_grad():
            proposal = propose(body, code.float())
            surface = start_surface(body)
            cues, coarse = _cues(proposal, surface)
        warped = warp(description, coarse)
        features, _ = self.refine(torch.cat([proposal.hit, coarse, cues, warped, description], 1).to(description.dtype))
        out = self.head(features).float()
        change, residual, shown, covered = out.split([NUM_BONES, 2, 1, 1], 1)
        choice = (proposal.logits + 4 * change).softmax(1)
        flow = torch.einsum("bkhw,bkchw->bchw", choice, proposal.flows) + _RESIDUAL_SCALE * residual
        occlusion = torch.sigmoid(shown + 3 * cues[:, 2:3])
        matte = torch.sigmoid(covered + 4 * (proposal.hit.amax(1, keepdim=True) * 2 - 1.2))
        return FlowMaps(flow, occlusion, matte, choice * matte)


def _cues(proposal: Proposal, surface: Tensor) -> tuple[Tensor, Tensor]:
    """First guess from the ellipsoids alone.

    Returns:
        (B, 4, h, w): depth in the driving pose, depth behind the start frame's surface, facing in the start frame,
        body hit; and the guessed flow (B, 2, h, w).
    """
    choice = proposal.logits.softmax(1)

    def chosen(values: Tensor) -> Tensor:
        return (choice * values).sum(1, keepdim=True)

    coarse = torch.einsum("bkhw,bkchw->bchw", choice, proposal.flows)
    behind = (warp(surface, coarse) - chosen(proposal.start_depth)).clamp(-1, 1)
    front = chosen(proposal.front)
    cues = torch.cat([chosen(proposal.depth), 4 * behind, front, proposal.hit.amax(1, keepdim=True)], 1)
    return cues, coarse
