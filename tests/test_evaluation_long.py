"""A long dance by the minute, denoising steps, operations counted: on dances whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from stage1_packs import write_sliding_pack
from test_dance_model import write_tiny
from test_evaluation_motion import BEATS, STANDING, make_track
from test_evaluation_reports import DotTools

from dabfusion.evaluation.clip import Clip
from dabfusion.evaluation.dancers import Dancers
from dabfusion.evaluation.flops import attention_flops, count
from dabfusion.evaluation.long_dance import measure_long, per_second, trend
from dabfusion.evaluation.lpips import Lpips
from dabfusion.evaluation.stage1 import PLATE, drawing_errors, markdown, on_plate
from dabfusion.evaluation.steps import HeldOutSong, compare_steps
from dabfusion.training.pairs import PairPack

FPS = 10.0


class Torn(DotTools):
    """A dancer who glides, and is torn sideways at every seam; nobody is known in the photo."""

    def track(self, clip):
        times = np.arange(len(clip.frames)) / clip.fps
        x = 60 * times + 30 * np.searchsorted(SEAMS, times, side="right")
        return make_track(STANDING[None] + np.stack([x, 0 * x], -1)[:, None], clip.fps)

    def photo(self, path):
        return None


SEAMS = np.arange(3.0, 118.0, 3.0)


def test_minutes_are_measured_one_by_one_and_the_seams_found(tmp_path) -> None:
    frames = np.zeros((1200, 2, 2, 3), np.uint8)
    clip = Clip("c", frames, FPS, np.zeros(0, np.float32), 22050, np.arange(0.25, 120, 0.5), "given")
    report = measure_long(clip, tmp_path / "nobody.png", SEAMS, Torn(tmp_path), tmp_path, tmp_path / "sheet.png")
    assert [row.name for row in report.rows] == ["minute 1", "minute 2"]
    for row in (*report.summary, *report.rows):
        assert row.readings["seam jump"].value == pytest.approx(6.0)  # 36 px across a seam, 6 elsewhere
        assert row.readings["the same between seams"].value < 1
        assert row.readings["detected"].value == 1 and row.readings["identity"].needs
    assert (tmp_path / "long_energy.png").is_file() and (tmp_path / "sheet.png").is_file()
    assert all((tmp_path / f"long_{name}.png").stat().st_size > 10_000 for name in ("measures", "speed"))
    assert "motion energy +" in report.notes[0] or "motion energy -" in report.notes[0]


def test_a_trend_is_told_with_its_error() -> None:
    falling = trend([0.8 - 0.01 * k for k in range(60)])
    assert falling.slope == pytest.approx(-0.6) and falling.error < 1e-6
    noisy = trend(list(0.8 + np.random.default_rng(0).normal(0, 0.05, 120)))
    assert abs(noisy.slope) < 3 * noisy.error
    holes = trend([1.0, float("nan"), 3.0, 4.0])
    assert holes.slope == pytest.approx(60.0)
    assert np.isnan(trend([1.0, 2.0]).slope)
    assert per_second(np.array([0.1, 0.9, 2.5]), np.array([1.0, 3.0, 5.0]))[::2] == [2.0, 5.0]


def test_steps_are_compared_with_the_most(tmp_path) -> None:
    write_tiny(tmp_path / "tiny")
    rng = np.random.default_rng(0)
    start = np.concatenate([np.tile([1, 0, 0, 0, 1, 0], 19), np.zeros(3)]).astype(np.float32)
    song = HeldOutSong("a", start, rng.normal(size=(30, 16)).astype(np.float32), BEATS[BEATS < 2])
    model = Dancers(tmp_path / "tiny").diffusion()
    report = compare_steps(model, [song], (2, 6, 12), tmp_path, lambda *_: None)
    rows = {row.name: row.readings for row in report.summary}
    assert list(rows) == ["2", "6", "12"]
    assert rows["12"]["distance to the most steps"].value == 0 < rows["6"]["distance to the most steps"].value
    assert rows["6"]["distance to the most steps"].value < rows["2"]["distance to the most steps"].value
    assert (tmp_path / "steps_distance.png").is_file()


def test_operations_are_counted_also_in_attention_on_the_cpu() -> None:
    x, weight = torch.randn(1, 4, 91, 64), torch.randn(8, 3, 3, 3)

    def attend() -> torch.Tensor:
        with torch.inference_mode():
            return torch.nn.functional.scaled_dot_product_attention(x, x, x)

    def convolve() -> torch.Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            return torch.nn.functional.conv2d(torch.randn(1, 3, 16, 16), weight, padding=1)

    assert count(attend) * 1e9 == pytest.approx(2 * 4 * 91 * 91 * 128)
    assert attention_flops(x.shape, x.shape, x.shape) == 2 * 4 * 91 * 91 * 128
    assert count(convolve) * 1e9 == pytest.approx(2 * 8 * 27 * 256)


def test_stage_1_is_told_row_by_row() -> None:
    figures = {"fitted_epe_px": 4.1, "fitted_drawing": 40.0, "fitted_lpips": 0.12}
    text = markdown({"checkpoint": "c", "clips": 2, "drives": 4, "LPIPS": "not measured: needs a.pt", **figures})
    assert "| fitted | 4.1 | 40.0 | 0.12 |" in text and "| still | - | - | - |" in text and "- clips: 2" in text
    assert "- LPIPS: not measured: needs a.pt" in text


def test_drawing_errors_are_of_the_picture_in_front_of_grey(tmp_path) -> None:
    pack = PairPack(write_sliding_pack(tmp_path, 1))
    batch = pack.collate([pack.clip(0, np.arange(4))], np.random.default_rng(0), augment=False)
    torch.manual_seed(0)
    look = Lpips("vgg16").eval()
    for head in look.heads.parameters():
        head.data.abs_()
    assert drawing_errors(batch.drive, batch, look) == {"drawing": 0.0, "lpips": 0.0}
    brighter = batch.drive.clone()
    brighter[:, :3] += 0.1 * batch.drive[:, 3:]
    with torch.no_grad():
        worse, gone = (drawing_errors(drawn, batch, look) for drawn in (brighter, torch.zeros_like(batch.drive)))
    assert worse["drawing"] == pytest.approx(25.5, rel=1e-3) and 0 < worse["lpips"] < gone["lpips"]
    person = batch.drive[:, 3:]  # opaque: where it is not drawn, the plate shows
    missing = (PLATE * person - batch.drive[:, :3]).abs().sum() / person.sum() / 3 * 255
    assert gone["drawing"] == pytest.approx(float(missing), rel=1e-3)
    assert float(on_plate(torch.zeros(1, 4, 2, 2)).mean()) == pytest.approx(PLATE)
    assert "lpips" not in drawing_errors(batch.drive, batch, None)
