"""The codec's other half: flow maps of a driving frame -> its flow code.

With the flow predictor in front of it, video without labels becomes codes that stage 2 can learn from.

A pixel of the driving frame knows, by its flow, which place of the start frame it came from, and the body in the start
frame tells which bone lies there. So the start body's bones, carried along the flow, are a picture of the driving pose;
a network reads the code off it as :class:`~dabfusion.flow_autoencoder.body_reader.BodyReader` reads the start pose off
a photo.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.flow_autoencoder.blocks import HourGlass
from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.flow_autoencoder.capsules import propose, start_surface
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import pixel_grid, warp
from dabfusion.skeleton import CODE_SIZE, NUM_BONES, NUM_POINTS, ROTATION_SIZE

_CUES = NUM_BONES + 1 + 2 + 2 + 2  # carried bones, carried depth, flow, origin, occlusion and matte


class CodeReader(nn.Module):
    """Flow maps and the start frame's features -> flow codes.

    Args:
        widths: channels of the hourglass at 64, 32, 16 and 8 cells.
        description: channels of the start frame's features, see ``FlowCodec.describe``; 0: do without them.
        hidden: width of the head that turns point features into a code.
    """

    def __init__(self, widths: tuple[int, ...] = (40, 64, 96, 144), description: int = 17, hidden: int = 384) -> None:
        super().__init__()
        self.description = description
        self.trunk = HourGlass(_CUES + 2 * description, widths)
        self.heat = nn.Conv2d(widths[0], NUM_POINTS, 1)
        start = CODE_SIZE + NUM_POINTS * 5  # the start body: code, points, build
        size = NUM_POINTS * (widths[0] + 2) + widths[-1] * 4 + start
        last = nn.Linear(hidden, CODE_SIZE)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.head = nn.Sequential(nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), last)

    def forward(self, description: Tensor, body: Body, maps: FlowMaps) -> Tensor:
        """Reads B driving frames; :meth:`read` without the points.

        Args:
            description: (B, description, 64, 64) features of the start frames, repeated to B.
            body: start bodies, repeated to B.
            maps: flow (B, 2, 64, 64), occlusion and matte (B, 1, 64, 64), see :meth:`FlowMaps.reduced`; ``parts`` are
                not looked at.

        Returns:
            (B, 117) flow codes.
        """
        return self.read(description, body, maps)[0]

    def read(self, description: Tensor, body: Body, maps: FlowMaps) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`; also the points (B, 24, 2) that were found in the driving frames."""
        features, bottom = self.trunk(torch.cat([carried_cues(body, maps), *self._appearance(description, maps)], 1))
        grid = pixel_grid(features.shape[-2], features.shape[-1], features.device).flatten(1)
        heat = self.heat(features).float().flatten(2).softmax(-1)  # (B, 24, h*w)
        points = heat @ grid.T  # (B, 24, 2)
        local = heat @ features.float().flatten(2).transpose(1, 2)  # (B, 24, C)
        coarse = F.adaptive_avg_pool2d(bottom.float(), 2).flatten(1)
        start = torch.cat([body.code, body.points.flatten(1), body.offsets.flatten(1)], 1).float()
        change = self.head(torch.cat([local.flatten(1), points.flatten(1), coarse, start], 1)).float()
        return body.code.float() + change, points

    def _appearance(self, description: Tensor, maps: FlowMaps) -> list[Tensor]:
        return [warp(description, maps.flow), description] if self.description else []


@torch.no_grad()
def carried_cues(body: Body, maps: FlowMaps) -> Tensor:
    """(B, 26, h, w): bones and depth of the start carried along the flow, the flow, its origin, occlusion, matte."""
    proposal = propose(body, body.code.float())
    bones = proposal.logits.softmax(1) * proposal.hit.amax(1, keepdim=True)  # (B, 19, h, w) in the start frame
    depth = start_surface(body).clamp_min(-0.5)
    flow = maps.flow.float() * maps.matte
    carried = warp(torch.cat([bones, depth], 1), flow) * maps.matte
    origin = (pixel_grid(flow.shape[-2], flow.shape[-1], flow.device) + flow) * maps.matte
    return torch.cat([carried, flow, origin, maps.occlusion.float(), maps.matte.float()], 1)


assert CODE_SIZE == ROTATION_SIZE + 3  # the code starts as the start frame's, whose hip displacement is 0
