"""Keys of results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from values import CELL, environment, scenario

from matrix.model import Environment, Format, Scenario, Tolerance, Variant
from matrix.recipe import Recipes, guest_digest

OLD, NEW = environment("old"), environment("new", "2.19.1", "3.10.0")
PLAIN = scenario()
RUNGS = "compile=False, safe_mode=False"


def recipes(
    old: Environment = OLD,
    new: Environment = NEW,
    plain: Scenario = PLAIN,
    *,
    backend: str = "nox",
    limits: tuple[float, int] = (120.0, 1 << 32),
    guest: str = "guest",
) -> Recipes:
    """Keys of a plan with two environments and one scenario."""
    return Recipes({"old": old, "new": new}, {"plain": plain}, backend, limits, guest)


BEFORE = recipes()


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(recipes(old=replace(OLD, lock="tensorflow==2.12.0")), id="lock-of-the-writer"),
        pytest.param(recipes(old=replace(OLD, python="3.10")), id="python-of-the-writer"),
        pytest.param(recipes(old=replace(OLD, variables=(("A", "1"),))), id="variables-of-the-writer"),
        pytest.param(recipes(plain=replace(PLAIN, digest="changed")), id="scenario"),
        pytest.param(recipes(backend="docker"), id="backend"),
        pytest.param(recipes(limits=(60.0, 1 << 32)), id="timeout"),
        pytest.param(recipes(limits=(120.0, 1 << 31)), id="memory"),
        pytest.param(recipes(guest="changed"), id="guest"),
    ],
)
def test_what_decides_a_save_changes_its_key_and_those_of_its_loads(after: Recipes) -> None:
    """
    Nothing that was measured under another recipe is taken for an answer.
    """
    assert after.save(CELL.save) != BEFORE.save(CELL.save)
    assert after.load(CELL, RUNGS) != BEFORE.load(CELL, RUNGS)


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(replace(NEW, lock="tensorflow==2.19.0"), id="lock"),
        pytest.param(replace(NEW, python="3.12"), id="python"),
        pytest.param(replace(NEW, variables=(("TF_USE_LEGACY_KERAS", "1"),)), id="variables"),
    ],
)
def test_a_reader_changes_loads_and_no_save(new: Environment) -> None:
    """
    An artifact does not know who will read it.
    """
    after = recipes(new=new)

    assert after.save(CELL.save) == BEFORE.save(CELL.save)
    assert after.load(CELL, RUNGS) != BEFORE.load(CELL, RUNGS)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(recipes(new=replace(NEW, profiles=frozenset({"quick"}))), id="profiles"),
        pytest.param(recipes(new=replace(NEW, requirements=("tensorflow",), download=5)), id="what-was-asked-for"),
        pytest.param(recipes(plain=replace(PLAIN, path=Path("elsewhere/plain.py"))), id="where-the-script-is"),
        pytest.param(recipes(plain=replace(PLAIN, title="Another?")), id="title"),
        pytest.param(recipes(plain=replace(PLAIN, tolerance=Tolerance(absolute=1.0))), id="tolerance"),
        pytest.param(recipes(plain=replace(PLAIN, requires=">=2.4")), id="which-environments-it-meets"),
        pytest.param(
            Recipes(
                {"new": NEW, "more": environment("more"), "old": OLD},
                {"plain": PLAIN, "other": scenario("other")},
                "nox",
                (120.0, 1 << 32),
                "guest",
            ),
            id="rest-of-the-plan",
        ),
    ],
)
def test_nothing_else_changes_a_key(after: Recipes) -> None:
    """
    What does not change an outcome measures nothing again.
    """
    assert after.save(CELL.save) == BEFORE.save(CELL.save)
    assert after.load(CELL, RUNGS) == BEFORE.load(CELL, RUNGS)


def test_ways_of_loading_are_part_of_a_load() -> None:
    """
    A ladder that grew is climbed again; its order counts.
    """
    keys = {BEFORE.load(CELL, rungs) for rungs in (RUNGS, "safe_mode=False, compile=False", "compile=False", "")}

    assert len(keys) == 4


def test_every_cell_and_save_has_its_own_key() -> None:
    """
    Writers, readers, variants and formats; only the variants that share an artifact share its key.
    """
    cells = [
        replace(CELL, writer=writer, reader=reader, variant=variant, format=format_)
        for writer in ("old", "new")
        for reader in ("old", "new")
        for variant in Variant
        for format_ in Format
    ]
    saves = {cell.save for cell in cells}
    keys = [BEFORE.load(cell, "") for cell in cells] + [BEFORE.save(save) for save in saves]

    assert len(set(keys)) == len(cells) + len(saves) == 60 + 20


def test_equal_scripts_under_two_names_have_two_artifacts() -> None:
    """
    Two saves of one run with one key would overwrite each other.
    """
    both = {"one": scenario("one", digest="same"), "two": scenario("two", digest="same")}
    found = Recipes({"old": OLD, "new": NEW}, both, "nox", (120.0, 1 << 32), "guest")

    assert len({found.save(replace(CELL, scenario=name).save) for name in both}) == 2


def test_equal_environments_under_two_names_have_two_artifacts() -> None:
    """
    `tf-2.12` and `tf-2.12.1` can hold the same files, and both save.
    """
    twins = {"old": OLD, "new": replace(OLD, id="new")}
    found = Recipes(twins, {"plain": PLAIN}, "nox", (120.0, 1 << 32), "guest")

    assert found.save(CELL.save) != found.save(replace(CELL, writer="new").save)


def test_every_module_of_the_guest_counts(tmp_path: Path) -> None:
    """
    Content and name of each file, but not what no worker runs, and nothing that Python leaves behind.
    """
    (tmp_path / "worker.py").write_text("1")
    first = guest_digest(tmp_path)

    (tmp_path / "inventory.py").write_text("1")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "worker.pyc").write_text("1")
    assert guest_digest(tmp_path) == first

    (tmp_path / "worker.py").write_text("2")
    second = guest_digest(tmp_path)
    (tmp_path / "worker.py").rename(tmp_path / "saver.py")
    assert len({first, second, guest_digest(tmp_path)}) == 3
