"""From noise to a sample: schedule, guidance and the denoising loop. Networks come in as callables.

Notation: x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps, with abar the cosine schedule of Nichol & Dhariwal (2021),
t in 0..999.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from torch import Tensor

from dabfusion.errors import Cancelled

TRAIN_STEPS = 1000
_SCHEDULE = "squaredcos_cap_v2"
#: From this many steps on DDIM is as good as the second-order solver, and its path is the simpler one.
DDIM_FROM = 40

#: (x_t, t) -> estimate of x_0 (or of the noise); t is a number in [0, 1000).
Denoise = Callable[[Tensor, float], Tensor]
Progress = Callable[[int, int], None]
ShouldStop = Callable[[], bool]


class Solver(Protocol):
    """What the loop needs of a diffusers scheduler."""

    timesteps: Tensor

    def set_timesteps(self, num_inference_steps: int) -> None:
        """Chooses the time steps."""

    def step(
        self, model_output: Tensor, timestep: Tensor, sample: Tensor, *, return_dict: Literal[False]
    ) -> Sequence[Tensor]:
        """The next sample, first of the returned."""


def signal_shares() -> Tensor:
    """abar (1000,) of the noising process: T = 1000, cosine."""
    scheduler: Any = DDPMScheduler(num_train_timesteps=TRAIN_STEPS, beta_schedule=_SCHEDULE)
    abar: Tensor = scheduler.alphas_cumprod
    return abar


def add_noise(x0: Tensor, noise: Tensor, t: Tensor, abar: Tensor) -> Tensor:
    """x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise for time steps t (B,); x0 and noise (B, ...)."""
    share = abar.to(x0.device)[t].view(-1, *[1] * (x0.ndim - 1))  # (B, 1, ...)
    return share.sqrt() * x0 + (1 - share).sqrt() * noise


def solver(steps: int, predicts: str = "sample", threshold: float | None = None) -> Solver:
    """The solver for a number of steps: DPM-Solver++ (2M) for few, DDIM for :data:`DDIM_FROM` and more.

    Args:
        steps: how many times the denoiser will be called, 1 to 1000.
        predicts: "sample" (x_0) or "epsilon" (noise).
        threshold: dynamic thresholding of x_0 at this quantile (Imagen; 0.9 in DabFusion); always DDIM.

    Raises:
        ValueError: if ``steps`` is out of range.
    """
    if not 1 <= steps <= TRAIN_STEPS:
        raise ValueError(f"steps must be 1 to {TRAIN_STEPS}, not {steps}")
    scheduler: Any
    if threshold is not None or steps >= DDIM_FROM or steps < 3:
        scheduler = DDIMScheduler(
            num_train_timesteps=TRAIN_STEPS, beta_schedule=_SCHEDULE, prediction_type=predicts, clip_sample=False,
            thresholding=threshold is not None, dynamic_thresholding_ratio=threshold or 0.995, sample_max_value=100.0,
            timestep_spacing="trailing",
        )  # fmt: skip
    else:
        scheduler = DPMSolverMultistepScheduler(
            num_train_timesteps=TRAIN_STEPS, beta_schedule=_SCHEDULE, prediction_type=predicts,
            timestep_spacing="trailing", final_sigmas_type="zero",
        )  # fmt: skip
    chosen: Solver = scheduler
    chosen.set_timesteps(steps)
    return chosen


def guided(with_condition: Tensor, without: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022): without + scale * (with - without); scale 1 is no guidance."""
    return without + scale * (with_condition - without)


@torch.no_grad()
def sample(
    denoise: Denoise,
    noise: Tensor,
    steps: int,
    *,
    predicts: str = "sample",
    threshold: float | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Tensor:
    """Denoises ``noise`` in ``steps`` steps; deterministic.

    Args:
        denoise: called once a step with (x_t, t).
        noise: standard normal numbers in the shape of the result, from the caller's seeded generator.
        steps: see :func:`solver`.
        predicts: what ``denoise`` returns, "sample" or "epsilon".
        threshold: quantile of dynamic thresholding, None for none.
        progress: called after each step with (steps done, steps).
        should_stop: asked before each step.

    Raises:
        Cancelled: when ``should_stop`` says so.
    """
    scheduler = solver(steps, predicts, threshold)
    x = noise
    for done, t in enumerate(scheduler.timesteps):
        if should_stop is not None and should_stop():
            raise Cancelled
        x = scheduler.step(denoise(x, float(t)), t, x, return_dict=False)[0]
        if progress is not None:
            progress(done + 1, steps)
    return x


def seeded_noise(shape: tuple[int, ...], seed: int, device: torch.device | str = "cpu") -> Tensor:
    """Standard normal numbers that are the same on every device: drawn on the CPU, then moved."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)
