"""What hosts rely on: valid front matter, versions that fit together, a start without network and GPU, the switches."""

from __future__ import annotations

import importlib.machinery
import json
import pickle
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes import fake_services, plain_start_frame, write_song
from packaging.requirements import Requirement

from dabfusion.config import GenerationOptions
from dabfusion.errors import CheckpointError, OptionError
from dabfusion.extras import Extras
from dabfusion.services import load_music_encoder
from dabfusion.web import launch
from dabfusion.web.hosting import gpu_seconds, on_zero_gpu
from dabfusion.web.launch import limits_from, wants_mcp

ROOT = Path(__file__).resolve().parent.parent
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def front_matter() -> dict[str, Any]:
    found = re.match(r"---\n(.*?)\n---\n", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, "README.md must start with front matter"
    return yaml.safe_load(found.group(1))


@pytest.fixture(scope="module")
def requirements() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    parsed = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {one.name: one for one in parsed}


def test_the_front_matter_is_valid(front_matter: dict[str, Any]) -> None:
    needed = {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "app_file", "python_version", "license",
              "short_description", "tags"}  # fmt: skip
    assert needed <= front_matter.keys()
    assert front_matter["sdk"] == "gradio" and (ROOT / front_matter["app_file"]).is_file()
    assert 0 < len(front_matter["short_description"]) <= 60
    assert {front_matter["colorFrom"], front_matter["colorTo"]} <= COLOURS
    assert front_matter["license"] == "agpl-3.0" and len(front_matter["emoji"]) == 1
    assert all(isinstance(front_matter[name], str) for name in ("sdk_version", "python_version", "title"))


def test_the_space_and_the_requirements_agree(
    front_matter: dict[str, Any], requirements: dict[str, Requirement]
) -> None:
    assert requirements["gradio"].specifier.contains(front_matter["sdk_version"])
    declared = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert declared is not None
    least = tuple(map(int, declared.group(1).split(".")))
    assert tuple(map(int, front_matter["python_version"].split("."))) >= least
    assert not {"spaces", "huggingface-hub", "huggingface_hub"} & requirements.keys()
    assert requirements["torch"].specifier.contains("2.8.0"), "ZeroGPU starts at torch 2.8"


_START = """
import socket, sys
def refuse(*_, **__):
    raise OSError("no network in this test")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import app
from dabfusion.web.quiet import prepare
prepare()
import dabfusion.services, dabfusion.web.launch, dabfusion.web.hosting, dabfusion.dance_model, preprocess.preprocessor
import torch
assert not torch.cuda.is_initialized()
assert not any(name.startswith(("dabfusion.training", "dabfusion.studio")) for name in sys.modules)
print("started")
"""


def test_starting_needs_neither_network_nor_gpu() -> None:
    clean = {"PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", _START], cwd=ROOT, env=clean, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("started")


def test_the_switches_are_read() -> None:
    limits = limits_from({"DABFUSION_LONGEST": "20", "DABFUSION_KEEP": "60", "DABFUSION_CONTACT": "a@b.example"})
    assert (limits.longest, limits.keep, limits.contact) == (20, 60, "a@b.example")


def test_mcp_is_an_option_and_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "is_installed", lambda name: False)
    assert not wants_mcp({}) and not wants_mcp({"DABFUSION_MCP": "0"})
    for environment, asked in (({"DABFUSION_MCP": "1"}, False), ({}, True)):
        with pytest.raises(OptionError, match=r"gradio\[mcp\]"):
            wants_mcp(environment, asked)
    monkeypatch.setattr(launch, "is_installed", lambda name: True)
    assert wants_mcp({"DABFUSION_MCP": "1"}) and wants_mcp({}, True)


def test_every_switch_is_documented() -> None:
    told = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "dabfusion" / "web").glob("*.py"))
    assert all(name in told for name in set(re.findall(r"DABFUSION_[A-Z]+", source)))


def lend_gpus(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A package ``spaces`` as on ZeroGPU: what goes in and out is pickled. Returns the seconds that it is asked for."""
    asked: list[int] = []

    def borrow(duration: Any) -> Any:
        def decorate(work: Any) -> Any:
            def there(*arguments: Any) -> Any:
                asked.append(duration(*arguments))
                return pickle.loads(pickle.dumps(work(*pickle.loads(pickle.dumps(arguments)))))

            return there

        return decorate

    package = types.ModuleType("spaces")
    package.__spec__ = importlib.machinery.ModuleSpec("spaces", None)
    package.GPU = borrow
    monkeypatch.setitem(sys.modules, "spaces", package)
    return asked


def test_a_borrowed_gpu_makes_the_same_dance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    services = fake_services()
    assert on_zero_gpu(services) is services, "nothing changes where no GPU is lent"
    asked = lend_gpus(monkeypatch)
    stages: dict[str, list[str]] = {"own": [], "lent": [], "long": []}
    song = write_song(tmp_path / "song.wav")
    music, frame = services.songs.encode_file(song), plain_start_frame()
    videos = []
    for name, dancer, length in (("own", services.dancer, 1.0), ("lent", on_zero_gpu(services).dancer, 1.0),
                                 ("long", on_zero_gpu(services).dancer, 4.0)):  # fmt: skip
        extras = Extras(watch=lambda batch: None)  # cannot be pickled, and is left behind
        options = GenerationOptions(seed=5, steps=4, length=length)
        note = stages[name].append
        result = dancer.generate(frame, music, song, tmp_path / f"{name}.mp4", options,
                                 lambda stage, done, total, note=note: note(stage), extras=extras)  # fmt: skip
        videos.append(result.video.read_bytes())
    assert videos[0] == videos[1]
    assert 0 < asked[0] < asked[1] <= 60
    assert stages["lent"] == ["dance", "render"]
    assert gpu_seconds(frame, music, "", "", GenerationOptions(steps=100, length=600.0), extras) == 120


def test_a_checkpoint_hears_with_the_towers_it_was_trained_with(tmp_path: Path) -> None:
    def trained_with(**told: object) -> Path:
        (tmp_path / "config.json").write_text(json.dumps({"files": {}, "flow_diffusion": told}))
        return tmp_path

    encoder = load_music_encoder(trained_with(towers=["beats"], fps=10))
    assert [tower.name for tower in encoder.towers] == ["beats"] and encoder.fps == 10
    assert [tower.name for tower in load_music_encoder(trained_with()).towers] == ["beats", "rhythm"]
    with pytest.raises(CheckpointError, match="Wav2CLIP"):
        load_music_encoder(trained_with(towers=["wav2clip", "beats"]), tmp_path)
    with pytest.raises(CheckpointError, match="'drums'"):
        load_music_encoder(trained_with(towers=["drums"]))
