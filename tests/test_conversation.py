"""What is believed of a worker's words: one that says something else than a worker has died, and harms nobody."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from fakes import environment
from test_protocol import GREETING

from matrix.backends import WorkerDied
from matrix.backends.conversation import DEPTH_LIMIT
from matrix.backends.process import WorkerProcess
from matrix.model import Format
from matrix.protocol import Item, Request

HERE = environment("2.4.4")
ASKED = Request(
    task="load",
    scenario="x",
    script="x.py",
    code="none",
    items=[Item(id="ours", format=Format.H5, path="model.h5")],
    inputs={},
    timeout=5.0,
    memory=1 << 30,
)
WELL = '{"request": "1", "cell": "ours", "noise": %s}'
Start = Callable[[str], WorkerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """What starts a worker that greets, and then does what it is told."""
    started = []

    def begin(act: str) -> WorkerProcess:
        script = f"import os, sys\nprint({json.dumps({'hello': GREETING})!r}, flush=True)\n{act}"
        worker = WorkerProcess([sys.executable, "-c", script], {}, tmp_path)
        started.append(worker)
        worker.greet(HERE)
        return worker

    yield begin
    for worker in started:
        worker.kill()
        worker.close()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("words", id="no-json"),
        pytest.param("", id="nothing"),
        pytest.param("[]", id="no-object"),
        pytest.param("NaN", id="no-number"),
        pytest.param("[" * 100_000, id="nested-too-deep-for-json"),
        pytest.param(WELL % ("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT), id="nested-too-deep-for-us"),
        pytest.param(WELL % ("9" * 5_000), id="a-number-without-an-end"),
        pytest.param('{"request": "1", "cell": "theirs"}', id="of-another-cell"),
        pytest.param('{"request": "1", "cell": ["ours"]}', id="of-no-cell"),
        pytest.param('{"request": "2", "cell": "ours"}', id="of-another-request"),
        pytest.param('{"request": "1"}', id="of-nothing"),
        pytest.param('{"request": "2", "done": true}', id="done-with-another-request"),
    ],
)
def test_words_that_no_worker_says_are_the_end_of_it(start: Start, words: str) -> None:
    """
    Whatever they are, it has died at what it was asked, and it is known that it was heard.
    """
    worker = start(f"sys.stdin.readline(); print({words!r}, flush=True); sys.stdin.read()")

    with pytest.raises(WorkerDied, match=r"the worker (wrote|answered)") as died:
        list(worker.ask(ASKED))

    assert died.value.at == ("ours",)
    assert not died.value.lost


def test_an_answer_may_be_as_deep_as_any_model_predicts(start: Start) -> None:
    """
    Up to the limit it is one.
    """
    deep = "[" * (DEPTH_LIMIT - 2) + "]" * (DEPTH_LIMIT - 2)
    words = [WELL % deep, '{"request": "1", "done": true}']
    worker = start(f"sys.stdin.readline()\nfor line in {words!r}: print(line, flush=True)\nsys.stdin.read()")

    (facts,) = worker.ask(ASKED)

    assert facts["cell"] == "ours"


@pytest.mark.parametrize("line", ["b'1\\n' * (1 << 16)", "(b'x' * (1 << 20) + b'\\n')"], ids=["short", "long"])
def test_who_says_more_than_is_read_has_to_wait(start: Start, line: str) -> None:
    """
    The host holds some lines of it and no more, and ends it all the same.
    """
    ours = psutil.Process()
    worker = start(f"while True: os.write(1, {line})")
    before, until = ours.memory_info().rss, time.monotonic() + 2

    while time.monotonic() < until:
        time.sleep(0.1)
        assert ours.memory_info().rss - before < 100 << 20
    worker.kill()
    worker.close()

    assert not psutil.pid_exists(worker.process.pid)


def test_a_worker_that_does_not_listen_is_lost(start: Start) -> None:
    """
    Whether what it was at is the reason, nobody knows.
    """
    worker = start("os.close(0); import time; time.sleep(60)")
    time.sleep(0.5)

    with pytest.raises(WorkerDied, match="went away") as died:
        list(worker.ask(ASKED))

    assert died.value.lost
