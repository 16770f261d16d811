"""The held-out report: only what training never saw, a ground truth that begins as the product does, and controls."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from stage1_packs import renderer_or_skip
from test_dance_model import write_tiny
from test_evaluation_motion import STANDING, make_track

from dabfusion.evaluation import studio_split
from dabfusion.evaluation.instruments import Instruments
from dabfusion.evaluation.report import Reading, Row
from dabfusion.evaluation.studio_fvd import FROZEN, GROUND_TRUTH, MADE, fvd_readings
from dabfusion.evaluation.studio_pictures import mean_curve, plot_styles, save_small
from dabfusion.evaluation.studio_split import BY_EAR, SHUFFLED, TRUTH_SHUFFLED, evaluate_studio
from dabfusion.evaluation.studio_truth import OURS, TRUTH, Split, choose_people, held_out_takes, make_truth
from dabfusion.evaluation.weights import ENVIRONMENT
from dabfusion.skeleton import BONES
from dabfusion.studio.dataset import HELD_OUT_IDENTITIES, identity
from dabfusion.video_reader import read_frames

SPLIT = Split(None, None, clips=2, seconds=1.0, seed=3)


class Weighing:
    """Puts the figure of STANDING where the picture's brightness has its centre: enough to see movement."""

    def track(self, frames, fps):
        rows, columns = np.mgrid[: frames.shape[1], : frames.shape[2]]
        points = []
        for frame in frames:
            weight = np.abs(frame.astype(float) - np.median(frame, (0, 1))).sum(-1)
            points.append(STANDING + [(weight * v).sum() / weight.sum() for v in (columns, rows)])
        return make_track(np.stack(points), fps)


class Tools(Instruments):
    """No weights but the estimator above."""

    pose = Weighing()


def silent(stage: str, done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    renderer_or_skip()
    folder = tmp_path_factory.mktemp("work")
    make_truth(SPLIT, folder, Tools(), silent)
    return folder


def test_the_ground_truth_begins_as_the_start_frame_and_stands_on_a_shadow(work) -> None:
    for clip in make_truth(SPLIT, work, Tools(), silent):
        frames, fps = read_frames(clip.video(work))
        start = clip.start_frame(work)
        assert frames.shape == (30, 256, 256, 3) and fps == 30
        picture = (start.composite * 255).round().astype(int)
        assert np.abs(picture - np.asarray(Image.open(clip.photo(work)), int)).max() <= 1
        off = np.abs(frames[0].astype(int) - picture).mean(-1)
        assert np.median(off) <= 2  # the codec's
        darker = (picture - frames[0].astype(int)).mean(-1) > 12
        assert darker[215:].sum() > 20 and darker[:128].sum() < darker[215:].sum() / 4
        assert np.abs(frames[15].astype(int) - frames[0]).max() > 50
        assert start.person[..., 3].mean() > 0.03 and start.keypoints[:, 2].max() > 0


def test_the_same_clips_are_not_drawn_twice_and_their_beats_are_told(work) -> None:
    truth = make_truth(SPLIT, work, Tools(), silent)
    before = truth[0].video(work).stat().st_mtime_ns
    assert make_truth(SPLIT, work, Tools(), silent) == truth
    assert truth[0].video(work).stat().st_mtime_ns == before
    assert truth[0].style == "salsa" and len({clip.style for clip in truth}) == 2
    for maker in (TRUTH, OURS):
        beats = json.loads((work / maker / "beats.json").read_text())
        for clip in truth:
            times = np.array(beats[clip.name])
            assert len(times) and (times >= 0).all() and (times < SPLIT.seconds).all()
            assert np.allclose(np.diff(times), 60 / clip.tempo, atol=0.02)


def test_people_and_takes_are_held_out_ones(tmp_path) -> None:
    for name in (*HELD_OUT_IDENTITIES, "Asian_M_2", "X_MENA_F_1"):
        for outfit in ("Busi", "Casual"):
            (tmp_path / f"{name}_{outfit}.glb").touch()
    people = choose_people(Split(tmp_path, None, clips=12))
    names = [identity(path.stem) for path in people]
    assert sorted(names) == sorted(HELD_OUT_IDENTITIES * 2)
    rng = np.random.default_rng(0)
    for number in ("01", "04", "12"):
        frames = 90
        swing = np.sin(np.arange(frames) / 5)[:, None, None] * rng.normal(0, 0.3, (1, 19, 4))
        np.savez(tmp_path / f"salsa_60_{number}.npz", rotation=np.array([0, 0, 0, 1.0]) + swing,
                 root=np.tile([0, 1.18, 0], (frames, 1)), bones=np.array(BONES), fps=30)  # fmt: skip
    assert [take.name for take in held_out_takes(tmp_path)] == ["salsa_60_04", "salsa_60_12"]
    assert held_out_takes(None) == []


def test_the_report_has_every_row_and_a_frozen_dancer_keeps_nothing(work, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr(studio_split, "COMMAND", "rebuild")
    write_tiny(tmp_path / "tiny")
    tools = Tools(cache=tmp_path / "cache")
    report = evaluate_studio(SPLIT, tools, tmp_path / "report", work, silent, tmp_path / "tiny")
    rows = {row.name: row.readings for row in report.summary}
    assert list(rows) == [GROUND_TRUTH, MADE, BY_EAR, SHUFFLED, FROZEN, TRUTH_SHUFFLED]
    assert rows[GROUND_TRUTH]["motion energy"].value > 0.05
    for measure in ("motion energy", "beat advantage", "2D-MM Align", "MBCR", "AV-Align"):
        assert rows[FROZEN][measure].value == 0
    assert rows[MADE]["SSIM"].value < 1 and rows[MADE]["PSNR"].value < 60 and rows[GROUND_TRUTH]["SSIM"].text == "-"
    assert rows[BY_EAR]["AV-Align"] == rows[MADE]["AV-Align"]
    assert set(rows[SHUFFLED]) == {"2D-MM Align", "beat advantage", "MBCR", "AV-Align"}
    _, text = report.write(tmp_path / "report", "studio")
    assert text.read_text().splitlines()[2].startswith("- rebuilt by: `rebuild --clips 2 --seconds 1 --seed 3")
    assert str(tmp_path) not in text.read_text()
    assert (tmp_path / "report" / "studio_sheet.png").stat().st_size < 500_000


def test_frechet_distances_are_of_all_and_of_halves() -> None:
    rng = np.random.default_rng(0)
    real = [rng.normal(size=(6, 5)) for _ in range(4)]
    scores = fvd_readings({GROUND_TRUTH: real, MADE: real, FROZEN: [x + 3 for x in real]})
    assert scores[MADE]["FVD-16"].value == pytest.approx(0, abs=1e-6)
    assert scores[FROZEN]["FVD-16"].value == pytest.approx(45)
    assert scores[GROUND_TRUTH]["FVD-16"].value is None
    assert scores[GROUND_TRUTH]["FVD-16, halves"] == scores[MADE]["FVD-16, halves"]
    assert scores[GROUND_TRUTH]["FVD-16, halves"].value > 0
    alone = fvd_readings({GROUND_TRUTH: real[:1], MADE: real[:1]})
    assert "two clips" in alone[GROUND_TRUTH]["FVD-16, halves"].text


def test_pictures_stay_small_and_skip_what_was_not_measured(tmp_path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (600, 800, 3), np.uint8))
    assert save_small(noise, tmp_path / "noise.png", 50_000).stat().st_size <= 50_000
    nothing = [Row("a", {"identity": Reading(None, "weights")})]
    assert plot_styles(tmp_path / "none.png", ["house"], nothing, nothing) is None
    seen = [Row("a", {"identity": Reading(0.5)}, over_time={"identity": [0.5, 0.25]})]
    assert plot_styles(tmp_path / "some.png", ["house"], seen, nothing) is not None
    longer = [*seen, Row("b", {}, over_time={"identity": [1.0, float("nan"), 0.5]}), *nothing]
    assert mean_curve(longer) == [0.75, 0.25, 0.5] and mean_curve(nothing) == []
