"""Serves the page, locally or on a host such as Hugging Face Spaces."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from ..config import EXAMPLES
from ..errors import OptionError
from ..examples import Example, load_examples
from .interface import Limits, build_page
from .jobs import JobStore
from .theme import CSS_PATH, make_theme
from .uploads import MAX_UPLOAD_MB

if TYPE_CHECKING:
    from ..pipeline import GenerationResult
    from ..services import Services

LOCAL = "127.0.0.1"
#: Words of Gradio's own upload field that are plainer on this page.
WORDS = gr.I18n(
    en={"upload_text.drop_audio": "Add a song", "upload_text.click_to_upload": "Drop it here, or press to choose one"}
)


def limits_from(environment: Mapping[str, str]) -> Limits:
    """Limits, with what the host set in DABFUSION_LONGEST (seconds), DABFUSION_KEEP (seconds), DABFUSION_CONTACT."""
    usual = Limits()
    return Limits(
        longest=float(environment.get("DABFUSION_LONGEST", usual.longest)),
        keep=float(environment.get("DABFUSION_KEEP", usual.keep)),
        contact=environment.get("DABFUSION_CONTACT", usual.contact),
    )


def copy_examples(examples: tuple[Example, ...], folder: Path) -> tuple[Example, ...]:
    """The examples as files in a temporary folder, from where the page may hand them out wherever it is started."""

    def copied(path: Path | None) -> Path | None:
        return None if path is None else Path(shutil.copy(path, folder / path.name))

    return tuple(
        replace(one, photo=copied(one.photo) or one.photo, song=copied(one.song) or one.song, video=copied(one.video))
        for one in examples
    )


def is_installed(package: str) -> bool:
    """Whether a package can be imported."""
    return importlib.util.find_spec(package) is not None


def wants_mcp(environment: Mapping[str, str], asked: bool = False) -> bool:
    """Whether the page is to offer its endpoints as MCP tools: ``asked``, or DABFUSION_MCP is 1.

    Raises:
        OptionError: it is wanted, but the package for it is not installed.
    """
    if not asked and environment.get("DABFUSION_MCP", "").strip().lower() not in ("1", "true", "yes", "on"):
        return False
    if not is_installed("mcp"):
        raise OptionError("The MCP mode needs one more package; install it with: pip install 'gradio[mcp]'.")
    return True


def serve(services: Services, host: str | None = None, port: int | None = None, mcp: bool = False) -> None:
    """Serves the page until Ctrl-C or SIGTERM; every temporary file is gone afterwards.

    Args:
        services: what makes the videos.
        host: address to listen on; None: GRADIO_SERVER_NAME, else 127.0.0.1 (only this computer).
        port: None: the first free one from 7860.
        mcp: offer the named endpoints as MCP tools too.
    """
    limits = limits_from(os.environ)
    store: JobStore[GenerationResult] = JobStore(limits.keep, limits.deadline, limits.max_waiting)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped container cleans up like Ctrl-C
    with tempfile.TemporaryDirectory(prefix="examples-") as folder:
        page = build_page(services, store, limits, copy_examples(load_examples(EXAMPLES), Path(folder)))
        try:
            page.launch(
                theme=make_theme(), css_paths=CSS_PATH, server_name=host or os.environ.get("GRADIO_SERVER_NAME", LOCAL),
                server_port=port, share=False, strict_cors=True, show_error=False, allowed_paths=[],
                max_file_size=f"{MAX_UPLOAD_MB}mb", state_session_capacity=limits.sessions, footer_links=["api"],
                prevent_thread_lock=True, ssr_mode=False, mcp_server=mcp, i18n=WORDS,
            )  # fmt: skip
            page.block_thread()
        finally:
            store.close()
