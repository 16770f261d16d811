"""A checkpoint comes back as it was saved, or says by name what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from dabfusion.checkpoint import file_sha256, open_checkpoint, save_checkpoint
from dabfusion.errors import CheckpointError


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


@pytest.fixture
def folder(tmp_path: Path, model: nn.Module) -> Path:
    save_checkpoint(tmp_path / "model", {"fps": 15, "licence": "AGPL-3.0"}, {"net": model.state_dict()})
    return tmp_path / "model"


def test_weights_return_to_half_precision(folder: Path, model: nn.Module) -> None:
    fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    checkpoint = open_checkpoint(folder)
    checkpoint.load_into(fresh, "net")
    assert checkpoint.config["fps"] == 15 and checkpoint.parts == ("net",)
    for key, value in model.state_dict().items():
        assert fresh.state_dict()[key].dtype == value.dtype  # float32 and the integer counter
        assert torch.equal(fresh.state_dict()[key], value.half().float() if value.is_floating_point() else value)


def test_stored_as_half_and_listed_with_its_sum(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config["files"] == {"net.safetensors": file_sha256(folder / "net.safetensors")}
    assert (folder / "net.safetensors").read_bytes().count(b'"F16"') >= 2
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "net.safetensors"]


def test_values_too_large_for_half_stay_finite(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {}, {"big": {"w": torch.tensor([1e6])}})
    assert open_checkpoint(tmp_path).tensors("big")["w"].item() == 1e6


def test_a_changed_file_is_refused(folder: Path) -> None:
    path = folder / "net.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match=r"net\.safetensors has changed"):
        open_checkpoint(folder).verify()
    with pytest.raises(CheckpointError, match="SHA-256"):
        open_checkpoint(folder).tensors("net")


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "net.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"lacks net\.safetensors"):
        open_checkpoint(folder).verify()


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)), r"lacks 2\.bias, 2\.weight"),
        (nn.Sequential(nn.Linear(3, 4)), r"unknown 1\.bias, 1\.num_batches_tracked, 1\.running_mean and 2 more"),
        (nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4)), r"other shapes for 0\.weight"),
    ],
)
def test_keys_that_do_not_fit_are_named(folder: Path, other: nn.Module, told: str) -> None:
    with pytest.raises(CheckpointError, match=told):
        open_checkpoint(folder).load_into(other, "net")


def test_an_unknown_part_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="no part 'other', only net"):
        open_checkpoint(folder).tensors("other")


@pytest.mark.parametrize(
    "text", [None, "{", "[]", "{}", '{"files": {"../x.safetensors": "0"}}', '{"files": {"a.pt": "0"}}']
)
def test_broken_configs_are_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointError):
        open_checkpoint(tmp_path)


def test_something_else_with_the_right_sum_is_refused(folder: Path) -> None:
    path = folder / "net.safetensors"
    path.write_bytes(b"not a tensor file")
    config = json.loads((folder / "config.json").read_text())
    config["files"][path.name] = file_sha256(path)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        open_checkpoint(folder).tensors("net")
