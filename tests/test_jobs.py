"""Jobs: one at a time, cancel is heard, deadlines hold, folders go away, results can be fetched until they expire."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from dabfusion.errors import Cancelled
from dabfusion.web.jobs import Busy, Job, JobStore, TooSlow


@pytest.fixture
def store() -> Iterator[JobStore[str]]:
    store: JobStore[str] = JobStore(keep=60, deadline=30, max_waiting=2)
    yield store
    store.close()


def stops(job: Job[str]) -> str:
    """Works until told to stop."""
    while not job.should_stop():
        time.sleep(0.01)
    raise Cancelled


def outcome(job: Job[str]) -> str:
    assert job.future is not None
    return job.future.result(timeout=10)


def test_a_result_is_kept_under_its_id(store: JobStore[str]) -> None:
    job = store.start(lambda job: str((job.folder / "a").write_text("x")))
    assert outcome(job) == "1" and job.folder.is_dir() and not job.running
    assert store.find(f" {job.id} ") is job and store.find("unknown") is None and len(job.id) >= 16


def test_cancel_ends_the_work_and_deletes_the_folder(store: JobStore[str]) -> None:
    job = store.start(stops)
    store.cancel(job.id)
    with pytest.raises(Cancelled):
        outcome(job)
    assert not job.folder.exists()


def test_a_job_cancelled_while_it_waits_never_works(store: JobStore[str]) -> None:
    worked = threading.Event()
    first, second = store.start(stops), store.start(lambda job: str(worked.set()))
    store.cancel(second.id)
    store.cancel(first.id)
    with pytest.raises(Cancelled):
        outcome(second)
    assert not worked.is_set()


def test_failure_deletes_the_folder(store: JobStore[str]) -> None:
    job = store.start(lambda job: str(1 // 0))
    with pytest.raises(ZeroDivisionError):
        outcome(job)
    assert not job.folder.exists()


def test_the_deadline_holds() -> None:
    store: JobStore[str] = JobStore(deadline=0.05)
    job = store.start(stops)
    with pytest.raises(TooSlow, match="shorter length"):
        outcome(job)
    assert not job.folder.exists()
    store.close()


def test_too_many_are_told(store: JobStore[str]) -> None:
    jobs = [store.start(stops), store.start(stops)]
    with pytest.raises(Busy, match="try again"):
        store.start(stops)
    for job in jobs:
        store.cancel(job.id)


def test_expired_results_are_deleted() -> None:
    store: JobStore[str] = JobStore(keep=0.0)
    job = store.start(lambda job: "done")
    outcome(job)
    time.sleep(0.05)
    assert store.find(job.id) is None and not job.folder.exists()
    store.close()


def test_closing_leaves_nothing(store: JobStore[str]) -> None:
    done, running = store.start(lambda job: "done"), store.start(stops)
    outcome(done)
    store.close()
    assert not done.folder.exists() and not running.folder.exists()


def test_time_left_follows_the_pace(store: JobStore[str]) -> None:
    job = store.start(lambda job: "done")
    outcome(job)
    job.progress("render", 0, 100)
    assert job.seconds_left is None
    job.stage_begun -= 10
    job.progress("render", 50, 100)
    assert job.seconds_left == pytest.approx(10, abs=0.5)
