"""Handing out items to workers, and what to do about those that fail, vanish or hang: one call of `Cluster.map`."""

import asyncio
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from distributed import Future, KilledWorker

from landcover.scale.alive import Workers
from landcover.scale.tasks import ATTEMPTS, Job, Task
from landcover.scale.work import Done, Failure, stop, work
from landcover.system.errors import LandcoverError, reason

if TYPE_CHECKING:
    from landcover.scale.cluster import Cluster

HELD = 512
"""Results that may wait for an earlier one, where the order is kept."""

_TASK_SECONDS = 0.25  # quick items travel together, as many as take so long; each item alone takes 5 ms to travel
_MAX_ITEMS = 64  # of a task
_SLOW_SECONDS = (
    60.0  # an item that takes longer than this, and than three times the median, is given to a second worker
)
_STOP_SECONDS = 10.0  # for which work that nobody needs any more is waited for, so that it leaves nothing half-written
_TICK = 0.5  # seconds between two looks at what takes long


class Dispatch:
    """One map over items. See `Cluster.map` for the arguments.

    Attributes:
        messages: What happens: ("done", key, Done), ("failed", key, exception), ("report", key, news), ("workers",
            address, keys, cause).
    """

    def __init__(
        self,
        cluster: "Cluster",
        function: Callable[[Any], Any],
        items: Iterable[Any],
        describe: Callable[[Any], str],
        ordered: bool,
        most_held: int = HELD,
        divide: Callable[[Any], Sequence[Any]] | None = None,
        on_report: Callable[[Any], None] | None = None,
    ) -> None:
        self.messages: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        self._cluster, self._client = cluster, cluster.client
        self._function, self._describe = function, describe
        self._ordered, self._most_held = ordered, most_held
        self._divide, self._on_report = divide, on_report
        self._source = (Job(index, item) for index, item in enumerate(items))
        self._is_exhausted = False
        self._again: deque[Job] = deque()
        self._tasks: dict[str, Task] = {}
        self._held: dict[int, tuple[Any, Any]] = {}
        self._next = 0  # index of the result to yield, where the order is kept
        self._size = 1  # items of the next task
        self._seconds: deque[float] = deque(maxlen=1000)  # that items took
        self._workers = Workers(cluster.client)
        self._prefix, self._numbers = f"{getattr(function, '__name__', 'work')}-{uuid4().hex}", count()

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Yield items and results until all are done."""
        self._workers.look()
        self._hand_out()
        looked = time.monotonic()
        while self._tasks or self._again or not self._is_exhausted:
            try:
                message = self.messages.get(timeout=_TICK)
            except Empty:
                message = ("tick",)
            yield from self._in_order(self._digest(message))
            if time.monotonic() - looked > _TICK:
                self._workers.check_scheduler()
                self._copy_slow()
                looked = time.monotonic()
            self._hand_out()

    def stop(self) -> None:
        """Let what has not begun be forgotten, and what is under way end where it reports next."""
        if not self._tasks:
            return
        for task in self._tasks.values():
            task.future.release()
        self._tasks.clear()
        if self._client.status == "running":
            with suppress(Exception):  # why it ends comes first
                self._client.run(
                    stop, self._prefix, _STOP_SECONDS, on_error="ignore", callback_timeout=2 * _STOP_SECONDS
                )

    # What is handed out

    def _hand_out(self) -> None:
        """Keep each thread busy, and one task waiting for each worker."""
        usable = self._workers.usable
        while len(self._tasks) < sum(usable.values()) + len(usable) and (jobs := self._next_jobs()):
            failed_on = {worker for job in jobs for worker in job.failed_on}
            others = sorted(usable.keys() - failed_on) or sorted(usable)
            self._submit(jobs, others if failed_on or self._workers.hanging else None)

    def _next_jobs(self) -> list[Job]:
        jobs: list[Job] = []
        while len(jobs) < self._size:
            if self._again:
                if self._again[0].is_alone and jobs:
                    break
                jobs.append(self._again.popleft())
                if jobs[-1].is_alone:
                    break
            elif self._is_exhausted or (job := self._from_source()) is None:
                break
            else:
                jobs.append(job)
        return jobs

    def _from_source(self) -> Job | None:
        if self._is_full():
            return None
        job = next(self._source, None)
        self._is_exhausted = job is None
        return job

    def _is_full(self) -> bool:
        """Whether as many results wait for an earlier one as may."""
        return self._ordered and len(self._held) >= self._most_held

    def _submit(self, jobs: list[Job], workers: list[str] | None = None, copy: Task | None = None) -> None:
        key = f"{self._prefix}-{next(self._numbers)}"
        future = self._client.submit(
            work,
            self._function,
            [job.item for job in jobs],
            _TASK_SECONDS,
            key,
            key=key,
            pure=False,
            workers=workers,
            allow_other_workers=bool(workers) and not self._workers.hanging and copy is None,
        )
        task = Task(key, jobs, future, time.monotonic(), copy)
        if copy:
            copy.copy = task
        self._tasks[task.key] = task
        self._client.loop.add_callback(self._wait_for, future)  # type: ignore[union-attr]  # a client has one

    async def _wait_for(self, future: Future[Done]) -> None:
        """In the thread of Dask: fetch the result of a task."""
        try:
            done = await future
        except asyncio.CancelledError as error:
            self.messages.put(("failed", future.key, error))
        except Exception as error:
            self.messages.put(("failed", future.key, error))
        else:
            self.messages.put(("done", future.key, done))

    # What comes back

    def _digest(self, message: tuple[Any, ...]) -> Iterator[tuple[Job, Any]]:
        """Yield the jobs that a message brings to an end, each with its result."""
        kind, *arguments = message
        if kind == "workers":
            self._workers.look()
            if arguments:
                yield from self._after_loss(*arguments)
        elif kind == "report":
            self._after_report(*arguments)
        elif kind in ("done", "failed") and (task := self._tasks.pop(arguments[0], None)):
            if kind == "done":
                yield from self._after_done(task, arguments[1])
            else:
                yield from self._after_error(task, arguments[1])

    def _after_report(self, key: str, news: Any) -> None:
        if task := self._tasks.get(key):
            now = time.monotonic()
            self._seconds.append(now - task.heard)
            task.heard = now
            if self._on_report:
                self._on_report(news)

    def _after_done(self, task: Task, done: Done) -> Iterator[tuple[Job, Any]]:
        each = done.seconds / len(done.results)
        self._seconds.extend([each] * len(done.results))
        self._size = max(1, min(_MAX_ITEMS, 2 * len(done.results), int(_TASK_SECONDS / max(each, 1e-6))))
        if copy := task.copy:
            copy.copy = None
            if any(isinstance(result, Failure) for result in done.results):
                return  # the other one may still succeed
            if copy.started < task.started:
                self._workers.set_aside(self._workers.of_tasks().get(copy.key))
            self._forget(copy)
        for job, result in zip(task.jobs, done.results, strict=False):
            if isinstance(result, Failure):
                job.failed_on.add(done.worker)
                yield from self._after_attempt(job, *result.lines)
            else:
                yield job, result
        self._again.extendleft(reversed(task.jobs[len(done.results) :]))

    def _after_error(self, task: Task, error: BaseException) -> Iterator[tuple[Job, Any]]:
        """A task of which Dask had no result."""
        self._workers.check_scheduler()
        if task.copy:
            task.copy.copy = None
        elif len(task.jobs) > 1:
            self._separate(task)
        elif isinstance(error, asyncio.CancelledError):  # by someone else; its worker has been counted if it was lost
            yield from self._after_attempt(task.jobs[0], "it was cancelled")
        elif isinstance(error, KilledWorker):
            yield from self._after_attempt(task.jobs[0], "its worker was lost")
        else:
            yield from self._after_attempt(task.jobs[0], f"{type(error).__name__}: {reason(error)}")

    def _after_loss(self, worker: str, keys: tuple[str, ...], cause: str) -> Iterator[tuple[Job, Any]]:
        """Dask gives the tasks of a lost worker to others. Those that it was running may be why it was lost."""
        threads = self._workers.known.get(worker, 1)
        lost = sorted((self._tasks[key] for key in keys if key in self._tasks), key=lambda task: task.started)
        for task in lost[:threads]:
            if task.copy:
                task.copy.copy = None
                self._forget(task)
            elif len(task.jobs) > 1:
                self._forget(task)
                self._separate(task)
            else:
                job = task.jobs[0]
                job.attempts += 1
                if self._is_divided(job):
                    self._forget(task)
                elif job.attempts < ATTEMPTS:
                    self._cluster.retries += 1
                    task.started = task.heard = time.monotonic()
                else:
                    self._forget(task)
                    yield job, self._error(job, f"its worker was lost{f' ({cause})' if cause else ''}")

    def _separate(self, task: Task) -> None:
        """Hand out the jobs of a task again one by one, to find which of them it is."""
        self._cluster.retries += len(task.jobs)
        for job in task.jobs:
            job.is_alone = True
        self._again.extend(task.jobs)

    def _after_attempt(self, job: Job, *lines: str) -> Iterator[tuple[Job, Any]]:
        job.attempts += 1
        if self._is_divided(job):
            return
        if job.attempts >= ATTEMPTS:
            yield job, self._error(job, *lines)
        else:
            self._cluster.retries += 1
            job.is_alone = True
            self._again.append(job)

    def _is_divided(self, job: Job) -> bool:
        """Hand out, instead of an item that is about to fail, the smaller ones that take its place, if there are."""
        if not self._divide or job.attempts < ATTEMPTS - 1:
            return False
        parts = self._divide(job.item)
        if list(parts) == [job.item]:
            return False
        job.is_done = True
        self._cluster.retries += len(parts)
        self._again.extend(Job(job.index, part, is_alone=True) for part in parts)
        return True

    def _error(self, job: Job, *lines: str) -> LandcoverError:
        name = self._describe(job.item)
        return LandcoverError(*(f"{name}: failed {ATTEMPTS} times, at last because: {line}" for line in lines))

    def _forget(self, task: Task) -> None:
        self._tasks.pop(task.key, None)
        task.future.release()

    def _in_order(self, ended: Iterable[tuple[Job, Any]]) -> Iterator[tuple[Any, Any]]:
        for job, result in ended:
            if job.is_done:
                continue
            job.is_done = True
            if not self._ordered:
                yield job.item, result
                continue
            self._held[job.index] = job.item, result
            while self._next in self._held:
                yield self._held.pop(self._next)
                self._next += 1

    def _copy_slow(self) -> None:
        """Give what takes long to a second worker, if nothing else is left to hand out."""
        if self._again or not (self._is_exhausted or self._is_full()) or len(self._workers.usable) < 2:
            return
        now = time.monotonic()
        median = statistics.median(self._seconds) if self._seconds else 0.0
        slow = [
            task
            for task in self._tasks.values()
            if task.copy is None and now - task.heard > max(3 * median * len(task.jobs), _SLOW_SECONDS)
        ]
        if not slow:
            return
        at = self._workers.of_tasks()
        idle = set(self._workers.usable) - {at.get(key) for key in self._tasks}
        for task in slow[: len(idle)]:
            self._cluster.retries += 1
            self._submit(task.jobs, sorted(idle), task)
