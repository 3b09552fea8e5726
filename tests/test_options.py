"""The command line: verbs and options."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matrix.errors import UsageError
from matrix.options import default_jobs, parsed, parser

VERBS = ["run", "plan", "report", "diff", "env", "cache", "doctor", "new-scenario"]


def test_options_of_a_run_are_read() -> None:
    """
    Each option lands under its name, with its type.
    """
    line = (
        "run --from tf-2.12 --to tf-2.19 --profile quick --environments tf-2.1? --scenarios a,b --formats h5 --jobs 3 "
        "--timeout 1.5 --isolation cell --fresh --baseline latest --fail-on failure --output out --quiet --json "
        "--budget 20m --max-disk 1.5GB --cache s3://bucket/matrix --audit 50 --known k.toml --parquet "
        "--backend docker"
    )

    assert vars(parser().parse_args(line.split())) == {
        "verb": "run",
        "start": "tf-2.12",
        "end": "tf-2.19",
        "profile": "quick",
        "environments": "tf-2.1?",
        "scenarios": "a,b",
        "formats": "h5",
        "jobs": 3,
        "timeout": 1.5,
        "isolation": "cell",
        "fresh": True,
        "baseline": "latest",
        "fail_on": "failure",
        "output": Path("out"),
        "quiet": True,
        "json": True,
        "budget": 1200.0,
        "max_disk": 1_500_000_000,
        "cache": "s3://bucket/matrix",
        "audit": 50,
        "known": Path("k.toml"),
        "parquet": True,
        "backend": "docker",
    }


def test_a_run_needs_no_option() -> None:
    """
    What is not said is empty; only isolation and `--fail-on` have a word of their own.
    """
    found = vars(parser().parse_args(["run"]))

    said = {name: value for name, value in found.items() if value}

    assert said == {"verb": "run", "isolation": "group", "fail_on": "regression"}


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        pytest.param("report", {"verb": "report", "run": "latest"}, id="latest-run"),
        pytest.param("report x", {"verb": "report", "run": "x"}, id="named-run"),
        pytest.param("env list --json", {"verb": "env", "action": "list", "json": True}, id="env-list"),
        pytest.param("env build @full", {"verb": "env", "action": "build", "names": "@full"}, id="env-build"),
        pytest.param("env lock", {"action": "lock", "names": []}, id="env-lock-own"),
        pytest.param("env lock tf-2.12.0 x", {"action": "lock", "names": ["tf-2.12.0", "x"]}, id="env-lock"),
        pytest.param("env prune --keep tf-*", {"action": "prune", "keep": "tf-*"}, id="env-prune"),
        pytest.param("cache prune", {"verb": "cache", "action": "prune"}, id="cache-prune"),
        pytest.param("new-scenario x", {"verb": "new-scenario", "name": "x"}, id="new-scenario"),
    ],
)
def test_other_verbs_are_read(line: str, meant: dict[str, object]) -> None:
    """
    The verb, its second word, and what belongs to them.
    """
    found = vars(parser().parse_args(line.split()))

    assert meant.items() <= found.items()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("", "VERB", id="no-verb"),
        pytest.param("rum", "'rum'. Did you mean 'run'?", id="verb"),
        pytest.param("run --form tf-2.12", "'--form'. Did you mean '--from'?", id="option"),
        pytest.param("run --env tf-2.12", "There is no option '--env'", id="no-abbreviations"),
        pytest.param("env", "action", id="no-second-word"),
        pytest.param("env biuld x", "'biuld'. Did you mean 'build'?", id="second-word"),
        pytest.param("run --isolation none", "There is no choice 'none'", id="choice"),
        pytest.param("run --from", "expected one argument", id="no-value"),
        pytest.param("run --jobs 0", "--jobs: '0' is no whole number above 0", id="no-jobs"),
        pytest.param("run --jobs -1", "--jobs: '-1' is no whole number above 0", id="negative-jobs"),
        pytest.param("run --jobs many", "--jobs: 'many' is no whole number above 0", id="jobs-in-words"),
        pytest.param("run --timeout 0", "--timeout: '0' is no number above 0", id="no-time"),
        pytest.param("run --timeout nan", "--timeout: 'nan' is no number above 0", id="time-not-a-number"),
        pytest.param("run --timeout inf", "--timeout: 'inf' is no number above 0", id="time-without-end"),
        pytest.param("run --timeout 2m", "--timeout: '2m' is no number above 0", id="time-with-a-unit"),
    ],
)
def test_what_is_not_understood_is_refused(line: str, said: str) -> None:
    """
    A sentence with the nearest word and where help is, and no exit from inside the parser.
    """
    with pytest.raises(UsageError) as refused:
        parsed(line.split())

    assert said in str(refused.value)
    assert "--help" in str(refused.value)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """
    `matrix VERB --help` ends well, and `matrix --help` names the verb.
    """
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([verb, "--help"])

    assert ended.value.code == 0
    assert f"matrix {verb}" in capsys.readouterr().out
    assert f"\n    {verb}" in parser().format_help()


@pytest.mark.parametrize(
    ("memory", "jobs"),
    [
        pytest.param(0, 1, id="no-memory"),
        pytest.param(2 << 30, 1, id="memory-for-one"),
        pytest.param(1 << 50, os.cpu_count() or 1, id="memory-for-all-cores"),
    ],
)
def test_as_many_environments_work_as_cores_and_memory_allow(memory: int, jobs: int) -> None:
    """
    At least one, at most one for each core.
    """
    assert default_jobs(memory) == jobs
