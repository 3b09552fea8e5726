"""A believable run without any TensorFlow: every letter, every kind of trouble, in any size."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

from matrix.model import Cell, Environment, Format, Scenario, Stage, Status, Tolerance, Variant, digest
from matrix.plan import ladder, own_rung
from matrix.results import Attempt, EnvironmentReport, Result, Run

KERAS = {
    "1.15": "",
    "2.0": "",
    "2.1": "",
    "2.2": "",
    "2.3": "",
    "2.4": "",
    "2.5": "",
    **{f"2.{minor}": f"2.{minor}.0" for minor in range(6, 16)},
    "2.16": "3.3.3",
    "2.17": "3.5.0",
    "2.18": "3.7.0",
    "2.19": "3.10.0",
    "2.20": "3.11.3",
    "2.21": "3.13.1",
}
SMALL = ("2.4", "2.9", "2.12", "2.13", "2.15", "2.16", "2.19", "2.21")
QUESTIONS = {
    "sequential": "Does a plain Sequential model survive the trip?",
    "functional": "Does a functional model with two inputs survive the trip?",
    "custom_layer": "Does a layer with its own get_config survive the trip?",
    "custom_activation": "Does an activation given as a function survive the trip?",
    "lambda_layer": "Does a Lambda layer survive the trip?",
    "batch_norm": "Do moving statistics survive the trip?",
    "string_loss": "Does a model compiled with a loss by name survive the trip?",
    "multi_backend": "Does a model of preprocessing layers survive the trip?",
    "subclassed": "Does a subclassed model survive the trip?",
}
CUSTOM = {"custom_layer", "custom_activation", "lambda_layer", "subclassed"}
TRACEBACK = """Traceback (most recent call last):
  File "keras/src/saving/saving_api.py", line 196, in load_model
    return legacy_h5_format.load_model_from_hdf5(
  File "keras/src/legacy/saving/legacy_h5_format.py", line 155, in load_model_from_hdf5
    **saving_utils.compile_args_from_training_config(
{error}
"""
LONG = """{0} filepath=/home/you/artifacts/{1}/model.keras, config={{'module': 'keras.src.models', 'class_name':
'Functional', 'config': {{'name': 'model_{1}', 'layers': [{{'class_name': 'Dense', 'config': {{'units': 3, 'activation':
'relu', 'kernel_initializer': {{'module': 'keras.initializers', 'class_name': 'GlorotUniform', 'config': {{}}}}}}}}]}}}}

Arguments received by Functional.call():
  \N{BULLET} inputs=tf.Tensor(shape=(2, 4), dtype=float32)"""
Trouble = tuple[str, str, str, Stage]
LOSS: Trouble = (
    "TypeError",
    "Could not locate function 'mse'. Make sure custom classes are decorated with `@register(...)`.",
    "Could not locate function <name>.",
    Stage.COMPILE,
)
NO_SAVED_MODEL: Trouble = (
    "ValueError",
    "File format not supported: filepath=model. Keras 3 only supports V3 `.keras` and legacy H5 files.",
    "File format not supported: filepath=<path>.",
    Stage.READ,
)
UNKNOWN_LAYER: Trouble = (
    "ValueError",
    "Unknown layer: Scale. Please ensure this object is passed to the `custom_objects` argument.",
    "Unknown layer: <name>.",
    Stage.CONFIG,
)
MOVED: Trouble = (
    "ModuleNotFoundError",
    "No module named 'keras.src.engine'",
    "No module named <name>",
    Stage.CONFIG,
)
NO_HDF5: Trouble = ("NotImplementedError", "Saving to HDF5 needs a functional model.", "", Stage.SAVE)
LAMBDA: Trouble = ("SystemError", "unknown opcode", "unknown opcode", Stage.PREDICT)


def number(minor: str) -> tuple[int, ...]:
    """A minor as numbers, so that 2.4 comes before 2.13."""
    return tuple(map(int, minor.split(".")))


def environment(minor: str) -> Environment:
    """One TensorFlow of the table, with a lock that looks like one."""
    python = "3.7" if number(minor) < (2, 2) else "3.8" if number(minor) < (2, 5) else "3.11"
    return Environment(
        id=f"tf-{minor}",
        python=python,
        tensorflow=f"{minor}.1",
        keras=KERAS[minor],
        requirements=(f"tensorflow-cpu=={minor}.1",),
        lock=f"tensorflow-cpu=={minor}.1 --hash=sha256:{digest(minor)}\n",
        profiles=frozenset({"full", "default"}),
        download=250_000_000,
    )


def reported(minor: str, *, broken: str = "") -> EnvironmentReport:
    """An environment that was had, or the sentence why not."""
    asked = environment(minor)
    if broken:
        return EnvironmentReport(environment=asked, error=broken, remedy="uv python install 3.8")
    absent = [] if asked.generation == 3 or number(minor) >= (2, 13) else [(Format.EXPORT, "model.export is not there")]
    if asked.generation == 3:
        absent.append((Format.SAVED_MODEL, 'save_format="tf" is not there'))
    return EnvironmentReport(
        environment=asked,
        python=f"{asked.python}.7",
        tensorflow=asked.tensorflow,
        keras=asked.keras or "2.4.0",
        numpy="1.26.4",
        h5py="3.12.1",
        unsupported=tuple(absent),
    )


def scenario(name: str, title: str) -> Scenario:
    """One question; those with custom code meet the loader in three ways."""
    return Scenario(
        name=name,
        path=Path("scenarios") / f"{name}.py",
        title=title,
        digest=digest(name),
        variants=tuple(Variant) if name in CUSTOM else (Variant.BARE,),
        tolerance=Tolerance(absolute=1e-4) if name == "batch_norm" else Tolerance(),
    )


def failed(trouble: Trouble, rung: str, seconds: float, frames: str) -> tuple[Attempt, tuple[str, str]]:
    """An attempt that raised, and its traceback."""
    exception, message, signature, stage = trouble
    text = frames.format(error=f"{exception}: {signature}")
    attempt = Attempt(
        rung=rung,
        status=Status.FAIL,
        stage=stage,
        exception=exception,
        message=message,
        signature=signature,
        traceback=sys.intern(digest(text)),
        seconds=seconds,
    )
    return attempt, (attempt.traceback, text)


def predicted(rung: str, status: Status, error: float, seconds: float) -> Attempt:
    """An attempt that got as far as numbers."""
    return Attempt(
        rung=rung,
        status=status,
        stage=Stage.COMPARE,
        max_abs_error=error,
        max_rel_error=error * 2,
        argmax_flips=0 if status is Status.PASS else 3,
        seconds=seconds,
    )


class Story:
    """Decides each cell from plain rules, and remembers the tracebacks."""

    def __init__(self, *, seed: int, broken: frozenset[str], signatures: int, climbs: bool) -> None:
        self.state = seed
        self.broken = broken
        self.signatures = signatures
        self.climbs = climbs
        self.tracebacks: dict[str, str] = {}

    def __call__(self, cell: Cell, writer: Environment, reader: Environment) -> Result:
        """One cell, told from the versions of its pair."""
        if writer.id in self.broken or reader.id in self.broken:
            return Result(cell=cell, status=Status.ENVIRONMENT, reason="The environment could not be built.")
        if cell.format is Format.SAVED_MODEL and writer.generation == 3:
            return Result(cell=cell, status=Status.UNSUPPORTED, reason='save_format="tf" is not there')
        if cell.format is Format.EXPORT and number(writer.id[3:]) < (2, 13):
            return Result(cell=cell, status=Status.UNSUPPORTED, reason="model.export is not there")
        if cell.scenario == "subclassed" and cell.format is Format.H5:
            return Result(cell=cell, status=Status.NOT_SAVED, writer_error=self.fail(NO_HDF5))
        return self.measured(cell, writer, reader)

    def chance(self) -> float:
        """The next of a fixed row of numbers from 0 to 1."""
        self.state = (self.state * 1_103_515_245 + 12_345) % 2**31
        return self.state / 2**31

    def fail(self, trouble: Trouble, rung: str = "as it is", frames: str = TRACEBACK) -> Attempt:
        """A raised attempt, its traceback remembered."""
        attempt, (key, text) = failed(trouble, rung, round(0.05 + 2 * self.chance(), 4), frames)
        self.tracebacks[key] = text
        return attempt

    def measured(self, cell: Cell, writer: Environment, reader: Environment) -> Result:
        """What a reader answered."""
        container = "hdf5" if cell.format in {Format.H5, Format.WEIGHTS_H5} else "zip"
        own = "as it is" if cell.variant is Variant.BARE else str(cell.variant)
        trouble = self.trouble(cell, writer, reader)
        if cell.scenario == "lambda_layer" and cell.format is Format.KERAS and writer.python != reader.python:
            dead = Attempt(rung=own, status=Status.CRASH, stage=Stage.PREDICT, message="killed by SIGSEGV")
            return Result(cell=cell, status=Status.CRASH, attempts=(dead,), container=container)
        if cell.scenario == "multi_backend" and trouble is None and cell.format is Format.EXPORT:
            late = Attempt(
                rung=own, status=Status.TIMEOUT, stage=Stage.PREDICT, message="killed after 60 s", seconds=60
            )
            return Result(cell=cell, status=Status.TIMEOUT, attempts=(late,), container=container)
        if trouble is None:
            drifts = cell.scenario == "batch_norm" and writer.generation != reader.generation
            status, error = (Status.DRIFT, 0.0312) if drifts else (Status.PASS, 3e-7)
            attempt = predicted(own, status, error, round(0.05 + self.chance() / 3, 4))
            return Result(cell=cell, status=status, attempts=(attempt,), container=container)
        if self.climbs:
            return self.climbed_far(cell, trouble, reader.id, container)
        return self.climbed(cell, trouble, own, container)

    def climbed_far(self, cell: Cell, trouble: Trouble, reader: str, container: str) -> Result:
        """The ladder as a real run climbs it: every rung, and the file and the model in each message."""
        exception, message, signature, stage = trouble
        said = sys.intern(LONG.format(message, digest(cell.save.id)))
        short: Trouble = (exception, sys.intern(said[:300]), signature, stage)
        frames = TRACEBACK.replace("{error}\n", f"  in {reader}\n") * 4 + "{error}\n"
        variants = tuple(Variant) if cell.scenario in CUSTOM else (Variant.BARE,)
        rungs = (own_rung(cell), *ladder(cell, variants, safe_mode=True))
        own, *names = [rung.name for rung in rungs if not rung.call]  # tried where `predict` fails, which it does not
        remedy = names[int(self.chance() * len(names))] if names and self.chance() < 0.4 else ""
        failing = names[: names.index(remedy)] if remedy else names
        tried = [self.fail((exception, said, signature, stage), own, frames)]
        tried += [self.fail(short, rung, frames) for rung in failing]
        tried += [predicted(remedy, Status.PASS, 2e-7, round(self.chance(), 4))] if remedy else []
        status = Status.REMEDIED if remedy else Status.FAIL
        return Result(cell=cell, status=status, attempts=tuple(tried), remedy=remedy, container=container)

    def climbed(self, cell: Cell, trouble: Trouble, own: str, container: str) -> Result:
        """The ladder, up to the rung that passes."""
        first = self.fail(trouble, own)
        remedy = {Stage.COMPILE: "compile=False", Stage.CONFIG: "custom_objects"}.get(trouble[3], "")
        if trouble is MOVED or remedy in {"", own}:
            more = [self.fail(trouble, rung) for rung in ("compile=False", "safe_mode=False")]
            tried = (first, *more)
            return Result(cell=cell, status=Status.FAIL, attempts=tried, container=container, cause="api_moved")
        return Result(
            cell=cell,
            status=Status.REMEDIED,
            attempts=(first, predicted(remedy, Status.PASS, 2e-7, 0.3)),
            remedy=remedy,
            container=container,
            cause="loss_by_name" if trouble is LOSS else "custom_code_unknown",
        )

    def trouble(self, cell: Cell, writer: Environment, reader: Environment) -> Trouble | None:
        """Why this cell does not simply work, if so."""
        h5, keras = cell.format is Format.H5, cell.format is Format.KERAS
        newer = writer.generation < reader.generation
        if self.signatures and self.chance() < 0.28:
            name = int(self.chance() * self.signatures)
            said = f"Trouble {name} at layer {self.chance()}"
            if self.climbs:  # as it does, a file fails in neighbouring readers with the same words
                name = int(digest(cell.scenario, cell.format, reader.id[:-1]), 16) % self.signatures
                said = f"Trouble {name}."
            return ("ValueError", said, f"Trouble <{name}>", Stage.CONFIG)
        if cell.format is Format.SAVED_MODEL and reader.generation == 3:
            return NO_SAVED_MODEL
        if cell.scenario == "lambda_layer" and writer.python != reader.python:
            return LAMBDA
        custom = cell.scenario in {"custom_layer", "custom_activation"}
        if custom and (h5 or keras) and cell.variant is Variant.BARE:
            return UNKNOWN_LAYER
        if keras and newer and cell.scenario != "sequential":
            return MOVED
        return LOSS if h5 and newer and cell.scenario in {"string_loss", "functional"} else None


def run(
    minors: tuple[str, ...] = SMALL,
    *,
    broken: frozenset[str] = frozenset({"tf-2.9"}),
    focus: tuple[str, str] = ("tf-2.15", "tf-2.21"),
    questions: dict[str, str] | None = None,
    signatures: int = 0,
    climbs: bool = False,
    complete: bool = True,
    seed: int = 7,
) -> Run:
    """A whole run of these TensorFlow minors: all pairs, all scenarios, all formats."""
    scenarios = tuple(scenario(name, title) for name, title in (questions or QUESTIONS).items())
    error = "Python 3.8 is not on this machine and could not be downloaded."
    reports = tuple(reported(minor, broken=error if f"tf-{minor}" in broken else "") for minor in minors)
    story = Story(seed=seed, broken=broken, signatures=signatures, climbs=climbs)
    environments = {report.environment.id: report.environment for report in reports}
    results = tuple(
        story(cell, environments[cell.writer], environments[cell.reader]) for cell in cells(environments, scenarios)
    )
    whole = Run(
        id="2026-05-02T14-10-00",
        started="2026-05-02T14:10:00Z",
        finished="2026-05-02T16:02:00Z",
        seconds=6720.0,
        command="run --from tf-2.15 --to tf-2.21",
        profile="default",
        complete=True,
        focus=focus,
        environments=reports,
        scenarios=scenarios,
        results=results,
        tracebacks=tuple(sorted(story.tracebacks.items())),
        left_out=(("ragged", "needs TensorFlow >= 2.22, which no environment of this run has"),),
        machine=(("platform", "Linux x86_64"), ("python", "3.11.7"), ("cores", "2"), ("tool", "0.1.0")),
        cached=12,
    )
    return whole if complete else interrupted(whole)


def full(minors: tuple[str, ...] = tuple(KERAS)) -> Run:
    """A run as large as the full profile: 65 cells a pair, of which a third climbs a ladder of up to ten rungs."""
    questions = {name: QUESTIONS[name] for name in ("functional", *sorted(CUSTOM))}
    return run(minors, broken=frozenset(), questions=questions, signatures=100, climbs=True)


def large(scenarios: int) -> Run:
    """A run of 25 environments, and as many scenarios, 3,125 cells each, with 300 signatures."""
    KERAS.update({"2.22": "3.14.0", "2.23": "3.15.0"})
    questions = {f"question_{number}": f"Does model {number} survive the trip?" for number in range(scenarios)}
    try:
        return run(tuple(KERAS), broken=frozenset(), questions=questions, signatures=300)
    finally:
        del KERAS["2.22"], KERAS["2.23"]


def cells(environments: dict[str, Environment], scenarios: tuple[Scenario, ...]) -> Iterator[Cell]:
    """Every square, in the order of the axes."""
    for writer, reader, one in product(environments, environments, scenarios):
        for variant, format_ in product(one.variants, one.formats):
            yield Cell(writer=writer, reader=reader, scenario=one.name, variant=variant, format=format_)


def interrupted(whole: Run) -> Run:
    """The same run, stopped when three quarters of its cells were done."""
    done = len(whole.results) * 3 // 4
    rest = (Result(cell=one.cell, status=Status.NOT_RUN, reason="The run was stopped.") for one in whole.results[done:])
    return replace(whole, complete=False, results=(*whole.results[:done], *rest))
