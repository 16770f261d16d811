"""Memory does not grow with the video: what the convolutions of ever new windows keep is bounded."""

from __future__ import annotations

import os
import subprocess
import sys

SWITCH = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
#: Resident MiB that convolutions of 96 sizes leave behind; the largest comes first.
GROWTH = """
import dabfusion, torch
torch.set_num_threads(1)
weight = torch.randn(64, 64, 3, 3)
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
def draw(heights):
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for height in heights:
            torch.nn.functional.conv2d(torch.zeros(2, 64, height, 32), weight, padding=1)
draw([208])
before = resident()
draw(range(16, 208, 2))
print(resident() - before)
"""


def ask(code: str, capacity: str | None = None) -> str:
    """What a fresh Python prints, with oneDNN's cache as the user or as nobody set it."""
    environment = {name: value for name, value in os.environ.items() if name != SWITCH}
    environment |= {SWITCH: capacity} if capacity else {}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_bound_is_set_before_torch_and_the_users_own_is_kept() -> None:
    told = f"import os, sys, dabfusion; print(os.environ[{SWITCH!r}], 'torch' in sys.modules)"
    assert ask(told) == "32 False"
    assert ask(told, "77") == "77 False"


def test_windows_of_many_sizes_leave_little_behind() -> None:
    bounded, unbounded = float(ask(GROWTH)), float(ask(GROWTH, "1024"))
    assert bounded < 0.75 * unbounded, (bounded, unbounded)
