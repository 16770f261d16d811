"""The flow predictor on videos of the AIST database: what it sees, what it is measured by, how much memory it takes."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from aist_videos import grey, write_database

from dabfusion.__main__ import EXIT_BAD_INPUT, main
from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.flow_predictor import PRESETS, FlowPredictorConfig, build_flow_predictor
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.training.frame_pairs import SeenFrames
from dabfusion.training.predictor_run import load_predictor_run
from dabfusion.training.predictor_sources import BATCHES_A_VIDEO, AistSource, VideoPool, reconstruction_errors
from dabfusion.training.train_flow_predictor import TrainingOptions, train_on

WHOLE = FlowPredictorConfig(64, 3, 4, "pca", (8, 12), (12, 16), residual=False)
FIRST, SECOND, TEST = "gBR_sBM_c02_d04_mBR1_ch02", "gPO_sFM_c09_d10_mPO3_ch11", "gBR_sBM_c01_d04_mBR0_ch01"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Two training videos, of greys from 50 and from 150 up, and a test video that goes from 0 to 90; 10 frames each at
    10 frames a second."""
    rising = np.arange(10)
    videos = {FIRST: grey(50 + rising), SECOND: grey(150 + rising), TEST: grey(10 * rising)}
    return write_database(tmp_path_factory.mktemp("aist"), videos, 10)


def model_of(config):
    return torch.nn.ModuleDict({"predictor": build_flow_predictor(config), "generator": Generator(4, parts=0)}).eval()


def test_batches_are_first_and_other_frames_of_training_videos(database):
    source, rng = AistSource(database, WHOLE), np.random.default_rng(0)
    videos, ages = set(), set()
    for _ in range(6):
        seen = source.batch(rng, clips=2, drives=3)
        assert seen.x_ref.shape == seen.x_drive.shape == (6, 3, 64, 64)
        first, later = (255 * x.mean((1, 2, 3)).numpy() for x in (seen.x_ref, seen.x_drive))
        near = np.where(first < 100, 50, 150)
        assert first == pytest.approx(near, abs=1.5)  # frame 0, and never of the test video
        assert (later > near - 1.5).all() and (later < near + 10.5).all()  # of the same video
        assert len(set(near[:3])) == len(set(near[3:])) == 1 and near[0] != near[3]
        videos |= set(near)
        ages |= set((later - near).round())
    assert videos == {50, 150} and len(ages) > 5


def test_a_session_makes_a_loadable_run_with_held_out_figures(database, tmp_path, monkeypatch):
    monkeypatch.setitem(PRESETS, "paper", WHOLE)
    run = tmp_path / "run"
    arguments = ["train-flow-predictor", "--aist", str(database), "--out", str(run), "--clips", "2", "--drives", "1"]
    assert main([*arguments, "--minutes", "1e-6"]) == 0
    assert json.loads((run / "progress.json").read_text())["steps"] >= 1
    predictor, generator = load_predictor_run(run)
    assert predictor.channels == 3 and predictor.grid == 16
    with (run / "held_out.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1
    # drives are frames round(2.25), round(4.5), round(6.75) and 9 of a video that brightens by 10 a frame
    assert float(rows[0]["l1_unmoved"]) == pytest.approx(np.mean([20, 40, 70, 90]), abs=2)
    model = torch.nn.ModuleDict({"predictor": predictor, "generator": generator})
    again = AistSource(database, WHOLE).measure(model)
    assert float(rows[0]["l1_drawn"]) == pytest.approx(again["l1_drawn"], rel=1e-3) and again["l1_drawn"] > 0
    with pytest.raises(UserError, match="other data"):
        train_on(StudioLike(), run, WHOLE, TrainingOptions(minutes=1e-6))


class StudioLike:
    """A source of other data, which is never asked for any."""

    data = "pairs"

    def batch(self, rng, clips, drives):
        raise AssertionError

    refresh = measure = batch


def test_a_still_video_is_unmoved(tmp_path):
    still = {FIRST: grey(np.full(6, 90)), TEST: grey(np.full(6, 120))}
    torch.manual_seed(0)
    figures = AistSource(write_database(tmp_path / "aist", still, 10), WHOLE).measure(model_of(WHOLE))
    assert figures["l1_unmoved"] == 0
    assert 0 < figures["l1_drawn"] < 255


def test_errors_are_in_levels_and_of_the_drawn_frame():
    torch.manual_seed(0)
    model = model_of(WHOLE)
    drawn = {}

    def paint(start, maps):
        drawn["from"] = start.picture
        return torch.cat([torch.full_like(start.picture[:, :3], 0.5), torch.ones_like(start.picture[:, :1])], 1)

    model["generator"].decode = paint
    seen = SeenFrames(torch.full((2, 3, 64, 64), 0.1), torch.full((2, 3, 64, 64), 0.7))
    figures = reconstruction_errors(model["predictor"], model["generator"], [seen])
    assert figures == {"l1_drawn": pytest.approx(0.2 * 255, rel=1e-4), "l1_unmoved": pytest.approx(0.6 * 255, rel=1e-4)}
    assert torch.equal(drawn["from"][:, :3], seen.x_ref) and drawn["from"][:, 3:].min() == 1


def test_the_pool_stays_within_its_bound_and_still_sees_every_video():
    lengths = [10, 4, 7, 12, 3, 9, 40]
    reads = []

    def read(number):
        reads.append(number)
        return np.full((lengths[number], 2, 2, 3), number, np.uint8)

    pool, rng = VideoPool(len(lengths), read, max_frames=25), np.random.default_rng(0)
    drawn = set()
    for batch in range(200):
        before, enough = len(reads), len(pool.held) >= 2
        videos = pool.draw(rng, clips=2)
        assert len(videos) == 2
        drawn |= {int(v[0, 0, 0, 0]) for v in videos}
        assert sum(len(v) for v in pool.held.values()) <= 25
        assert all(v.base is None for v in pool.held.values())  # a cut video is not kept whole behind a view
        if enough and batch % BATCHES_A_VIDEO:
            assert len(reads) == before  # decoding is slow: only now and then
    assert drawn == set(range(len(lengths)))


def test_a_pool_that_holds_everything_decodes_nothing_more():
    reads = []

    def read(number):
        reads.append(number)
        return np.zeros((5, 2, 2, 3), np.uint8)

    pool, rng = VideoPool(3, read, max_frames=15), np.random.default_rng(0)
    for _ in range(10 * BATCHES_A_VIDEO):
        assert len(pool.draw(rng, clips=4)) == 4
    assert sorted(reads) == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "either --pairs"),
        (["--aist", "AIST", "--pairs", "PAIRS"], "not both"),
        (["--aist", "AIST", "--mode", "exact"], "needs Studio's flow"),
        (["--aist", "AIST", "--held-out", "PAIRS"], "--held-out"),
        (["--aist", "AIST", "--preset", "studio"], "--size 128"),
        (["--aist", "PAIRS"], "no train videos"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_sentence(arguments, told, database, tmp_path, capsys):
    places = {"AIST": str(database), "PAIRS": str(tmp_path)}
    run = tmp_path / "run"
    options = [places.get(a, a) for a in arguments]
    assert main(["train-flow-predictor", *options, "--out", str(run), "--minutes", "1e-6"]) == EXIT_BAD_INPUT
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and told in lines[0] and lines[0].endswith(".")
    assert not run.exists()
