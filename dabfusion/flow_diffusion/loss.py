"""Training losses of the denoisers.

Studio preset: x_0 error of the codes, of joint positions, of both velocities, and of feet and whole bodies that should
be still, after "EDGE: Editable Dance Generation From Music" (Tseng et al. 2023). Paper preset: DabFusion Eq. 6, plain
noise MSE.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dabfusion.skeleton import BONES, CODE_SIZE, NUM_POINTS, ROTATION_SIZE, TIPS, forward_kinematics

#: Points that stand on the floor: ankles and toes (skeleton order).
FEET: tuple[int, ...] = (15, 18, 22, 23)


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts; speeds are per second, positions in leg lengths."""

    code: float = 1.0
    velocity: float = 0.6
    position: float = 12.0
    position_velocity: float = 1.0
    contact: float = 1.0
    rest: float = 2.0


@dataclass(frozen=True)
class CodeLosses:
    """Terms of the loss, already weighted; ``total`` is their sum."""

    total: Tensor
    code: Tensor
    velocity: Tensor
    position: Tensor
    position_velocity: Tensor
    contact: Tensor
    rest: Tensor


def snr_weight(alphas_cumprod: Tensor, t: Tensor, least: float = 0.25, most: float = 5.0) -> Tensor:
    """Weight (B,) of the x_0 error at time steps t (B,): signal-to-noise ratio, clipped (min-SNR, Hang et al. 2023).

    The lower clip keeps the noisiest steps, which decide what the dance is, from being forgotten.
    """
    abar = alphas_cumprod.to(t.device)[t]
    return (abar / (1 - abar)).clamp(least, most)


def code_weights() -> Tensor:
    """Weight (117,) of each number of a code: limbs that end far from the root count more; mean 1."""
    weight = torch.ones(CODE_SIZE)
    for k, bone in enumerate(BONES):
        if bone.endswith(("ForeArm", "Leg")):
            weight[6 * k : 6 * k + 6] = 1.5
        if bone.endswith(("Arm", "UpLeg", "Hips")) and not bone.endswith("ForeArm"):
            weight[6 * k : 6 * k + 6] = 1.3
    weight[ROTATION_SIZE:] = 4.0  # three numbers move the whole body
    return weight / weight.mean()


def point_weights() -> Tensor:
    """Weight (24,) of each point: the ends of the limbs count more; mean 1."""
    weight = torch.ones(NUM_POINTS)
    for k, bone in enumerate(BONES):
        if bone.endswith(("ForeArm", "Hand", "Foot")):
            weight[k] = 1.5
    for k, (name, _) in enumerate(TIPS):
        weight[len(BONES) + k] = 1.0 if name.endswith("Fingers") else 1.5
    return weight / weight.mean()


class CodeLoss(nn.Module):
    """Weighted errors of an x_0 estimate against the true window."""

    body: Tensor
    per_number: Tensor
    per_point: Tensor

    def __init__(
        self, body: Tensor, fps: float, weights: LossWeights, still_speed: float = 0.25, resting_speed: float = 0.12
    ) -> None:
        """``body``: (24, 3) offsets in leg lengths; below ``still_speed`` (leg lengths per second) a foot stands, below
        a mean of ``resting_speed`` over all points the dancer rests."""
        super().__init__()
        self.register_buffer("body", body, persistent=False)
        self.register_buffer("per_number", code_weights(), persistent=False)
        self.register_buffer("per_point", point_weights()[:, None], persistent=False)
        self.fps, self.weights, self.still_speed, self.resting_speed = fps, weights, still_speed, resting_speed

    def forward(self, estimate: Tensor, truth: Tensor, std: Tensor, mean: Tensor, weight: Tensor) -> CodeLosses:
        """Both (B, T, 117) normalised, std and mean (117,) as in the normaliser, weight (B,) by noise level."""
        w = self.weights
        error = estimate - truth
        code = (error**2 * self.per_number).mean((1, 2))
        velocity = (error.diff(dim=1) ** 2 * self.per_number).mean((1, 2))
        points, true_points = (self._points(x * std + mean) for x in (estimate, truth))  # (B, T, 24, 3)
        position = ((points - true_points) ** 2 * self.per_point).mean((1, 2, 3))
        speed, true_speed = points.diff(dim=1) * self.fps, true_points.diff(dim=1) * self.fps  # (B, T-1, 24, 3)
        position_velocity = ((speed - true_speed) ** 2 * self.per_point).mean((1, 2, 3))
        feet, true_feet = speed[:, :, list(FEET)], true_speed[:, :, list(FEET)]
        stands = true_feet.norm(dim=-1, keepdim=True) < self.still_speed
        contact = (feet**2 * stands).mean((1, 2, 3))
        rests = true_speed.norm(dim=-1).mean(-1)[..., None, None] < self.resting_speed
        rest = (speed**2 * rests).mean((1, 2, 3))
        terms = [
            (weight * term).mean() * scale
            for term, scale in (
                (code, w.code), (velocity, w.velocity), (position, w.position),
                (position_velocity, w.position_velocity), (contact, w.contact),
                (rest, w.rest),
            )
        ]  # fmt: skip
        return CodeLosses(torch.stack(terms).sum(), *terms)

    def _points(self, codes: Tensor) -> Tensor:
        return forward_kinematics(codes, self.body, self.body.new_zeros(3))


def noise_loss(predicted: Tensor, noise: Tensor) -> Tensor:
    """Mean squared error of the predicted noise (DabFusion Eq. 6)."""
    return torch.nn.functional.mse_loss(predicted, noise)
