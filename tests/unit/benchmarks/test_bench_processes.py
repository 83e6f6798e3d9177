import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plane.about import parse_processor
from plane.nginx import parse_version
from plane.ours import parse_dropped
from plane.processes import (
    Stat,
    cpu_s,
    descendants,
    is_running,
    parse_rss,
    parse_stat,
    rss_bytes,
    started,
    wait_for_line,
)

STAT = "42 (a (b) c) S 7 42 42 0 -1 4194304 1 2 3 4 150 25 9 9 20 0 1 0 100 1000 10 0 0"

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


def test_a_name_with_blanks_and_brackets_does_not_confuse_the_fields() -> None:
    assert parse_stat(STAT) == Stat(pid=42, parent=7, state="S", cpu_ticks=175)


def test_a_family_is_the_process_its_children_and_theirs() -> None:
    stats = [Stat(pid, parent, "S", 0) for pid, parent in ((1, 0), (5, 1), (6, 5), (7, 6), (8, 1))]

    assert descendants(5, stats) == [5, 6, 7]


def test_resident_memory_is_in_bytes() -> None:
    assert parse_rss("55d0-7ffd ---p 00000000 00:00 0 [rollup]\nRss:                2048 kB\nPss: 1 kB\n") == 2_097_152


def test_cpu_time_is_that_of_the_process() -> None:
    before, began = cpu_s(os.getpid()), time.process_time()

    sum(range(2_000_000))

    own = time.process_time() - began
    assert cpu_s(os.getpid()) - before == pytest.approx(own, abs=0.05)


def test_a_child_counts_with_its_parent() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert rss_bytes(os.getpid()) > rss_bytes(child.pid) > 0
    finally:
        child.communicate(b"\n")


def test_what_is_started_is_on_its_core_and_ends_with_its_children(tmp_path: Path) -> None:
    parent = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('ready', child.pid, *os.sched_getaffinity(0), flush=True)\n"
        "time.sleep(60)\n"
    )
    core = min(os.sched_getaffinity(0))
    log = tmp_path / "log"

    with started([sys.executable, "-c", parent], core=core, log=log) as pid:
        child, *cores = map(int, wait_for_line(log, "ready ", pid, timeout_s=30).split())

    assert cores == [core]
    assert not is_running(pid)
    assert not is_running(child)


def test_what_ends_at_its_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"

    with (
        started([sys.executable, "-c", "raise SystemExit('no port')"], core=0, log=log) as pid,
        pytest.raises(RuntimeError, match="no port"),
    ):
        wait_for_line(log, "ready ", pid, timeout_s=30)


@pytest.mark.parametrize(
    ("said", "version"), [("nginx version: nginx/1.22.1\n", "1.22.1"), ("wrk debian/4.1.0-3 [epoll]", "4.1.0-3")]
)
def test_programs_tell_their_version_in_many_ways(said: str, version: str) -> None:
    assert parse_version(said) == version


def test_the_processor_is_named_as_the_system_names_it() -> None:
    assert parse_processor("processor : 0\nmodel name\t: Fast One @ 3 GHz\nflags : a\n") == "Fast One @ 3 GHz"


@pytest.mark.parametrize(("metrics", "n"), [("# x\nsuffice_recorder_dropped_total 3.0\n", 3), ("", 0)])
def test_lost_records_are_read_from_the_metrics(metrics: str, n: int) -> None:
    assert parse_dropped(metrics) == n
