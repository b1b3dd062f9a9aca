"""Work in several processes: order, errors, and what becomes of them."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from unmask.errors import RecipeError, UnmaskError
from unmask.train import processes


def number(_: int) -> int:
    return os.getpid()


def refuse(number: int) -> int:
    if number == 0:
        raise RecipeError("number 0 does not fit")
    time.sleep(60)
    return number


def fall(_: int) -> int:
    os._exit(9)


def wait(folder: Path) -> Path:
    (folder / str(os.getpid())).touch()
    time.sleep(60)
    return folder


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    before = set(multiprocessing.active_children())
    yield
    assert not set(multiprocessing.active_children()) - before


def test_one_job_works_here_and_in_order() -> None:
    assert set(processes.each(number, range(3), 1)) == {os.getpid()}
    assert list(processes.each(abs, [-3, 2, -1], 1)) == [3, 2, 1]


def test_several_jobs_have_processes_of_their_own() -> None:
    assert os.getpid() not in set(processes.each(number, range(4), 2))
    assert sorted(processes.each(abs, [-3, 2, -1], 2)) == [1, 2, 3]


def test_an_error_ends_the_others_and_is_told_as_it_is() -> None:
    began = time.monotonic()
    with pytest.raises(RecipeError, match="number 0 does not fit"):
        list(processes.each(refuse, range(3), 2))
    assert time.monotonic() - began < 50


def test_a_process_that_is_ended_from_outside_is_one_sentence() -> None:
    with pytest.raises(UnmaskError, match="fewer --jobs; what was done so far is kept"):
        list(processes.each(fall, range(2), 2))


def test_a_stop_ends_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: object) -> Iterator[object]:
        while not any(tmp_path.iterdir()):
            time.sleep(0.05)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "as_completed", stopped)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(processes.each(wait, [tmp_path] * 3, 2))
    assert time.monotonic() - began < 50
