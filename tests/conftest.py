"""What every test can have, and what none may do."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from fakes import NEW, OLD, FakeBackend, fake_project, fake_python

SLOW = ("faults", "integration", "browser")


def pytest_configure() -> None:
    """Hear Ctrl-C also where a shell started us in the background, for some tests send one."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before the marks are selected
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes unless a mark asks for it (`-m faults`) or MATRIX_REQUIRE_ALL for everything."""
    for item in items:
        if item.path.name.startswith(("test_faults_", "test_soak")):
            item.add_marker("faults")
    if config.option.markexpr or os.environ.get("MATRIX_REQUIRE_ALL"):
        return
    slow = [item for item in items if any(map(item.get_closest_marker, SLOW))]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where every optional part is required, a skip is a failure."""
    report = yield
    if report.skipped and os.environ.get("MATRIX_REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although MATRIX_REQUIRE_ALL is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def fake_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the fake TensorFlow."""
    return fake_python(tmp_path_factory.mktemp("fake") / "env")


@pytest.fixture
def backend(fake_environment: Path) -> FakeBackend:
    """A backend of real workers with the fake TensorFlow."""
    return FakeBackend(fake_environment)


@pytest.fixture
def project(tmp_path: Path, fake_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two environments of different Keras generations, built already, and two scenarios."""
    fake_project(tmp_path, fake_environment, {OLD: "2.0.0", NEW: "3.0.0"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOX_ENVDIR", raising=False)
    return tmp_path
