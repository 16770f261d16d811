"""Jobs of the page: one worker, a deadline, a cancel that is heard, a private id that fetches the result later.

A job outlives the tab that started it: the work runs in the store's own thread, and the page only watches it. Every job
has a temporary folder; it is deleted when the job fails or is cancelled, and otherwise when its result expires.
"""

from __future__ import annotations

import contextvars
import logging
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from ..errors import Cancelled, UserError
from .pace import Pace, seconds_left
from .preview import Preview

log = logging.getLogger(__name__)
Result = TypeVar("Result")


class TooSlow(UserError):
    """The job ran past its deadline."""


class Busy(UserError):
    """Too many jobs wait already."""


@dataclass
class Job(Generic[Result]):
    """One piece of work and how far it is. The page's thread reads it while the worker's thread writes."""

    id: str
    folder: Path
    deadline: float  #: seconds of work
    stage: str = "waiting"
    done: int = 0
    total: int = 0
    begun: float | None = None  #: monotonic time at which work began
    stage_begun: float = 0.0
    finished: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    future: Future[Result] | None = None
    preview: Preview | None = None  #: the dance so far
    plan: Mapping[str, float] = field(default_factory=dict)  #: units of each stage, in order
    pace: Pace = field(default_factory=Pace)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Notes how far the work is; called by the worker."""
        if stage != self.stage:
            self.end_stage()
        self.stage, self.done, self.total = stage, done, total

    def end_stage(self) -> None:
        """Teaches the pace how long the stage took that ends now."""
        now = time.monotonic()
        self.pace.learn(self.stage, self.plan.get(self.stage, 0.0), now - self.stage_begun)
        self.stage_begun = now

    def should_stop(self) -> bool:
        """Whether the work must end: cancelled, or past its deadline.

        Raises:
            TooSlow: the deadline has passed.
        """
        if self.begun is not None and time.monotonic() - self.begun > self.deadline:
            raise TooSlow(f"This took longer than {self.deadline / 60:.0f} minutes; choose a shorter length.")
        return self.cancelled.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Time left until everything is done; None where nothing was planned."""
        if not self.plan:
            return None
        share = min(self.done / self.total, 1.0) if self.total else 0.0
        return seconds_left(self.pace, self.plan, self.stage, share, time.monotonic() - self.stage_begun)

    @property
    def share(self) -> float:
        """How much of the whole time is over, 0 to 1."""
        left = self.seconds_left
        if self.begun is None or left is None:
            return 0.0
        spent = time.monotonic() - self.begun
        return spent / max(spent + left, 1e-6)

    @property
    def running(self) -> bool:
        """Whether there is still something to wait for."""
        return self.future is None or not self.future.done()


class JobStore(Generic[Result]):
    """Runs jobs one after the other and keeps finished ones until they expire.

    Args:
        keep: seconds that a result stays fetchable.
        deadline: seconds of work that one job may take.
        max_waiting: jobs that may wait or run at once.
    """

    def __init__(self, keep: float = 3600.0, deadline: float = 1800.0, max_waiting: int = 8) -> None:
        self._keep, self._deadline, self._max_waiting = keep, deadline, max_waiting
        self._jobs: dict[str, Job[Result]] = {}
        self._pace = Pace()
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dance")

    def start(self, work: Callable[[Job[Result]], Result], plan: Mapping[str, float] | None = None) -> Job[Result]:
        """Queues ``work(job)`` and returns its job at once.

        Args:
            work: what to do.
            plan: units of each stage, from which the time left is told.

        Raises:
            Busy: too many jobs wait already.
        """
        self.sweep()
        with self._lock:
            if sum(job.running for job in self._jobs.values()) >= self._max_waiting:
                raise Busy("Many people are dancing right now; please try again in a few minutes.")
            folder = Path(tempfile.mkdtemp(prefix="dance-"))
            job: Job[Result] = Job(secrets.token_urlsafe(12), folder, self._deadline, plan=plan or {}, pace=self._pace)
            self._jobs[job.id] = job
            context = contextvars.copy_context()
            job.future = self._worker.submit(context.run, self._run, job, work)
        return job

    def find(self, job_id: str) -> Job[Result] | None:
        """The job of that id, unless it is unknown or has expired."""
        self.sweep()
        with self._lock:
            return self._jobs.get(job_id.strip())

    def ahead(self, job: Job[Result]) -> int:
        """How many unfinished jobs came before this one."""
        with self._lock:
            ids = list(self._jobs)
            before = ids[: ids.index(job.id)] if job.id in self._jobs else []
            return sum(self._jobs[one].running for one in before)

    def cancel(self, job_id: str) -> None:
        """Asks a job to stop; one that still waits ends at once. Unknown ids are passed over."""
        job = self.find(job_id)
        if job is None:
            return
        job.cancelled.set()
        if job.future is not None and job.future.cancel():
            job.finished = time.monotonic()
            shutil.rmtree(job.folder, ignore_errors=True)

    def sweep(self) -> None:
        """Forgets and deletes jobs whose results have expired."""
        now = time.monotonic()
        with self._lock:
            expired = [j for j in self._jobs.values() if j.finished is not None and now - j.finished > self._keep]
            for job in expired:
                del self._jobs[job.id]
        for job in expired:
            shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Cancels everything and deletes every folder."""
        with self._lock:
            jobs = list(self._jobs.values())
            self._jobs.clear()
        for job in jobs:
            job.cancelled.set()
        self._worker.shutdown(wait=True, cancel_futures=True)
        for job in jobs:
            shutil.rmtree(job.folder, ignore_errors=True)

    def _run(self, job: Job[Result], work: Callable[[Job[Result]], Result]) -> Result:
        """The worker's side: logs ids and times only, and leaves no folder behind when the work fails."""
        job.begun = job.stage_begun = time.monotonic()
        try:
            if job.cancelled.is_set():
                raise Cancelled
            result = work(job)
            job.end_stage()
        except BaseException as error:
            shutil.rmtree(job.folder, ignore_errors=True)
            log.info("job %s ended after %.1f s: %s", job.id, time.monotonic() - job.begun, type(error).__name__)
            raise
        finally:
            job.finished = time.monotonic()
            timer = threading.Timer(self._keep + 1, self.sweep)
            timer.daemon = True
            timer.start()
        log.info("job %s done after %.1f s", job.id, job.finished - job.begun)
        return result
