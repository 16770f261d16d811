"""The directions in which parts may import one another, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BOXES = ("flow_autoencoder", "music_encoder", "flow_diffusion")
OFFLINE = ("dabfusion.training", "dabfusion.studio", "dabfusion.evaluation")
LEARNED = ("torch", "torchvision", "ultralytics", "segment_anything", "diffusers", "transformers", "librosa")
#: What ``dabfusion`` may know of the photo stage; inside ``flow_*`` and ``music_encoder`` only the dataclass.
MODULES = sorted(p for part in ("dabfusion", "preprocess") for p in (ROOT / part).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, top_level_only: bool = False) -> Iterator[str]:
    """Absolute names of what a file imports; what stands under TYPE_CHECKING is left out."""
    package = path.relative_to(ROOT).parent.parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        child
        for node in ast.walk(tree)
        if (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        or (top_level_only and isinstance(node, ast.FunctionDef))
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            origin = ".".join(filter(None, (base, node.module)))
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def starts_with(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def violations(path: Path) -> list[str]:
    """What a file imports although it may not."""
    name = module_name(path)
    used, at_start = set(imports_of(path)), set(imports_of(path, top_level_only=True))
    wrong: set[str] = set()
    if name.startswith("preprocess"):
        wrong |= {u for u in used if starts_with(u, "dabfusion")}
    for box in BOXES:
        if name.startswith(f"dabfusion.{box}"):
            others = [f"dabfusion.{other}" for other in BOXES if other != box]
            wrong |= {u for u in used if starts_with(u, *others, "dabfusion.pipeline", "dabfusion.web")}
            wrong |= {u for u in used if starts_with(u, "preprocess") and not starts_with(u, "preprocess.start_frame")}
    if not starts_with(name, *OFFLINE):
        wrong |= {u for u in at_start if starts_with(u, *OFFLINE)}
        if name != "dabfusion.__main__":
            wrong |= {u for u in used if starts_with(u, *OFFLINE)}
    if name.startswith("dabfusion.web"):
        wrong |= {u for u in used if starts_with(u, *LEARNED, "dabfusion.flow_autoencoder", "dabfusion.flow_diffusion")}
    return sorted(wrong)


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_go_one_way(path: Path) -> None:
    assert violations(path) == []


def test_the_rules_catch_a_wrong_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    for name, line in {
        "preprocess/a.py": "from dabfusion.config import STYLES",
        "dabfusion/flow_diffusion/b.py": "from ..flow_autoencoder import codec",
        "dabfusion/pipeline.py": "def f():\n    from .training import losses",
        "dabfusion/web/d.py": "import torch",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(line)
        assert violations(path), name
