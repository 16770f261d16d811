"""The journey through the page in Chromium: photo, click, song, dance, download, cancel; at desk and phone width."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import fake_services, write_photo, write_song

from dabfusion.video_reader import probe
from dabfusion.web.interface import Limits, build_page
from dabfusion.web.jobs import JobStore
from dabfusion.web.theme import CSS_PATH, make_theme

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    store: JobStore = JobStore()
    page = build_page(fake_services(pause=0.2), store, Limits())
    _, address, _ = page.launch(
        prevent_thread_lock=True, quiet=True, share=False, ssr_mode=False, theme=make_theme(), css_paths=CSS_PATH
    )
    yield address
    page.close()
    store.close()


@pytest.fixture(params=[1280, 375])
def page(request: pytest.FixtureRequest, address: str) -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (Debian package chromium)")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": request.param, "height": 900})
        tab.set_default_timeout(PATIENCE)
        tab.goto(address)
        yield tab
        browser.close()


def test_the_whole_journey(page: Any, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_input_files("#photo input[type=file]", str(write_photo(tmp_path / "photo.png")))
    page.wait_for_selector("#found img")
    assert "feet are guessed" in page.inner_text("#photo-hints")
    before = page.get_attribute("#start-frame img", "src")
    box = page.locator("#found img").bounding_box()
    page.locator("#found img").click(position={"x": box["width"] * 0.55, "y": box["height"] * 0.5})
    page.wait_for_function("old => document.querySelector('#start-frame img').src !== old", arg=before)

    page.set_input_files("#song input[type=file]", str(write_song(tmp_path / "song.wav", 20)))
    page.wait_for_selector("#song-picture svg")
    assert "120 beats a minute" in page.inner_text("#song-picture")
    page.locator("#length input[type=number]").fill("2")
    page.keyboard.press("Tab")
    page.wait_for_function("document.querySelector('#song-picture').innerText.includes('0:00 to 0:02')")

    page.click("#dance-button")
    page.wait_for_function("document.querySelector('#progress').innerText.includes('tick the box')")
    page.check("#consent input")
    page.click("#dance-button")
    page.wait_for_selector("#progress [role=progressbar]")
    page.wait_for_selector("#video video")
    assert "beats have a dot" in page.inner_text("#report")
    assert "job=" in page.url
    with page.expect_download() as download:
        page.click("#download")
    video = probe(download.value.path())
    assert video.frame_count == 60 and abs((video.audio_duration or 0) - 2) < 0.05
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    page.locator("#length input[type=number]").fill("15")
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    page.click("#dance-button")
    page.wait_for_selector("#progress [role=progressbar]")
    page.click("#cancel-button")
    page.wait_for_function("document.querySelector('#progress').innerText.includes('Stopped')")
    assert page.is_enabled("#dance-button")
    assert errors == []
