"""Jobs: one at a time, cancel is heard, deadlines hold, folders go away, results can be fetched until they expire."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from dabfusion.config import GenerationOptions
from dabfusion.errors import Cancelled
from dabfusion.pipeline import STAGE_BODY, STAGE_DANCE, STAGE_RENDER
from dabfusion.web.dance_step import STAGES
from dabfusion.web.errors import sentence
from dabfusion.web.jobs import Busy, Job, JobStore, TooSlow
from dabfusion.web.pace import FINE_WORK, USUAL, Pace, plan_units, seconds_left


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


def test_a_job_that_waits_is_counted_and_its_cancel_is_at_once(store: JobStore[str]) -> None:
    first, second = store.start(stops), store.start(lambda job: "never")
    assert (store.ahead(first), store.ahead(second)) == (0, 1)
    store.cancel(second.id)
    assert not second.running and not second.folder.exists() and first.running
    with pytest.raises(CancelledError) as ended:
        outcome(second)
    assert sentence(ended.value).startswith("Stopped")
    third = store.start(lambda job: "done")
    assert store.ahead(third) == 1
    store.cancel(first.id)
    assert outcome(third) == "done"


def test_time_left_is_that_of_all_stages() -> None:
    pace, plan = Pace(), {"body": 1.0, "dance": 100.0, "render": 200.0}
    whole = sum(USUAL[name] * units for name, units in plan.items())
    assert seconds_left(pace, plan, "waiting", 0, 0) == pytest.approx(whole)
    assert seconds_left(pace, plan, "render", 0, 0) == pytest.approx(USUAL["render"] * 200)
    own = seconds_left(pace, plan, "dance", 0.5, 10)  # its own pace counts
    assert own == pytest.approx(USUAL["render"] * 200 + 10)
    assert seconds_left(pace, plan, "render", 0.9, 90) == pytest.approx(10)
    assert seconds_left(pace, plan, "render", 1, 100) == pytest.approx(0)
    assert seconds_left(pace, {}, "render", 0.5, 1) == 0


def test_the_pace_is_learnt_from_finished_jobs(store: JobStore[str]) -> None:
    def work(job: Job[str]) -> str:
        job.progress("render", 0, 4)
        time.sleep(0.4)
        return "done"

    plan = {"render": 4.0}
    first = store.start(work, plan)
    outcome(first)
    second = store.start(stops, plan)
    assert second.seconds_left == pytest.approx((4 * USUAL["render"] + 0.4) / 2, abs=0.05)
    assert second.share < 0.5
    store.cancel(second.id)


def test_the_stages_are_those_of_the_pipeline() -> None:
    assert tuple(USUAL) == tuple(STAGES) == (STAGE_BODY, STAGE_DANCE, STAGE_RENDER)
    assert plan_units(GenerationOptions(steps=10), 4) == {"body": 1, "dance": 40, "render": 120}
    assert plan_units(GenerationOptions(steps=10, size=512), 4)["render"] == pytest.approx(FINE_WORK * 120)
