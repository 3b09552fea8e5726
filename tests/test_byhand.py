"""What `why` prints for those who want to see it themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from fakes import scenario

from matrix.byhand import command, script
from matrix.model import Cell, Environment, Format, Rung, Variant, Way
from matrix.plan import ladder, own_rung

FILE = Path("/store/it's/model.h5")


def of(variant: str, kind: str) -> str:
    """Return the program of one kind of cell."""
    cell = Cell(writer="a", reader="b", scenario="custom_fake", variant=Variant(variant), format=Format(kind))
    return script(cell, FILE, scenario("custom_fake"))


@pytest.mark.parametrize("kind", Format)
@pytest.mark.parametrize("variant", Variant)
def test_every_program_is_python(variant: str, kind: str) -> None:
    """
    Whatever is in the names, and each names its file.
    """
    program = of(variant, kind)

    compile(program, "by hand", "exec")
    assert repr(str(FILE)) in program


def test_a_bare_file_is_open_before_its_code_is_seen() -> None:
    """
    Code that registers itself would help a file that must do without.
    """
    program = of("bare", "keras")

    assert program.index("load_model(") < program.index("run_path")


def test_each_variant_meets_the_loader_in_its_own_way() -> None:
    """
    By `custom_objects`, by the registry, or with weights alone.
    """
    assert 'custom_objects=code["CUSTOM_OBJECTS"])' in of("custom_objects", "h5")
    assert "register_keras_serializable" in of("registered", "h5")
    assert "register_keras_serializable" not in of("custom_objects", "h5")
    assert "load_weights" in of("bare", "weights_h5")
    assert "load_model" not in of("bare", "weights_h5")


def test_a_command_can_be_pasted(tmp_path: Path) -> None:
    """
    A shell runs the program in the environment, with its variables.
    """
    python = tmp_path / "it's here" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$TF_USE_LEGACY_KERAS"\ncat\n', encoding="utf-8")
    python.chmod(0o755)
    environment = Environment(
        id="tf-2.19+legacy", python="3.11", tensorflow="2.19.1", variables=(("TF_USE_LEGACY_KERAS", "1"),)
    )

    said = subprocess.run(
        ["sh", "-c", command(environment, python, of("bare", "h5"))], capture_output=True, text=True, check=True
    ).stdout

    assert said == f"1\n{of('bare', 'h5')}\n"


@pytest.mark.parametrize("kind", Format)
@pytest.mark.parametrize("variant", Variant)
def test_every_rung_is_a_program(variant: Variant, kind: Format) -> None:
    """
    Each of a ladder, no two alike, and each names its file.
    """
    cell = Cell(writer="a", reader="b", scenario="custom_fake", variant=variant, format=kind)
    rungs = (own_rung(cell), *ladder(cell, tuple(Variant), safe_mode=True))

    programs = [script(cell, FILE, scenario("custom_fake"), rung) for rung in rungs]

    for program in programs:
        compile(program, "by hand", "exec")
        assert repr(str(FILE)) in program
    assert len(set(programs)) == len(rungs)


def test_a_remedy_is_shown_as_what_it_changes() -> None:
    """
    Options in the call, the model itself where `predict` fails, and our files where Keras has no function.
    """

    def by(rung: Rung, kind: Format = Format.H5, variant: Variant = Variant.BARE) -> str:
        cell = Cell(writer="a", reader="b", scenario="custom_fake", variant=variant, format=kind)
        return script(cell, FILE, scenario("custom_fake"), rung)

    assert 'model.h5", compile=False)' in by(Rung(compile=False))
    assert "answer = model(inputs)" in by(Rung(call=True))
    assert ".predict(" not in by(Rung(call=True))
    assert "TFSMLayer(" in by(Rung(way=Way.TFSM), Format.SAVED_MODEL)
    assert 'signatures["serving_default"]' in by(Rung(way=Way.RAW_SAVED_MODEL), Format.SAVED_MODEL)
    assert "filling.fill(model, stored.variables(" in by(Rung(way=Way.WEIGHTS))
    assert "translation.translated(config, dialect), {})" in by(Rung(way=Way.CONFIG_PATCH))
    handed = by(Rung(way=Way.CONFIG_PATCH, code=Variant.CUSTOM_OBJECTS), variant=Variant.REGISTERED)
    assert '"scenario>"' in handed


def test_what_is_bare_is_open_before_its_code_is_seen_by_any_rung() -> None:
    """
    A translated config too; only its weights come later.
    """
    cell = Cell(writer="a", reader="b", scenario="custom_fake", variant=Variant.BARE, format=Format.H5)
    for rung in (Rung(compile=False), Rung(way=Way.CONFIG_PATCH)):
        program = script(cell, FILE, scenario("custom_fake"), rung)

        assert program.index("model = ") < program.index("run_path")
