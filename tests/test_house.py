"""The house keeps its own rules: what may import what, what a guest may use, how long a thing may be."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from matrix.template import new_scenario

HERE = Path(__file__).parent
ROOT = HERE.parent
PACKAGE = ROOT / "matrix"
GUESTS = sorted((PACKAGE / "inside").glob("*.py"))
SCENARIOS = sorted([*(ROOT / "scenarios").glob("*.py"), *(HERE / "scenarios").glob("*.py")])
HOST = sorted(path for path in PACKAGE.rglob("*.py") if path not in GUESTS)
TESTS = sorted(HERE.rglob("test_*.py"))

# From the ground up: a room imports from the rows below its own. A package is one room unless its modules are named.
LAYERS = (
    (
        "errors",
        "fingerprint",
        "version",
        "folders",
        "interpreters",
        "slots",
        "interrupts",
        "failpoints",
        "quantities",
        "taking",
    ),
    ("model", "config", "selector", "template", "index", "entries", "requirements", "shared"),
    ("results", "options"),
    (
        "protocol",
        "scenarios",
        "diagnosis",
        "plan",
        "catalog",
        "releases",
        "wheels",
        "outlook",
        "contents",
        "holdings",
    ),
    ("drift", "artifact", "diff", "known"),
    (
        "foreign",
        "analysis",
        "records",
        "recipe",
        "judge",
        "ledger",
        "choices",
        "lock",
        "noxfile",
        "budget",
        "detours",
        "changes",
    ),
    ("claims", "byhand"),
    ("report", "backends", "update", "store"),
    ("site", "backends.conversation", "backends.nox", "backends.guard", "saves", "environments"),
    ("backends.process", "backends.docker", "board", "trials"),
    ("backends.local", "doctor"),
    ("order",),
    ("project", "loads"),
    ("lives",),
    ("engine", "audit"),
    ("bridging",),
    ("progress", "runs"),
    ("exits",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
ROOMS = {room: number for number, row in enumerate(LAYERS) for room in row}

# Libraries and parts of the standard library that have one door each.
DOORS = {
    "pandas": {"analysis"},
    "jinja2": {"report", "site", "backends.docker"},
    "docker": {"backends.docker"},
    "rich": {"progress", "commands", "cli"},
    "numpy": {"protocol", "judge"},
    "nox": {"noxfile"},
    "pypi_simple": {"index"},
    "subprocess": {
        "backends.process",
        "backends.docker",
        "backends.nox",
        "backends.guard",
        "lock",
        "wheels",
        "doctor",
    },
    "sqlite3": {"ledger"},
    "fsspec": {"shared"},
    "pickle": set(),
    "marshal": set(),
    "shelve": set(),
    "dill": set(),
    "cloudpickle": set(),
    "joblib": set(),
    "tensorflow": set(),
    "keras": set(),
    "h5py": set(),
}
CALLS = {"print": {"cli", "progress"}, "sys.exit": {"__main__"}, "exit": set(), "quit": set(), "os._exit": set()}

# What Python got after 3.7, by module where a name alone would say too little; and what 3.12 took away.
NEWER_MODULES = {"graphlib", "tomllib", "zoneinfo", "importlib.metadata", "importlib.resources.abc"}
GONE_MODULES = {"asynchat", "asyncore", "distutils", "imp", "smtpd"}
NEWER_NAMES = {
    "ast.unparse",
    "functools.cache",
    "functools.cached_property",
    "functools.singledispatchmethod",
    "itertools.pairwise",
    "math.comb",
    "math.dist",
    "math.isqrt",
    "math.lcm",
    "math.perm",
    "math.prod",
    "os.waitstatus_to_exitcode",
    "shlex.join",
    "signal.strsignal",
    "threading.get_native_id",
    "typing.Final",
    "typing.Literal",
    "typing.Protocol",
    "typing.TypedDict",
}
NEWER_METHODS = {"removeprefix", "removesuffix", "is_relative_to", "bit_count", "with_stem"}
NEWER_ARGUMENTS = {"missing_ok", "dirs_exist_ok", "process_group", "strict"}


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def label(path: Path) -> str:
    """A file's name in messages."""
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    """A module's name inside the package: `backends.nox`, and `report` for a package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module(path): path for path in HOST}


def room(name: str) -> str:
    """The declared room that a module is in: itself, or the package around it."""
    while name and name not in ROOMS:
        name = name.rpartition(".")[0]
    return name


def imported(syntax: ast.AST, package: str = "matrix") -> Iterator[str]:
    """Every module that some code imports, by its full name; `package` is where its relative imports begin."""
    for node in ast.walk(syntax):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            for name in node.names:
                inner = f"{base}.{name.name}"
                yield inner if inner.removeprefix("matrix.") in MODULES or base in {"matrix", "importlib"} else base


def own_imports(name: str) -> set[str]:
    """The modules of the house that a module of the house imports."""
    path = MODULES[name]
    package = (
        "matrix"
        if not name
        else f"matrix.{name}"
        if path.name == "__init__.py"
        else f"matrix.{name}".rpartition(".")[0]
    )
    found = {item.removeprefix("matrix.") for item in imported(tree(path), package) if item.startswith("matrix.")}
    return found - {name}


def calls(syntax: ast.AST) -> Iterator[str]:
    """Every function that some code calls by a plain or a dotted name."""
    return (ast.unparse(node.func) for node in ast.walk(syntax) if isinstance(node, ast.Call))


def functions(syntax: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function, also those inside of others."""
    return (node for node in ast.walk(syntax) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def docstrings(syntax: ast.AST) -> set[int]:
    """The identities of all docstring nodes."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(syntax)
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }


def too_new(text: str) -> list[str]:
    """What a Python 3.7 does not have, or a 3.12 has no more."""
    try:
        syntax = ast.parse(text, feature_version=(3, 7))
    except SyntaxError as error:
        return [str(error)]
    found = [name for name in imported(syntax) if name in NEWER_MODULES | GONE_MODULES]
    for node in ast.walk(syntax):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            found += [name] if name in NEWER_NAMES or node.attr in NEWER_METHODS else []
        elif isinstance(node, ast.ImportFrom):
            found += [name.name for name in node.names if f"{node.module}.{name.name}" in NEWER_NAMES]
        elif isinstance(node, ast.keyword):
            found += [node.arg] if node.arg in NEWER_ARGUMENTS else []
    return found


def foreign(text: str) -> list[str]:
    """What a guest imports that is neither standard library nor in its environment for certain."""
    known = sys.stdlib_module_names | {"numpy", "h5py", "tensorflow", "matrix_guest"}
    return [name for name in imported(ast.parse(text), "matrix_guest") if name.split(".")[0] not in known]


def swallowed(text: str) -> list[int]:
    """Lines of handlers that catch everything, or that do nothing."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler):
            names = (
                set()
                if node.type is None
                else {ast.unparse(part) for part in ast.walk(node.type) if isinstance(part, ast.Name)}
            )
            again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            nothing = isinstance(node.body[0], ast.Pass)
            everything = node.type is None or names & {"Exception", "BaseException"}
            found += [node.lineno] if nothing or (everything and not again) else []
    return found


def unescaped(text: str) -> list[str]:
    """Ways to put text on a page as markup."""
    return re.findall(r"\|\s*safe\b|\bMarkup\b|\bautoescape\s*(?:=\s*False|false)|\bmarkupsafe\b", text)


def releases(text: str) -> list[str]:
    """Version numbers of TensorFlow that stand in code."""
    syntax = ast.parse(text)
    explained = docstrings(syntax)
    return [
        node.value
        for node in ast.walk(syntax)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained
        if re.fullmatch(r"(?:tf-|tensorflow[=<>~!]+)?[12]\.\d+(?:\.\d+)?", node.value)
    ]


@pytest.mark.parametrize("path", [*GUESTS, *SCENARIOS], ids=label)
def test_guests_and_scenarios_are_python_3_7(path: Path) -> None:
    """
    What runs inside an environment has the syntax and the standard library of the oldest one.
    """
    assert too_new(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [*GUESTS, *SCENARIOS], ids=label)
def test_guests_and_scenarios_bring_nothing_along(path: Path) -> None:
    """
    The standard library, TensorFlow with the numpy and h5py that it needs, and the files beside them.
    """
    assert foreign(path.read_text(encoding="utf-8")) == []


def test_the_example_scenario_is_python_3_7(tmp_path: Path) -> None:
    """
    What `new-scenario` writes keeps the rules of scenarios.
    """
    text = new_scenario("example", tmp_path).read_text(encoding="utf-8")

    assert too_new(text) == foreign(text) == []


@pytest.mark.parametrize("name", sorted(filter(None, MODULES)))
def test_imports_point_down(name: str) -> None:
    """
    A room imports from rows below its own; every module is in a room.
    """
    here = room(name)
    assert here, f"matrix/{name} has no place in LAYERS"

    above = {other for other in own_imports(name) if room(other) != here and ROOMS[room(other)] >= ROOMS[here]}

    assert above == set()


def test_no_room_is_empty() -> None:
    """
    What was taken out of the house is taken out of its plan.
    """
    assert set(ROOMS) <= set(MODULES)


def test_the_house_has_no_circle() -> None:
    """
    No module needs itself, also not through others of its own package.
    """
    graph = {name: own_imports(name) for name in MODULES if name}

    order = list(TopologicalSorter(graph).static_order())  # a CycleError names the circle

    assert set(order) >= set(graph)


def test_the_host_never_imports_a_guest() -> None:
    """
    The folder that runs inside environments is no package.
    """
    assert not (PACKAGE / "inside" / "__init__.py").exists()
    assert [name for name in MODULES if any(item.startswith("inside") for item in own_imports(name))] == []


@pytest.mark.parametrize("library", DOORS)
def test_each_library_has_its_door(library: str) -> None:
    """
    Tables, templates, bars, processes: each is imported in its room only; what unpickles, and TensorFlow, in none.
    """
    users = {
        room(name) for name, path in MODULES.items() if library in {item.split(".")[0] for item in imported(tree(path))}
    }

    assert users <= DOORS[library]


@pytest.mark.parametrize("function", CALLS)
def test_one_place_speaks_and_one_place_exits(function: str) -> None:
    """
    Only the command line and the progress print, and only the entry point ends the process.
    """
    users = {room(name) for name, path in MODULES.items() if function in calls(tree(path))}

    assert users <= CALLS[function]


@pytest.mark.parametrize("path", [*HOST, *GUESTS], ids=label)
def test_modules_are_short(path: Path) -> None:
    """
    At most 300 lines with something on them, and a name that says what is in it.
    """
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]

    assert len(lines) <= 300
    assert not re.search(r"util|helper|manager|common|misc", path.stem)


@pytest.mark.parametrize("path", [*HOST, *GUESTS], ids=label)
def test_functions_are_short(path: Path) -> None:
    """
    At most 45 lines from `def` to the last one.
    """
    lengths = {item.name: (item.end_lineno or 0) - item.lineno + 1 for item in functions(tree(path))}

    assert {name: length for name, length in lengths.items() if length > 45} == {}


@pytest.mark.parametrize("path", HOST, ids=label)
def test_no_error_is_swallowed(path: Path) -> None:
    """
    Nothing catches everything but the one place that reports bugs, and no handler does nothing.
    """
    found = swallowed(path.read_text(encoding="utf-8"))

    assert len(found) == (path.name == "cli.py")


@pytest.mark.parametrize("path", GUESTS, ids=label)
def test_no_guest_ignores_an_error_in_silence(path: Path) -> None:
    """
    A guest may catch whatever Keras raises, but never to do nothing.
    """
    handlers = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler)]

    assert [node.lineno for node in handlers if node.type is None or isinstance(node.body[0], ast.Pass)] == []


@pytest.mark.parametrize("path", sorted([*HOST, *PACKAGE.rglob("templates/*.j2")]), ids=label)
def test_no_text_is_markup(path: Path) -> None:
    """
    Everything on a page is escaped: nothing is declared safe.
    """
    assert unescaped(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [*HOST, *GUESTS], ids=label)
def test_no_release_is_written_into_code(path: Path) -> None:
    """
    The matrix finds out what breaks where; versions are data.
    """
    assert releases(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", TESTS, ids=label)
def test_every_test_states_a_fact(path: Path) -> None:
    """
    The docstring of each test says what is true.
    """
    tests = [item for item in functions(tree(path)) if item.name.startswith("test_")]

    assert [item.name for item in tests if not ast.get_docstring(item)] == []


@pytest.mark.parametrize("path", TESTS, ids=label)
def test_nothing_is_patched(path: Path) -> None:
    """
    Effects come in as arguments, so no test replaces a part of the house.
    """
    assert [name for name in imported(tree(path)) if name.startswith(("unittest.mock", "mock"))] == []
    assert [name for name in calls(tree(path)) if name in {"monkeypatch.setattr", "mocker.patch"}] == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param(too_new, "if (x := 1): pass", id="walrus"),
        pytest.param(too_new, "def f(x, /): pass", id="positional-only"),
        pytest.param(too_new, "match x:\n    case 1: pass", id="match"),
        pytest.param(too_new, "import importlib.metadata", id="newer-module"),
        pytest.param(too_new, "from importlib import metadata", id="newer-module-from-its-package"),
        pytest.param(too_new, "import functools\n@functools.cache\ndef f(): pass", id="newer-function"),
        pytest.param(too_new, "from math import prod", id="newer-function-by-name"),
        pytest.param(too_new, "'x'.removeprefix('x')", id="newer-method"),
        pytest.param(too_new, "path.unlink(missing_ok=True)", id="newer-argument"),
        pytest.param(too_new, "import distutils", id="gone"),
        pytest.param(foreign, "import pandas", id="foreign"),
        pytest.param(foreign, "from matrix.model import Format", id="host"),
        pytest.param(swallowed, "try: f()\nexcept ValueError: pass", id="pass"),
        pytest.param(swallowed, "try: f()\nexcept: g()", id="bare"),
        pytest.param(swallowed, "try: f()\nexcept (OSError, Exception): g()", id="everything-in-a-tuple"),
        pytest.param(
            swallowed, "try: f()\nexcept BaseException as e: raise X from e", id="everything-under-another-name"
        ),
        pytest.param(unescaped, "{{ text | safe }}", id="safe"),
        pytest.param(unescaped, "from markupsafe import Markup", id="markup"),
        pytest.param(unescaped, "{% autoescape false %}", id="autoescape"),
        pytest.param(releases, "if version == '2.12': pass", id="release"),
        pytest.param(releases, "def f():\n    'Fine: 2.12'\n    return 'tf-2.12.1'", id="release-in-an-id"),
    ],
)
def test_each_rule_notices_a_breach(rule: Callable[[str], list[object]], text: str) -> None:
    """
    A rule that finds nothing in bad code would find nothing in ours.
    """
    assert len(rule(text)) >= 1


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param(too_new, "import importlib.util\nx = {**a}\nx.prod()", id="old-enough"),
        pytest.param(foreign, "import os.path, numpy, tensorflow as tf\nfrom . import arrays", id="at-home"),
        pytest.param(swallowed, "try: f()\nexcept BaseException:\n    stop()\n    raise", id="raised-again"),
        pytest.param(unescaped, "safe_mode=False, autoescape=True", id="escaped"),
        pytest.param(releases, "'''2.12'''\nx = '3.11', '2.x', 'since 2.12'", id="explained"),
    ],
)
def test_no_rule_sees_what_is_not_there(rule: Callable[[str], list[object]], text: str) -> None:
    """
    What only looks like a breach is none.
    """
    assert rule(text) == []
