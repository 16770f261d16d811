"""Walks the page in Chromium as a visitor would, with pictures of every state and the time of every wait.

Start the page (``python app.py``), then, while nothing else runs:

    python -m examples.journey --address http://127.0.0.1:7860 --out output/journey --width 375 --scheme dark

Upload, a person, a correction of the outline, a song and a section, a dance that is cancelled, a dance that is
finished and downloaded. ``journey.json`` holds the seconds as the visitor sees them, and the load of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
FLAGS = ("--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking")
PATIENCE = 600_000  #: milliseconds


class Walk:
    """One visit: what was waited for, how long, and a picture after each step."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._page, self._folder = page, folder
        self.seconds: dict[str, float] = {}
        self._begun = 0.0

    def click(self, selector: str) -> None:
        """Clicks, and starts the clock."""
        self._begun = time.perf_counter()
        self._page.click(selector)

    def begin(self) -> None:
        """Starts the clock."""
        self._begun = time.perf_counter()

    def until(self, name: str, script: str, argument: Any = None) -> None:
        """Waits until a JavaScript expression is true; notes the seconds since the clock was started."""
        self._page.wait_for_function(script, arg=argument, polling=25)
        self.seconds[name] = round(time.perf_counter() - self._begun, 2)

    def picture(self, name: str) -> None:
        """A picture of the whole page as it is now."""
        self._page.wait_for_timeout(400)
        self._page.screenshot(path=self._folder / f"{name}.png", full_page=True)


def _photo(walk: Walk, page: Page, photo: Path) -> None:
    walk.begin()
    page.set_input_files("#photo input[type=file]", str(photo))
    walk.until("photo found", "!!document.querySelector('#found img')")
    walk.picture("2-photo")
    if page.is_visible("#person"):
        page.locator("#person input").nth(1).check()
        page.wait_for_timeout(3000)
    picture = page.locator("#found img")
    old = picture.get_attribute("src")
    box = picture.bounding_box() or {"width": 100.0, "height": 100.0}
    walk.begin()
    picture.click(position={"x": box["width"] * 0.5, "y": box["height"] * 0.45})
    walk.until("outline corrected", "old => document.querySelector('#found img').src !== old", old)
    walk.picture("3-corrected")


def _song(walk: Walk, page: Page, song: Path, length: float) -> None:
    walk.begin()
    page.set_input_files("#song input[type=file]", str(song))
    walk.until("song heard", "!!document.querySelector('#song-picture svg')")
    page.locator("#start input[type=number]").fill("4")
    page.locator("#length input[type=number]").fill(f"{length:g}")
    page.keyboard.press("Tab")
    page.wait_for_function("document.querySelector('#song-picture').innerText.includes('0:04 to')")
    walk.picture("4-song")


def _cancelled(walk: Walk, page: Page) -> None:
    page.check("#consent input")
    walk.click("#dance-button")
    walk.until("first progress", "!!document.querySelector('#progress [role=progressbar]')")
    page.wait_for_timeout(1500)
    walk.picture("5-running")
    walk.click("#cancel-button")
    walk.until("cancelled", "document.querySelector('#progress').innerText.includes('Stopped')")
    walk.picture("6-cancelled")


def _finished(walk: Walk, page: Page) -> Path:
    walk.click("#dance-button")
    walk.until("first progress again", "!!document.querySelector('#progress [role=progressbar]')")
    walk.until("first preview", "!!document.querySelector('#preview img')")
    walk.picture("7-preview")
    walk.until("finished", "!!document.querySelector('#video video')")
    page.wait_for_timeout(1000)
    walk.picture("8-result")
    with page.expect_download() as download:
        page.click("#download")
    return Path(download.value.path())


def walk_page(address: str, folder: Path, photo: Path, song: Path, length: float, width: int, scheme: str) -> Walk:
    """The whole journey.

    Args:
        address: where the page is served.
        folder: for the pictures and the video.
        photo, song: what the visitor brings.
        length: seconds of dance.
        width: of the window, pixels.
        scheme: "light" or "dark".

    Returns:
        The walk, with the seconds of each wait.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(PATIENCE)
        walk = Walk(page, folder)
        walk.begin()
        page.goto(f"{address}?__theme={scheme}")
        walk.until("page opened", "!!document.querySelector('#photo input[type=file]')")
        page.wait_for_timeout(1500)
        walk.picture("1-empty")
        _photo(walk, page, photo)
        _song(walk, page, song, length)
        _cancelled(walk, page)
        shutil.copyfile(_finished(walk, page), folder / "dance.mp4")
        browser.close()
    return walk


def main(argv: Sequence[str] | None = None) -> None:
    """Walks the page once and writes ``journey.json``."""
    parser = argparse.ArgumentParser(prog="python -m examples.journey", description="Walks the page in Chromium.")
    parser.add_argument("--address", default="http://127.0.0.1:7860", help="where the page is served")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures and the times")
    parser.add_argument("--photo", type=Path, default=HERE / "marco.jpg")
    parser.add_argument("--song", type=Path, default=HERE / "house.mp3")
    parser.add_argument("--length", type=float, default=8.0, help="seconds of dance")
    parser.add_argument("--width", type=int, default=1280, help="of the window, pixels")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    chosen = parser.parse_args(argv)
    before = os.getloadavg()[0]
    walk = walk_page(chosen.address, chosen.out, chosen.photo, chosen.song, chosen.length, chosen.width, chosen.scheme)
    told = {"length": chosen.length, "load before": before, "load after": os.getloadavg()[0], "seconds": walk.seconds}
    (chosen.out / "journey.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
