"""The map over shards: order does not matter, crashes are survived, errors cross over."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from syrip_gen.execution import InProcessExecutor, PoolExecutor, Shard, WorkerStartError, resolve_workers


@dataclass(frozen=True)
class SumJob:
    """Returns (shard id, items run, items skipped); misbehaves at chosen items."""

    marks: Path
    kill_once: int = -1
    kill_always: int = -1
    fail: int = -1
    hang_once: int = -1
    wait_for: int = -1
    slow_from: int = 1_000_000
    die_at_start: bool = False

    def __call__(self):
        if self.die_at_start:
            os._exit(7)
        return self.run

    def run(self, shard, progress):
        made = []
        for index in range(shard.start, shard.stop):
            if index in shard.skip:
                continue
            progress(index)
            if index == self.kill_once and self.wait_for >= 0:
                self._wait_until_begun(self.wait_for)
                time.sleep(0.5)  # time for the other worker to be told that there is nothing left
            if index == self.kill_always or (index == self.kill_once and self._first(index)):
                os.kill(os.getpid(), signal.SIGKILL)
            if index == self.fail:
                raise ValueError(f"item {index} is bad")
            if index == self.hang_once and self._first(index):
                time.sleep(60)
            if index >= self.slow_from and not (self.marks / str(self.kill_once)).exists():
                time.sleep(0.4)
            if index == self.wait_for:
                self._first(index)
            made.append(index)
        return shard.shard_id, made, shard.skip

    def _wait_until_begun(self, index):
        deadline = time.monotonic() + 30
        while not (self.marks / str(index)).exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    def _first(self, index):
        mark = self.marks / str(index)
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def shards(count, size=2):
    return [Shard(i, i * size, (i + 1) * size) for i in range(count)]


def run(executor, job, work):
    seen = []
    results = sorted(executor.map(job, work, seen.append))
    return results, seen


@pytest.mark.parametrize("executor", [InProcessExecutor(), PoolExecutor(2)], ids=["in-process", "pool"])
def test_every_shard_runs_once(executor, tmp_path):
    results, seen = run(executor, SumJob(tmp_path), shards(5))
    assert [made for _, made, _ in results] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert sorted(seen) == list(range(10))


def test_shard_of_a_killed_worker_runs_again(tmp_path):
    results, _ = run(PoolExecutor(2), SumJob(tmp_path, kill_once=3), shards(4))
    assert [made for _, made, _ in results] == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_item_that_always_kills_its_worker_is_skipped(tmp_path):
    results, _ = run(PoolExecutor(2), SumJob(tmp_path, kill_always=3), shards(4))
    assert results[1] == (1, [2], (3,))
    assert [made for _, made, _ in results] == [[0, 1], [2], [4, 5], [6, 7]]


def test_idle_worker_takes_the_shard_of_a_dead_one(tmp_path):
    # The worker of item 3 dies when the other has finished its own shard and found nothing left to do.
    results, _ = run(PoolExecutor(2), SumJob(tmp_path, kill_once=3, wait_for=1), shards(2))
    assert [made for _, made, _ in results] == [[0, 1], [2, 3]]


def test_time_that_a_worker_was_idle_does_not_count_as_a_stall(tmp_path):
    # One worker is idle for twice the limit while the other reports item after item, then dies.
    work = [Shard(0, 0, 1), Shard(1, 1, 12)]
    results, _ = run(PoolExecutor(2, stall_seconds=2.0), SumJob(tmp_path, kill_once=11, slow_from=1), work)
    assert [(made, skipped) for _, made, skipped in results] == [([0], ()), (list(range(1, 12)), ())]


def test_stalled_worker_is_replaced(tmp_path):
    results, _ = run(PoolExecutor(1, stall_seconds=3.0), SumJob(tmp_path, hang_once=1), shards(2))
    assert [made for _, made, _ in results] == [[0, 1], [2, 3]]


def test_error_of_a_worker_is_raised_here(tmp_path):
    with pytest.raises(ValueError, match="item 5 is bad"):
        run(PoolExecutor(2), SumJob(tmp_path, fail=5), shards(4))


def test_workers_that_die_at_start_are_reported(tmp_path):
    with pytest.raises(WorkerStartError, match="exit code 7"):
        run(PoolExecutor(2), SumJob(tmp_path, die_at_start=True), shards(4))


def test_workers_end_when_the_parent_is_killed(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path\n"
        "from tests.test_execution import SumJob, shards\n"
        "from syrip_gen.execution import PoolExecutor\n"
        "if __name__ == '__main__':\n"
        "    list(PoolExecutor(2).map(SumJob(Path(sys.argv[1]), hang_once=1), shards(2), lambda i: None))\n"
    )
    root = Path(__file__).resolve().parent.parent
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(root)], cwd=root)
    deadline = time.monotonic() + 30
    while not (tmp_path / "1").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = children_of(parent.pid)
    assert children
    parent.kill()
    parent.wait()
    while any(Path(f"/proc/{pid}/stat").exists() and state_of(pid) != "Z" for pid in children):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def children_of(pid):
    """All processes below one: workers are forked from a process between."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [below for child in children for below in children_of(child)]


def state_of(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def test_auto_workers_is_at_least_one():
    assert resolve_workers("auto") >= 1
    assert resolve_workers(3) == 3
