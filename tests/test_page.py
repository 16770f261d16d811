"""The journey through the page in Chromium: photo, click, song, dance, download, cancel; at desk and phone width."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import fake_services, write_photo, write_song
from needs import missing

from dabfusion.settings import read_settings
from dabfusion.video_reader import probe
from dabfusion.web.interface import Limits, build_page
from dabfusion.web.jobs import JobStore
from dabfusion.web.theme import CSS_PATH, make_theme

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.base", reason="axe-playwright-python is not installed")
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
        missing("there is no Chromium here (Debian package chromium)")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": request.param, "height": 900})
        tab.set_default_timeout(PATIENCE)
        tab.goto(address)
        yield tab
        browser.close()


def saved(page: Any, button: str) -> Path:
    """The file that a download button hands out."""
    with page.expect_download() as download:
        page.click(button)
    return Path(download.value.path())


def findings(page: Any) -> list[str]:
    """Serious findings of axe-core on the page as it is, in light and in dark."""
    found = []
    page.evaluate(axe.AXE_SCRIPT)
    for dark in (False, True):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        page.wait_for_timeout(400)  # colours fade
        for one in page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]:
            if one["impact"] in ("serious", "critical"):
                found += [f"{one['id']}, dark {dark}: {node['html'][:160]}" for node in one["nodes"]]
    return found


def painted(page: Any, across: tuple[float, float], down: float) -> None:
    """One stroke over the picture of the outline, at shares of its width and height."""
    page.locator("#found img").scroll_into_view_if_needed()
    box = page.locator("#found img").bounding_box()
    start, end = ((box["x"] + part * box["width"], box["y"] + down * box["height"]) for part in across)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=6)
    page.mouse.up()


def check_other_visitors(page: Any) -> None:
    """A later visit by the link finds the video again; somebody without it sees nothing of this one."""
    browser, link = page.context.browser, page.url
    later, stranger = (browser.new_context().new_page() for _ in range(2))
    stranger.goto(link.partition("?")[0])
    later.goto(link)
    later.wait_for_selector("#video video")
    stranger.wait_for_selector("#dance-button")
    assert not stranger.is_visible("#video") and not stranger.is_visible("#found")
    assert "job=" not in stranger.url
    for tab in (later, stranger):
        tab.context.close()


def test_the_whole_journey(page: Any, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.wait_for_selector("#photo input[type=file]", state="attached")
    assert findings(page) == []
    page.set_input_files("#photo input[type=file]", str(write_photo(tmp_path / "photo.png")))
    page.wait_for_selector("#found img")
    assert "feet are guessed" in page.inner_text("#photo-hints")
    before = page.get_attribute("#start-frame img", "src")
    box = page.locator("#found img").bounding_box()
    page.locator("#found img").click(position={"x": box["width"] * 0.55, "y": box["height"] * 0.5})
    page.wait_for_function("old => document.querySelector('#start-frame img').src !== old", arg=before)
    before = page.get_attribute("#found img", "src")
    page.check("#paint input")
    page.wait_for_selector("#brush-size")
    painted(page, (0.45, 0.6), 0.3)
    page.wait_for_function("old => document.querySelector('#found img').src !== old", arg=before)
    page.uncheck("#paint input")

    page.set_input_files("#song input[type=file]", str(write_song(tmp_path / "song.wav", 20)))
    page.wait_for_selector("#song-picture svg")
    assert "120 beats a minute" in page.inner_text("#song-picture")
    assert "Sounds like house" in page.inner_text("#song-picture")
    page.wait_for_function("document.querySelector('#style input').value === 'Auto (house)'")
    page.locator("#length input[type=number]").fill("2")
    page.keyboard.press("Tab")
    page.wait_for_function("document.querySelector('#song-picture').innerText.includes('0:00 to 0:02')")

    page.click("#dance-button")
    page.wait_for_function("document.querySelector('#progress').innerText.includes('tick the box')")
    page.check("#consent input")
    page.click("#dance-button")
    page.wait_for_selector("#progress [role=progressbar]")
    page.wait_for_function("document.querySelector('#progress').innerText.includes(' s left')")
    page.wait_for_selector("#preview img")
    assert not page.is_visible("#video video")
    page.wait_for_selector("#video video")
    assert "beats have a dot" in page.inner_text("#report")
    assert "job=" in page.url
    file = saved(page, "#download")
    video, settings = probe(file), read_settings(file)
    assert video.frame_count == 60 and abs((video.audio_duration or 0) - 2) < 0.05
    assert (video.width, video.height, settings.options.size) == (512, 512, 512)
    assert settings.options.style == "house" and len(settings.points) == len(settings.strokes) == 1
    tall = probe(saved(page, "#download-other"))
    assert (tall.width * 16, tall.frame_count) == (tall.height * 9, 60)
    assert findings(page) == []
    if page.viewport_size["width"] == 1280:
        check_other_visitors(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    page.locator("#length input[type=number]").fill("15")
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    page.click("#dance-button")
    page.wait_for_selector("#progress [role=progressbar]")
    page.click("#cancel-button")
    page.wait_for_function("document.querySelector('#progress').innerText.includes('Stopped')")
    assert page.is_enabled("#dance-button")
    page.set_input_files("input[type=file][accept*='video']", str(shutil.copy(file, tmp_path / "film.mp4")))
    page.wait_for_function("document.querySelector('#song-picture').innerText.includes('0:02 long')")
    assert errors == []


def tab_to(page: Any, selector: str) -> None:
    """Presses Tab until the element, or something inside it, has the focus."""
    for _ in range(150):
        if page.evaluate("s => !!document.activeElement && !!document.activeElement.closest(s)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def type_over(page: Any, text: str) -> None:
    """Replaces what the focused field holds, and looks at it, as people do: a page that is still being built up may put
    the old value back between two keys.
    """
    for _ in range(3):
        page.keyboard.press("Control+A")
        page.keyboard.type(text)
        page.wait_for_timeout(300)
        if page.evaluate("document.activeElement.value") == text:
            return
    raise AssertionError(f"{text} cannot be typed into the field")


def choose_file(page: Any, selector: str, file: Path) -> None:
    """Opens an upload button with the keyboard and picks a file. The page must have a listener for dialogs already:
    one that is added together with the key comes too late now and then.
    """
    tab_to(page, selector)
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(str(file))


@pytest.mark.parametrize("page", [1280], indirect=True)
def test_with_the_keyboard_alone(page: Any, tmp_path: Path) -> None:
    page.on("filechooser", lambda _: None)
    page.wait_for_selector("#dance-button")
    page.wait_for_timeout(1500)  # until everything listens
    choose_file(page, "#photo button.upload-container", write_photo(tmp_path / "photo.png"))
    page.wait_for_selector("#found img")
    before = page.get_attribute("#found img", "src")
    tab_to(page, "#by-keyboard")
    page.keyboard.press("Enter")
    tab_to(page, "#point-x")
    type_over(page, "55")
    tab_to(page, "#point-in")
    page.keyboard.press("Enter")
    page.wait_for_function("old => document.querySelector('#found img').src !== old", arg=before)

    choose_file(page, "#song button.upload-container", write_song(tmp_path / "song.wav", 8))
    page.wait_for_selector("#song-picture svg")
    tab_to(page, "#length input[type=number]")
    page.keyboard.press("Control+A")
    page.keyboard.type("1")
    tab_to(page, "#size input[value='256']")
    page.keyboard.press("Space")
    tab_to(page, "#consent")
    page.wait_for_function("document.querySelector('#song-picture').innerText.includes('0:00 to 0:01')")
    page.keyboard.press("Space")
    tab_to(page, "#dance-button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#video video")
    tab_to(page, "#download")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    made = Path(download.value.path())
    settings = read_settings(made)
    assert settings.options.size == probe(made).width == 256
    assert settings.options.length == 1 and [inside for _, _, inside in settings.points] == [True]

    own = tmp_path / "dance.mp4"
    own.write_bytes(made.read_bytes())
    page.click("#more button.label-wrap")
    page.set_input_files("input[type=file][accept*='.json']", str(own))
    page.wait_for_function("document.querySelector('#progress')?.innerText.includes('settings of that dance')")
    assert page.input_value("#seed input") == str(settings.options.seed) and not page.is_checked("#randomise input")
    page.click("#dance-button")
    page.wait_for_selector("#progress [role=progressbar]")
    page.wait_for_selector("#video video")
    again = saved(page, "#download")
    assert again.read_bytes() == made.read_bytes()
    page.click("text=Settings of this video")
    assert json.loads(saved(page, "#download-settings").read_text()) == settings.as_dict()
