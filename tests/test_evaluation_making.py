"""Pairs that are read, made once and measured; a match that makes its own side; the seams of windows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import fake_services, write_photo, write_song
from test_evaluation_reports import DotTools

from dabfusion.config import GenerationOptions
from dabfusion.errors import UserError
from dabfusion.evaluation import presets
from dabfusion.evaluation.evaluate import main
from dabfusion.evaluation.head_to_head import songs_of
from dabfusion.evaluation.librosa_beats import librosa_beats
from dabfusion.evaluation.made_once import make_once, put_file, put_text
from dabfusion.evaluation.make_pairs import PairMaker
from dabfusion.evaluation.pair_list import PhotoSong, pair_folders, read_pairs
from dabfusion.evaluation.reports import PARTS, run_reports
from dabfusion.evaluation.seam_jump import window_seams
from dabfusion.long_video import window_starts, window_weights
from dabfusion.video_reader import read_frames


def write_checkpoint(folder: Path, weights: str = "a") -> Path:
    """All of a checkpoint that a pair maker looks at before the models are loaded."""
    folder.mkdir(exist_ok=True)
    config = {"files": {"codec.safetensors": weights}, "flow_diffusion": {"window": 30}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("inputs")
    for place in ("photos", "songs"):
        (root / place).mkdir()
    write_photo(root / "photos/ann.png")
    write_song(root / "songs/ann.wav", 4.0)
    write_song(root / "songs/other.wav", 4.0)
    return root


def test_pairs_come_from_a_table_or_from_equal_names(inputs, tmp_path) -> None:
    table = inputs / "pairs.csv"
    table.write_text("photo,song,start,length,style\nphotos/ann.png,songs/ann.wav,0.5,2,house\n")
    assert read_pairs(table) == [
        PhotoSong("ann/ann", inputs / "photos/ann.png", inputs / "songs/ann.wav", 0.5, 2.0, "house")
    ]
    equal = pair_folders(inputs / "photos", inputs / "songs")
    assert [pair.name for pair in equal] == ["ann"]
    others = pair_folders(inputs / "photos", inputs / "songs/other.wav")
    assert [pair.name for pair in others] == ["ann/other"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("photo,song\n", "no pairs"),
        ("photo,tune\na,b\n", "columns photo and song"),
        ("photo,song\nphotos/ann.png,songs/none.wav\n", "no file"),
        ("photo,song,start\nphotos/ann.png,songs/ann.wav,soon\n", "numbers of seconds"),
        ("photo,song,name\nphotos/ann.png,songs/ann.wav,../../x\n", "plain name"),
        ("photo,song\n" + "photos/ann.png,songs/ann.wav\n" * 2, "Two pairs"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(inputs, text: str, why: str) -> None:
    (inputs / "bad.csv").write_text(text)
    with pytest.raises(UserError, match=why):
        read_pairs(inputs / "bad.csv")


def test_a_video_is_made_again_only_by_another_recipe(tmp_path) -> None:
    video, made = tmp_path / "a/b.mp4", []

    def make() -> dict[str, object]:
        made.append(1)
        video.write_bytes(b"x")
        return {"n": len(made)}

    assert make_once(video, {"seed": 1, "cut": (1, 2)}, make) == {"n": 1}
    assert make_once(video, {"seed": 1, "cut": (1, 2)}, make) == {"n": 1}
    assert make_once(video, {"seed": 2, "cut": (1, 2)}, make) == {"n": 2}
    video.unlink()
    assert make_once(video, {"seed": 2, "cut": (1, 2)}, make) == {"n": 3}


def test_a_kept_file_appears_whole_or_not_at_all(tmp_path) -> None:
    put_text(tmp_path / "deep/kept.json", "first")

    def fail(place: Path) -> None:
        place.write_text("half")
        assert (tmp_path / "deep/kept.json").read_text() == "first"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        put_file(tmp_path / "deep/kept.json", fail)
    assert [(p.name, p.read_text()) for p in (tmp_path / "deep").iterdir()] == [("kept.json", "first")]


def test_a_seam_lies_where_both_windows_weigh_the_same() -> None:
    seams = window_seams(150, 60, 15.0)
    starts = window_starts(150, 60)
    weights = window_weights(starts, 60, 150).numpy()
    assert len(seams) == len(starts) - 1 == 3
    for k, seam in enumerate(seams):
        at = seam * 15
        early = np.interp(at - 0.5 - starts[k], np.arange(60), weights[k])
        late = np.interp(at - 0.5 - starts[k + 1], np.arange(60), weights[k + 1])
        assert early == pytest.approx(late, abs=1e-6)
    assert len(window_seams(60, 60, 15.0)) == 0


def test_librosa_hears_a_click_track() -> None:
    rate = 22050
    audio = np.zeros(rate * 6, np.float32)
    for beat in np.arange(0.5, 6, 0.5):
        audio[int(beat * rate) :][:200] += np.random.default_rng(0).normal(0, 0.5, 200)
    beats = librosa_beats(audio, rate)
    assert np.median(np.diff(beats)) == pytest.approx(0.5, abs=0.03)
    assert len(librosa_beats(np.zeros(rate, np.float32), rate)) == 0


def test_the_maker_keeps_videos_and_tells_their_seams(inputs, tmp_path) -> None:
    loaded = []

    def load():
        loaded.append(1)
        return fake_services()

    pair = pair_folders(inputs / "photos", inputs / "songs")[0]
    options = GenerationOptions(seed=3, steps=1, fps=10, mark=False)
    checkpoint = write_checkpoint(tmp_path / "checkpoint")
    made = PairMaker(checkpoint, options, load).make(pair, tmp_path / "out")
    frames, fps = read_frames(made.video)
    assert len(frames) == 40 and fps == 10
    assert made.seams == pytest.approx(window_seams(60, 30, 15))
    again = PairMaker(checkpoint, options, load).make(pair, tmp_path / "out")
    assert len(loaded) == 1 and again.seams == pytest.approx(made.seams)
    PairMaker(write_checkpoint(checkpoint, "b"), options, load).make(replace(pair, length=1.0), tmp_path / "out")
    assert len(loaded) == 2 and len(read_frames(made.video)[0]) == 10


def test_pairs_are_made_and_measured_in_one_command(inputs, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DABFUSION_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(presets, "load_services", lambda *_: fake_services())
    monkeypatch.setattr(presets, "Instruments", DotTools)
    checkpoint = write_checkpoint(tmp_path / "checkpoint")
    told = ["--photos", str(inputs / "photos"), "--songs", str(inputs / "songs"), "--checkpoint", str(checkpoint)]
    assert main(["pairs", *told, "--steps", "1", "--seconds", "3", "--out", str(tmp_path / "report")]) == 0
    report = json.loads((tmp_path / "report/pairs.json").read_text())
    assert report["rows"][0]["name"] == "ann" and report["rows"][0]["seam jump"] is not None
    assert "beat advantage, librosa's beats" in report["summary"][0]
    out = tmp_path / "report"
    assert (out / "speed_ann.png").is_file() and (out / "work" / "ann.mp4").is_file()
    assert not list((tmp_path / "report").glob("*sheet*"))
    with pytest.raises(UserError, match="either --list"):
        main(["pairs", "--photos", str(inputs / "photos"), "--out", str(tmp_path)])


def test_a_match_makes_our_side_from_the_sound_of_theirs(inputs, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DABFUSION_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(presets, "load_services", lambda *_: fake_services())
    monkeypatch.setattr("dabfusion.evaluation.evaluate.Instruments", DotTools)
    checkpoint = write_checkpoint(tmp_path / "checkpoint")
    pair = PhotoSong("ann/x", inputs / "photos/ann.png", inputs / "songs/ann.wav")
    options = GenerationOptions(steps=1, seed=9, fps=10, mark=False)
    PairMaker(checkpoint, options, fake_services).make(pair, tmp_path / "theirs")
    assert [one.name for one in songs_of(tmp_path / "theirs", inputs / "photos")] == ["ann/x"]
    told = ["head-to-head", "--make", "--theirs", str(tmp_path / "theirs"), "--photos", str(inputs / "photos")]
    told += ["--checkpoint", str(checkpoint), "--steps", "1", "--sheet", str(tmp_path / "elsewhere.png")]
    assert main([*told, "--out", str(tmp_path / "report"), "--work", str(tmp_path / "work")]) == 0
    report = json.loads((tmp_path / "report/head_to_head.json").read_text())
    assert [row["name"] for row in report["summary"][:2]] == ["theirs", "ours"]
    assert report["settings"]["theirs"].startswith("256 px, 10 frames") and "seed 0" in report["settings"]["made with"]
    assert (tmp_path / "work/ours/ann/x.mp4").is_file() and (tmp_path / "elsewhere.png").is_file()
    assert not (tmp_path / "report/head_to_head.png").exists()
    with pytest.raises(UserError, match="either --ours"):
        main(["head-to-head", "--theirs", str(tmp_path / "theirs"), "--out", str(tmp_path)])
    with pytest.raises(UserError, match="no photo for ann"):
        songs_of(tmp_path / "theirs", None)


def test_reports_run_every_part_that_has_its_input(tmp_path, capsys) -> None:
    from dabfusion.evaluation.evaluate import build_parser

    calls = []

    def run(command: str, arguments: list[str]) -> int:
        calls.append((command, arguments))
        if command == "evaluate":
            assert build_parser().parse_args(arguments).out == tmp_path / "reports" / arguments[0]
        return 0

    told = ["reports", "--work", str(tmp_path / "work"), "--out", str(tmp_path / "reports")]
    run_reports(build_parser().parse_args(told), run)
    left = {"head-to-head", "stage1"}
    assert {arguments[0] for _, arguments in calls} >= {"studio", "paper", "long", "steps"}
    said = capsys.readouterr().err
    assert all(f"{part}: left as it is; it needs --" in said for part in left)
    calls.clear()
    told += ["--theirs", str(tmp_path), "--photos", str(tmp_path), "--only", "head-to-head"]
    run_reports(build_parser().parse_args(told), run)
    sheet = Path(calls[0][1][calls[0][1].index("--sheet") + 1])
    assert calls[0][0] == "evaluate" and not sheet.is_relative_to(tmp_path / "reports")
    with pytest.raises(UserError, match="could not be rebuilt"):
        run_reports(build_parser().parse_args(told), lambda *_: 2)
    assert set(PARTS) > left
