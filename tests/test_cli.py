"""The command line as a user meets it: exit codes, the last line of stdout, one sentence, nothing left behind."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from fakes import fake_services, write_photo, write_song

from dabfusion import services
from dabfusion.__main__ import PARTS, main
from dabfusion.settings import read_settings
from dabfusion.video_reader import probe


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Arguments for a photo and a song; models are fakes."""
    monkeypatch.setattr(services, "load_services", lambda checkpoint, device: fake_services())
    photo, song = write_photo(tmp_path / "photo.png"), write_song(tmp_path / "song.wav")
    return ("generate", "--photo", str(photo), "--song", str(song))


def test_generate_writes_video_and_report(
    inputs: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "dance.mp4", tmp_path / "dance.json"
    code = main([*inputs, "--out", str(out), "--start", "1", "--length", "2", "--seed", "7", "--steps", "5",
                 "--style", "house", "--background", "warm-studio", "--report", str(report)])  # fmt: skip
    told = capsys.readouterr()
    assert code == 0
    assert told.out.splitlines()[-1] == str(out)
    assert "render: 60/60" in told.err
    written = json.loads(report.read_text())
    assert (written["fps"], written["frame_count"], written["background"]) == (30, 60, "warm-studio")
    assert written["options"] == {"seed": 7, "steps": 5, "start": 1.0, "length": 2.0, "style": "house", "fps": 30,
                                  "motion_strength": 1.0, "accent": 0.4, "guidance": 2.0, "mark": True,
                                  "shape": "square", "size": 512}  # fmt: skip
    assert written["tempo"] == pytest.approx(120, abs=3)
    assert np.allclose(np.diff(written["beats"]), 0.5, atol=0.04) and 3 <= len(written["beats"]) <= 5
    assert written["motion_beats"] and all(0 <= t < 2 for t in written["motion_beats"])
    assert {"photo", "song", "load", "body", "dance", "render"} <= written["seconds"].keys()


def test_settings_of_the_report_or_the_mp4_repeat_the_dance(inputs: tuple[str, ...], tmp_path: Path) -> None:
    first, report, again = tmp_path / "first.mp4", tmp_path / "first.json", tmp_path / "again.mp4"
    how = ("--start", "1", "--length", "1", "--seed", "9", "--steps", "4", "--style", "pop", "--person", "2")
    assert main([*inputs, "--out", str(first), *how, "--background", "#204060", "--report", str(report)]) == 0
    for source in (report, first):
        assert main([*inputs, "--out", str(again), "--from-json", str(source)]) == 0
        assert again.read_bytes() == first.read_bytes()
    assert main([*inputs, "--out", str(again), "--from-json", str(first), "--seed", "10"]) == 0
    assert again.read_bytes() != first.read_bytes()


def test_a_tall_video_is_nine_to_sixteen(inputs: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "tall.mp4"
    assert main([*inputs, "--out", str(out), "--length", "1", "--shape", "portrait"]) == 0
    info = probe(out)
    assert info.width * 16 == info.height * 9 and info.frame_count == 30
    assert read_settings(out).options.shape == "portrait"


@pytest.mark.parametrize(("how", "side"), [((), 512), (("--size", "512"), 512), (("--size", "256"), 256)])
def test_the_video_has_the_size_that_was_asked_for(
    inputs: tuple[str, ...], tmp_path: Path, how: tuple[str, ...], side: int
) -> None:
    out, again = tmp_path / "a.mp4", tmp_path / "b.mp4"
    assert main([*inputs, "--out", str(out), "--length", "1", *how]) == 0
    assert (probe(out).width, probe(out).height) == (side, side) and read_settings(out).options.size == side
    assert main([*inputs, "--out", str(again), "--from-json", str(out)]) == 0
    assert again.read_bytes() == out.read_bytes()


def test_the_same_seed_gives_the_same_file(inputs: tuple[str, ...], tmp_path: Path) -> None:
    def make(name: str, seed: str) -> bytes:
        path = tmp_path / name
        assert main([*inputs, "--out", str(path), "--length", "1", "--seed", seed]) == 0
        return path.read_bytes()

    assert make("a.mp4", "1") == make("b.mp4", "1") != make("c.mp4", "2")


def test_without_a_length_the_whole_rest_is_danced(inputs: tuple[str, ...], tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    assert main([*inputs, "--out", str(tmp_path / "a.mp4"), "--start", "4", "--report", str(report)]) == 0
    assert json.loads(report.read_text())["frame_count"] == 60


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("--start", "99"), "start earlier"),
        (("--start", "-1"), "between 0"),
        (("--length", "0"), "between 0.5"),
        (("--length", "abc"), "not a number"),
        (("--steps", "1.5"), "whole number"),
        (("--seed", "-3"), "between 0"),
        (("--style", "waltz"), "choose from"),
        (("--device", "tpu"), "choose from"),
        (("--photo", "nowhere.jpg"), "no photo"),
        (("--song", "nowhere.mp3"), "no song"),
        (("--background", "nowhere"), "no background"),
        (("--out", "dance.avi"), "end in .mp4"),
        (("--out", "no/such/folder/a.mp4"), "no folder"),
        (("--report", "no/such/folder/a.json"), "no folder"),
        (("--shape", "round"), "choose from"),
        (("--size", "300"), "choose from"),
        (("--from-json", "nowhere.json"), "no settings file"),
        (("--frobnicate",), "nrecognized"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    inputs: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, ...], told: str
) -> None:
    before = sorted(p.name for p in tmp_path.iterdir())
    code = main([*inputs, "--out", str(tmp_path / "dance.mp4"), *change])
    lines = [line for line in capsys.readouterr().err.splitlines() if line and not line.endswith("1/1")]
    assert code == 2
    assert len(lines) == 1 and told in lines[0] and lines[0].endswith(".")
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.parametrize("content", [b"", b"not a song at all, but long enough to be looked at" * 40])
def test_a_broken_song_is_told(
    inputs: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(content)
    assert main([*inputs, "--song", str(broken), "--out", str(tmp_path / "dance.mp4")]) == 2
    assert not (tmp_path / "dance.mp4").exists()
    assert "Traceback" not in capsys.readouterr().err


def test_an_input_is_never_overwritten(inputs: tuple[str, ...], tmp_path: Path) -> None:
    song = Path(inputs[4])
    aim = song.rename(tmp_path / "song.mp4")
    before = aim.read_bytes()
    assert main([*inputs[:3], "--song", str(aim), "--out", str(aim)]) == 2
    assert aim.read_bytes() == before


def test_ctrl_c_leaves_nothing(
    inputs: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(self: object, start_frame: object, body: object, codes: object, size: int) -> object:
        yield np.zeros((1, size, size, 3), np.uint8)
        raise KeyboardInterrupt

    monkeypatch.setattr("fakes.FakeModel.frames", interrupted)
    before = sorted(tmp_path.iterdir())
    assert main([*inputs, "--out", str(tmp_path / "dance.mp4"), "--length", "1"]) == 130
    assert sorted(tmp_path.iterdir()) == before
    assert "nothing was left behind" in capsys.readouterr().err


def test_a_missing_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo, song = write_photo(tmp_path / "photo.png"), write_song(tmp_path / "song.wav", 1)
    code = main(["generate", "--photo", str(photo), "--song", str(song), "--out", str(tmp_path / "a.mp4"),
                 "--checkpoint", str(tmp_path)])  # fmt: skip
    assert code == 2 and "There is no checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(PARTS))
def test_every_command_has_its_part(name: str) -> None:
    spec = importlib.util.find_spec(PARTS[name][0])
    assert spec is not None and spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    assert "main" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("generate", "check", *PARTS)) and "examples:" in text


def test_check_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--checkpoint", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert "There is no checkpoint" in told.err and "torch 2." in told.out
