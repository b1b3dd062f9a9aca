"""The bar: seen on a terminal, silent elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from unmask import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_a_bar_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress.bar("cutting") as move:
        move(1, 4)
        move.named("without a: training", 3, 4)
    assert "without a: training" in terminal.getvalue()
    assert "3/4" in terminal.getvalue()


def test_a_pipe_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar("cutting") as move:
        move(1, 4)
        move.named("training", 2, 4)
    assert capsys.readouterr() == ("", "")
