"""The table that tells where the rules of the translation come from."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from matrix import catalog

PACKAGE = Path(__file__).parents[1] / "matrix"
TABLE = tomllib.loads((PACKAGE / "data" / "translation.toml").read_text(encoding="utf-8"))


def rules() -> list[str]:
    """The names of the rules, in their order, as the guest has them."""
    syntax = ast.parse((PACKAGE / "inside" / "translation.py").read_text(encoding="utf-8"))
    for node in syntax.body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "RULES"
            and isinstance(node.value, ast.Tuple)
        ):
            return [ast.unparse(name) for name in node.value.elts]
    raise LookupError("RULES")


def test_every_rule_has_a_source_and_a_pair(tmp_path: Path) -> None:
    """
    In code at a tag, and of environments of the catalogue: what nothing proves is a guess.
    """
    known = {item.id for item in catalog.environments(tmp_path)}

    assert list(TABLE) == rules()
    for proof in TABLE.values():
        assert set(proof) == {"source", "writer", "reader", "model"}
        assert proof["source"].startswith("https://github.com/")
        assert {proof["writer"], proof["reader"]} <= known
        assert proof["writer"] != proof["reader"]
