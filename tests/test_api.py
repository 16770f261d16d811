"""The named endpoints over real HTTP with gradio_client, the photo stage and the model being fakes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import fake_services, write_photo, write_song
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from dabfusion.errors import Cancelled
from dabfusion.video_reader import probe
from dabfusion.web.interface import Limits, build_page
from dabfusion.web.jobs import JobStore


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    store: JobStore = JobStore()
    page = build_page(fake_services(), store, Limits())
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, share=False, ssr_mode=False)
    yield Client(address, verbose=False)
    page.close()
    store.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict]:
    folder = tmp_path_factory.mktemp("inputs")
    return handle_file(write_photo(folder / "photo.png")), handle_file(write_song(folder / "song.wav"))


def test_generate_returns_video_and_report(client: Client, files: tuple[dict, dict]) -> None:
    photo, song = files
    video, report = client.predict(
        photo=photo, song=song, start=1, length=2, seed=3, steps=5, style="house", background="dark-stage", person=2,
        shape="portrait", api_name="/generate",
    )  # fmt: skip
    assert (report["frame_count"], report["fps"], report["person"]) == (60, 30, 2)
    assert report["options"]["seed"] == 3 and report["options"]["style"] == "house"
    assert report["tempo"] == pytest.approx(120, abs=3)
    assert report["background"] == "dark-stage" and report["options"]["shape"] == "portrait"
    made = probe(video)
    assert made.frame_count == 60 and (made.width, made.height) == (720, 1280)


def test_the_size_can_be_chosen(client: Client, files: tuple[dict, dict]) -> None:
    video, report = client.predict(photo=files[0], song=files[1], length=1, size=256, api_name="/generate")
    assert report["options"]["size"] == 256 and (probe(video).width, probe(video).height) == (256, 256)


def test_preview_needs_no_song(client: Client, files: tuple[dict, dict]) -> None:
    overlay, frame, found = client.predict(photo=files[0], background="#204060", api_name="/preview")
    assert Path(overlay).stat().st_size and Path(frame).stat().st_size
    assert found["person"] == 1 and [p["kind"] for p in found["people"]] == ["person", "person"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"style": "waltz"}, "no style"),
        ({"size": 300}, "no size 300"),
        ({"background": "/etc/passwd"}, "no background"),
        ({"person": 9}, "no person number 9"),
        ({"start": 99}, "start earlier"),
        ({"length": 200}, "at most 120 s"),
        ({"photo": None}, "add a photo"),
        ({"song": None}, "add a song"),
    ],
)
def test_bad_input_is_a_sentence(client: Client, files: tuple[dict, dict], change: dict, told: str) -> None:
    arguments = {"photo": files[0], "song": files[1], "length": 1, **change}
    with pytest.raises(AppError, match=told):
        client.predict(**arguments, api_name="/generate")


def test_a_file_that_is_no_photo_is_a_sentence(client: Client, files: tuple[dict, dict], tmp_path: Path) -> None:
    wrong = tmp_path / "me.png"
    wrong.write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    with pytest.raises(AppError, match="SVG"):
        client.predict(photo=handle_file(wrong), api_name="/preview")


def test_a_server_path_is_not_read(client: Client, files: tuple[dict, dict]) -> None:
    foreign = {"path": __file__, "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(AppError):
        client.predict(photo=foreign, api_name="/preview")


def test_only_the_stable_names_are_public(client: Client) -> None:
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {"/generate", "/preview"}


def test_a_cancelled_call_stops_the_work(files: tuple[dict, dict]) -> None:
    store: JobStore = JobStore()
    page = build_page(fake_services(pause=0.3), store, Limits())
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, share=False, ssr_mode=False)
    try:
        call = Client(address, verbose=False).submit(photo=files[0], song=files[1], length=5, api_name="/generate")
        while not call.outputs():
            time.sleep(0.05)
        job = next(iter(store._jobs.values()))
        call.cancel()
        assert job.future is not None
        with pytest.raises(Cancelled):
            job.future.result(timeout=60)
        assert job.cancelled.is_set() and not job.folder.exists()
    finally:
        page.close()
        store.close()
