"""Reports, folders, head-to-head and tables, on small videos and an estimator that knows where the figure is."""

from __future__ import annotations

import json
from functools import cached_property

import cv2
import numpy as np
import pytest
import soundfile
from PIL import Image
from test_evaluation_motion import STANDING, make_track

from dabfusion.errors import UserError
from dabfusion.evaluation.clip import read_clip
from dabfusion.evaluation.evaluate import main
from dabfusion.evaluation.folders import Source, measure_folder
from dabfusion.evaluation.head_to_head import find_photo, head_to_head, match_pairs
from dabfusion.evaluation.instruments import Instruments
from dabfusion.evaluation.pose import PoseEstimator, PoseTrack
from dabfusion.evaluation.report import Reading, Report, Row, mean_row, table
from dabfusion.evaluation.speed import (
    LENGTHS,
    README_MARKS,
    Timing,
    count_parameters,
    peak_memory_mib,
    put_table,
    readme_table,
    speed_table,
)
from dabfusion.evaluation.tables import PROTOCOLS, measure_table
from dabfusion.video import VideoWriter

SIZE, FPS, SECONDS = 64, 20, 4.0
BEAT, FIRST = 0.5, 0.265  # seconds; off the middle between frames, where two equal speeds would be no strict minimum


class DotEstimator:
    """Finds a red disc on grey; the figure stands around it, half as large as STANDING."""

    def track(self, frames: np.ndarray, fps: float) -> PoseTrack:
        points = []
        for frame in frames:
            weight = np.clip(frame[..., 0].astype(float) - frame[..., 1] - 40, 0, None)
            rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]]
            middle = np.array([(weight * columns).sum(), (weight * rows).sum()]) / max(weight.sum(), 1e-9)
            points.append(STANDING / 4 + middle)
        return make_track(np.stack(points), fps)


class DotTools(Instruments):
    """Instruments without any weights but the estimator above."""

    @cached_property
    def pose(self) -> PoseEstimator:
        return DotEstimator()


def song(path) -> None:
    rate = 22050
    audio = np.zeros(int(rate * SECONDS), np.float32)
    click = np.random.default_rng(0).normal(0, 0.5, 600) * np.exp(-np.arange(600) / 120)
    for beat in np.arange(FIRST, SECONDS, BEAT):
        at = int(beat * rate)
        audio[at : at + 600] += click[: len(audio) - at]
    soundfile.write(path, audio, rate)


def dance(path, song_path, offset: float = 0.0, moving: bool = True) -> None:
    frames = []
    for t in np.arange(int(SECONDS * FPS)) / FPS:
        x = 32 + (10 * np.cos(np.pi * (t - FIRST - offset) / BEAT) if moving else 0)
        frame = np.full((SIZE * 4, SIZE * 4, 3), 128, np.uint8)
        cv2.circle(frame, (round(x * 64), 128 * 16), 24 * 16, (250, 20, 20), -1, cv2.LINE_AA, 4)
        frames.append(cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, FPS, song_path, 0.0, SECONDS, mark=False, size=(SIZE, SIZE)) as writer:
        writer.write(np.stack(frames))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Two makers' folders and a photo: on the beat, and half a beat off; one frozen video."""
    root = tmp_path_factory.mktemp("house")
    song(root / "song.wav")
    dance(root / "ours/ann/a.mp4", root / "song.wav")
    dance(root / "theirs/ann/a.mp4", root / "song.wav", offset=BEAT / 2)
    dance(root / "frozen/ann/a.mp4", root / "song.wav", moving=False)
    (root / "photos").mkdir()
    Image.new("RGB", (80, 60), "grey").save(root / "photos/ann_photo.jpg")
    return root


def test_readings_say_what_they_need_and_means_skip_them() -> None:
    rows = [Row("a", {"x": Reading(1.0), "y": Reading(None, "Z.pt")}), Row("b", {"x": Reading(3.0), "y": Reading(5.0)})]
    mean = mean_row("all", rows)
    assert mean.readings["x"].value == 2.0 and mean.readings["y"].value == 5.0 and mean.count == 2
    assert Reading(None, "Z.pt").text == "not measured: needs Z.pt"
    assert "y: not measured: needs Z.pt" in table(rows[:1])
    assert Reading(float("nan")).as_json() is None


def test_a_report_is_written_whole(tmp_path) -> None:
    report = Report("T", {"seed": 3}, [Row("a", {"x": Reading(0.5)})], [Row("v", {"x": Reading(None, "Z")})], ["note"])
    data, text = report.write(tmp_path / "new", "t")
    stored = json.loads(data.read_text())
    assert stored["settings"] == {"seed": 3} and stored["summary"][0]["x"] == 0.5
    assert stored["rows"][0]["x"] == "not measured: needs Z"
    assert "| a | 1 | 0.500 |" in text.read_text()


def test_a_clip_is_read_with_its_beats(house) -> None:
    clip = read_clip(house / "ours/ann/a.mp4")
    assert len(clip.frames) == 80 and clip.fps == FPS and clip.beat_source == "tracked"
    truth = np.arange(FIRST, SECONDS, BEAT)
    assert np.abs(truth[:, None] - clip.beat_times).min(1).max() < 0.05
    assert read_clip(house / "ours/ann/a.mp4", beat_times=np.array([1.0, 9.0])).beat_times.tolist() == [1.0]


def test_head_to_head_tells_who_is_on_the_beat(house, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DABFUSION_WEIGHTS", str(tmp_path))
    pairs = match_pairs(house / "theirs", house / "ours", None)
    assert [(p.group, p.name) for p in pairs] == [("ann", "a")]
    tools = DotTools(tmp_path, tmp_path / "cache")
    report = head_to_head(pairs, tools, tmp_path / "out", sheet=tmp_path / "sheets" / "match.png")
    theirs, ours = report.summary[:2]
    assert ours.readings["beat advantage"].value > 0.4 > 0 > theirs.readings["beat advantage"].value
    assert ours.readings["MBCR"].value > 0.8 and theirs.readings["MBCR"].value < 0.2
    assert ours.readings["identity"].needs == "a photo with a person"
    assert ours.readings["beat advantage, librosa's beats"].value > theirs.readings["beat advantage"].value
    for name in ("out/speed_ours.png", "out/speed_theirs.png", "sheets/match.png"):
        assert Image.open(tmp_path / name).width > 200
    assert not (tmp_path / "out" / "match.png").exists()


def test_head_to_head_refuses_folders_without_a_common_name(house) -> None:
    dance(house / "others/bob/b.mp4", house / "song.wav", moving=False)
    with pytest.raises(UserError, match="No video name"):
        match_pairs(house / "theirs", house / "others", None)


def test_photos_are_found_by_group(house) -> None:
    assert find_photo(house / "photos", "ann") == house / "photos/ann_photo.jpg"
    assert find_photo(house / "photos/ann_photo.jpg", "anyone") == house / "photos/ann_photo.jpg"
    assert find_photo(None, "ann") is None


def test_freezing_the_video_lowers_what_it_should(house, tmp_path) -> None:
    tools = DotTools(tmp_path)
    moving, _ = measure_folder(Source(house / "ours", references=house / "ours"), tools, "moving", fvd=False)
    frozen, _ = measure_folder(Source(house / "frozen", references=house / "ours"), tools, "frozen", fvd=False)
    for measure in ("motion energy", "2D-MM Align", "beat advantage", "MBCR", "SSIM", "PSNR"):
        assert frozen.readings[measure].value < moving.readings[measure].value, measure
    assert moving.readings["SSIM"].value == pytest.approx(1.0)
    assert "lpips" in moving.readings["LPIPS (VGG)"].needs


def test_known_beats_go_before_tracking(house, tmp_path) -> None:
    (house / "ours/beats.json").write_text(json.dumps({"a": list(np.arange(FIRST - BEAT / 2, SECONDS, BEAT))}))
    try:
        row, _ = measure_folder(Source(house / "ours"), DotTools(tmp_path), "ours", fvd=False)
    finally:
        (house / "ours/beats.json").unlink()
    assert row.readings["beat advantage"].value < 0  # these beats lie half a beat off


def test_a_table_has_a_row_for_what_is_missing_and_for_the_ground_truth(house, tmp_path) -> None:
    dance(tmp_path / "made/break/a.mp4", house / "song.wav")
    source = Source(tmp_path / "made", references=house / "ours/ann")
    report = measure_table(PROTOCOLS[4], source, DotTools(tmp_path), "constructed")
    rows = {row.name: row for row in report.summary}
    assert rows["break"].readings["beat advantage"].value > 0.4
    assert rows["krump"].readings["SSIM"].needs == "videos in krump/"
    assert rows["ground truth"].count == 1
    assert rows["break"].readings["FVD-16"].needs == "i3d_kinetics400.safetensors"


def test_the_command_line_writes_a_report(house, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("dabfusion.evaluation.evaluate.Instruments", DotTools)
    code = main(["videos", str(house / "ours"), "--out", str(tmp_path), "--weights", str(tmp_path)])
    assert code == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "videos.md")
    assert "sigma 50 ms" in (tmp_path / "videos.md").read_text()
    with pytest.raises(UserError, match="nothing at"):
        main(["videos", str(tmp_path / "none"), "--out", str(tmp_path)])
    assert main(["table", "9", "--videos", ".", "--out", "."]) == 2


def test_the_speed_table_shows_stages_and_memory(tmp_path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": np.zeros((3, 5), np.float32), "b": np.zeros(5, np.float32)}, str(tmp_path / "codec.safetensors"))
    assert count_parameters(tmp_path) == {"codec": 20}
    timing = Timing(4.0, {"start-up": 9.0, "photo": 3.0, "dance": 2.0, "render": 6.0}, 120, 20, 812.4, 512)
    text = speed_table([timing], {"codec": 20_000_000}, "cpu", {"render: one frame": 1.25})
    assert text.splitlines()[0].endswith("Frames of 512 pixels.")
    assert timing.total == 11.0 and "| **all but start-up** | **11.0** |" in text
    assert "| ms per rendered frame | 50 |" in text and "| ms per denoising step | 100 |" in text
    assert "| render: one frame | 1.25 |" in text
    assert "| peak memory, MiB | 812 |" in text and "| codec | 20.00 M |" in text
    assert peak_memory_mib() > 50


def test_the_readme_shows_the_measured_table_and_keeps_the_rest(tmp_path) -> None:
    seconds = {"start-up": 9.0, "photo": 2.0, "song": 1.0, "body": 0.5, "dance": 2.0, "render": 6.0}
    timings = [Timing(4.0, seconds, 120, 20, 1000.0), Timing(180.0, {**seconds, "render": 250.0}, 5400, 20, 1100.0)]
    text = readme_table(timings)
    assert "| | 4 s video | 180 s video |" in text and "| photo, song | 3.0 s | 3.0 s |" in text
    assert "| drawing and encoding | 6.0 s | 250.0 s |" in text and "| all after start-up | 11.5 s | 255.5 s |" in text
    assert "| peak memory | 1.05 GB | 1.15 GB |" in text
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{README_MARKS[0]}\nold table\n{README_MARKS[1]}\nafter\n")
    put_table(readme, text)
    put_table(readme, text)
    assert readme.read_text() == f"before\n{README_MARKS[0]}\n\n{text}\n{README_MARKS[1]}\nafter\n"
    readme.write_text("nothing")
    with pytest.raises(UserError, match="no place"):
        put_table(readme, text)
    assert LENGTHS == (4, 30, 60, 120, 180)
