"""The paper's tables with a tiny dancer: deaf and chained ways do what they say, rows are whole, kept, and honest."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from stage1_packs import renderer_or_skip
from test_dance_model import DANCE, write_tiny
from test_evaluation_studio import Tools, Weighing, silent

from dabfusion.config import GenerationOptions
from dabfusion.evaluation.clip import Clip
from dabfusion.evaluation.clip_rows import beside_truth, cut_clip, cut_track, still_track
from dabfusion.evaluation.dancers import OURS, Dancers, DeafDiffusion, without_beats
from dabfusion.evaluation.fvd import frechet_distance
from dabfusion.evaluation.instruments import Instruments
from dabfusion.evaluation.paper import TABLES, write_paper
from dabfusion.evaluation.paper_rows import PaperRows, Piece, windows
from dabfusion.evaluation.paper_sets import CAMERAS, FORTY, LONG, VIEWS, PaperPlan, PaperSets
from dabfusion.evaluation.pixel_chaining import start_from_drawn
from dabfusion.evaluation.studio_truth import TRUTH, TruthClip
from dabfusion.evaluation.tables import PROTOCOLS
from dabfusion.evaluation.weights import ENVIRONMENT
from dabfusion.flow_diffusion import Condition
from dabfusion.music_encoder.encoder import build_music_encoder
from dabfusion.video_reader import read_frames
from preprocess.start_frame import StartFrame


class Means(torch.nn.Module):
    """Stands in for I3D: the mean and the spread of each colour, in a vector of 400."""

    def forward(self, video):
        told = torch.cat([video.mean((2, 3, 4)), video.std((2, 3, 4))], -1)
        return torch.nn.functional.pad(told, (0, 394))


class Glance(Weighing):
    """The estimator of the studio tests, looking at every fourth pixel."""

    def track(self, frames, fps):
        return super().track(frames[:, ::4, ::4], fps)


class PaperTools(Tools):
    """An estimator and a stand-in for I3D; nothing that needs weights."""

    pose, i3d = Glance(), Means()


@pytest.fixture(autouse=True)
def no_optical_flow(monkeypatch) -> None:
    for module in ("paper_rows", "clip_rows"):
        monkeypatch.setattr(f"dabfusion.evaluation.{module}.picture_peaks", lambda clip: np.zeros(0))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny(folder)
    return folder


@pytest.fixture
def start() -> StartFrame:
    person = np.zeros((256, 256, 4), np.float32)
    person[60:240, 100:150] = (0.8, 0.3, 0.2, 1.0)
    plate = np.full((256, 256, 3), (0.2, 0.4, 0.6), np.float32)
    return StartFrame(person, plate, np.zeros((17, 3), np.float32), np.eye(2, 3, dtype=np.float32))


def test_the_deaf_hear_nothing_and_the_others_do(tiny) -> None:
    dancers = Dancers(tiny)
    deaf, hearing = dancers.diffusion(DeafDiffusion), dancers.diffusion()
    torch.manual_seed(0)
    noisy = torch.randn(1, 20, 117)

    def told(model, song: int, style: str) -> torch.Tensor:
        music = torch.randn(1, 20, 16, generator=torch.Generator().manual_seed(song))
        number = torch.tensor([model.style_number(style)])
        condition = Condition.given(torch.zeros(1, 117), torch.tensor([True]), music, number)
        with torch.no_grad():
            return model.guided_denoiser(condition, 2.0)(noisy, 500.0)

    assert torch.equal(told(deaf, 1, "house"), told(deaf, 2, "house"))
    assert (told(deaf, 1, "house") - told(deaf, 1, "krump")).abs().max() > 1e-5
    assert (told(hearing, 1, "house") - told(hearing, 2, "house")).abs().max() > 1e-3
    assert dancers.diffusion(window=12).config.window == 12 and dancers.window == DANCE.window


def test_the_given_first_frame_earns_no_likeness(tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3), np.uint8)
    real = Clip("real", noise, 10.0, np.zeros(0, np.float32), 22050, np.zeros(0), "given")
    held = replace(real, frames=np.repeat(noise[:1], 40, 0))
    tools = Instruments(tmp_path)
    assert beside_truth(real, real, tools, 0.5)["SSIM"].value == pytest.approx(1)
    assert beside_truth(held, real, tools, 0.5)["SSIM"].value < 0.05
    short = [replace(clip, frames=clip.frames[:1]) for clip in (held, real)]
    assert beside_truth(short[0], short[1], tools, 0.5)["SSIM"].value == pytest.approx(1)


def test_without_beats_the_rhythm_stays() -> None:
    times = np.arange(22050 * 3) / 22050
    song = (np.sin(2 * np.pi * 440 * times) * np.exp(-(times * 2 % 1) * 20)).astype(np.float32)
    music = build_music_encoder().encode(song, 22050)
    assert len(music.beat_times) > 3
    piece, deaf = music.section(0.5, 1.0), without_beats(music).section(0.5, 1.0)
    assert np.abs(piece.tower("beats")).max() > 0 and not deaf.tower("beats").any()
    assert np.array_equal(piece.tower("rhythm"), deaf.tower("rhythm"))


def test_a_drawn_frame_becomes_a_start_frame_that_looks_the_same(tiny, start) -> None:
    model = Dancers(tiny).model
    body = model.read_body(start)
    code = np.repeat(body.code[None], 1, 0)
    drawn = start_from_drawn(model, start, body, code, lambda picture: np.full((17, 3), picture.shape[0], np.float32))
    frame = next(iter(model.frames(start, body, code)))[0].astype(float)
    again = drawn.composite.clip(0, 1) * 255
    lit = drawn.person[..., 3] > 0.9
    assert drawn.person.shape == start.person.shape and (drawn.keypoints == 256).all()
    assert np.median(np.abs(again - frame)) <= 1.5
    if lit.any():
        assert np.abs(again - frame)[lit].max() <= 4


def test_pieces_keep_frames_sound_and_beats_together(tmp_path) -> None:
    from test_evaluation_motion import dancer

    from dabfusion.evaluation.clip import Clip

    track = dancer(0.0, seconds=2.0, fps=10.0)
    frames = np.arange(20)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    clip = Clip("c", frames, 10.0, np.arange(2000.0), 1000, np.array([0.25, 0.75, 1.25, 1.75]), "given")
    part = cut_clip(clip, 10, 10)
    assert part.frames[0, 0, 0, 0] == 10 and part.audio[0] == 1000 and part.beat_times == pytest.approx([0.25, 0.75])
    assert np.array_equal(cut_track(track, 10, 10).keypoints, track.keypoints[10:20])
    assert len(still_track(track, 7).score) == 7
    assert [len(w) for w in windows(np.zeros((80, 2, 2, 3)), 16, 40)] == [16] * 4
    assert [len(w) for w in windows(np.zeros((80, 2, 2, 3)), 40, 40)] == [40] * 2


@pytest.fixture(scope="module")
def sets(tiny, tmp_path_factory):
    renderer_or_skip()
    work = tmp_path_factory.mktemp("paper")
    plan = PaperPlan(None, None, clips=2, camera_dances=1, long_clips=1, seed=5, frames=16)
    return PaperSets(plan, work, tiny, PaperTools(cache=work / "cache"), silent)


def test_the_tables_are_whole_and_what_was_made_is_kept(sets, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    tools = PaperTools(cache=sets.work / "cache")
    measured = PaperRows(sets, tools, silent)
    index = write_paper([7], sets, tools, measured, tmp_path)
    text = index.read_text()
    assert "Table 1: quality\n\nNot measured yet." in text and "(table_7.md)" in text
    table = json.loads((tmp_path / "table_7.json").read_text())
    rows = {row["name"]: row for row in table["summary"]}
    assert rows["ground truth, 64"]["beat advantage"] is not None and len(rows) == 20
    chained = next(row for name, row in rows.items() if "drawn frame" in name and name.endswith(", 48"))
    assert chained["samples of 16"] == 1 and chained["FVD-16"] is None  # one sample is no distance
    assert chained["FVD-16 to all"] is None and rows["ground truth, 64"]["FVD-16 to all"] is None
    assert "FVD to all: to the ground truth of all four pieces" in (tmp_path / "table_7.md").read_text()
    assert chained["SSIM"] < 1 and chained["samples of 40"] == 0
    assert "vgg16" in chained["identity"] and len(table["rows"]) == 16
    for way in ("ours", "chained-codes", "chained-pixels"):
        clip = sets.truth(LONG)[0]
        assert len(read_frames(sets.video(LONG, way, clip))[0]) == 64
    video = sets.video(LONG, OURS, sets.truth(LONG)[0])
    before = video.stat().st_mtime_ns
    again = PaperSets(sets.plan, sets.work, sets.checkpoint, tools, silent)
    again.make(LONG, OURS)
    assert video.stat().st_mtime_ns == before


def test_the_row_of_a_clip_is_measured_once(sets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    tools = PaperTools(cache=sets.work / "cache")
    rows = PaperRows(sets, tools, silent)
    mean = rows.mean("ours", FORTY, OURS)
    assert mean.count == 2 and mean.readings["samples of 16"].value == 2 and mean.readings["FVD-16"].value > 0
    assert mean.readings["SSIM"].value < 1 and mean.readings["identity"].needs
    truth = rows.mean("truth", FORTY, TRUTH)
    assert truth.readings["FVD-16"].value is None and "SSIM" not in truth.readings
    halves = rows.halves("real", FORTY, TRUTH)
    assert halves.count == 1 and halves.readings["samples of 16"].value == 1
    assert rows.rows(FORTY, OURS) is rows.rows(FORTY, OURS, Piece(0, 16))


def test_early_and_late_pieces_are_compared_with_the_same_real_clips(sets, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, pieces = PaperRows(sets, PaperTools(), silent), [Piece(0, 16), Piece(16, 16)]
    real = {piece: np.random.default_rng(piece.first).normal(piece.first, 1, (3, 2, 400)) for piece in pieces}
    monkeypatch.setattr(PaperSets, "truth", lambda self, name: [None] * 3)
    seen = {TRUTH: real, OURS: {piece: values + 0.5 for piece, values in real.items()}}
    monkeypatch.setattr(PaperRows, "_seen", lambda self, name, way, piece, length: list(seen[way][piece]))
    whole = np.concatenate([real[piece].reshape(-1, 400) for piece in pieces])
    for piece in pieces:
        expected = frechet_distance(seen[OURS][piece].reshape(-1, 400), whole)
        found = rows.same_reference(LONG, OURS, piece, pieces)
        assert found["FVD-16 to all"].value == pytest.approx(expected)
        some = rows.same_reference(LONG, OURS, piece, pieces, [0, 2])["FVD-16 to all"].value
        assert some is not None and some != pytest.approx(expected)
    assert rows.same_reference(LONG, OURS, pieces[0], pieces, [])["FVD-16 to all"].value is None


def test_no_dance_is_in_both_halves(sets, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, asked = PaperRows(sets, PaperTools(), silent), []
    clips = [TruthClip(f"{k}", "house", "p", "plate", "authored", "", 120.0, view) for k in range(4) for view in VIEWS]
    monkeypatch.setattr(PaperSets, "truth", lambda self, name: clips)
    monkeypatch.setattr(PaperRows, "_distances", lambda self, *what, **_: asked.append(what[-2:]) or {})
    assert rows.halves("real", CAMERAS, TRUTH).count == 18
    ((first, second),) = asked
    assert {clips[k].name for k in first} == {"0", "2"} and {clips[k].name for k in second} == {"1", "3"}
    assert len(first) == len(second) == 18


def test_nine_cameras_see_one_dance_from_nine_sides(sets) -> None:
    split = sets.plan.split(CAMERAS)
    assert split.cameras == VIEWS and len(VIEWS) == 9 and VIEWS[1] - VIEWS[0] == 40
    assert set(PROTOCOLS) == set(TABLES)
    assert TruthClip("a", "house", "p", "plate", "authored", "", 120.0).camera == 0.0
    assert GenerationOptions(fps=split.fps, length=split.seconds).fps == 10
