"""The worker by its protocol alone, on the interpreter that runs this file: 3.7 or later, with numpy."""

import base64
import json
import os
import subprocess
import sys
import sysconfig
import time
import venv

import numpy
import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GUEST = os.path.join(os.path.dirname(TESTS), "matrix", "inside")
FILES = {
    "h5": "model.h5",
    "keras": "model.keras",
    "saved_model": "saved",
    "export": "export",
    "weights_h5": "model.weights.h5",
}
RUNG = {
    "name": "rung",
    "way": "own",
    "custom_objects": False,
    "packaged": False,
    "compile": True,
    "safe_mode": True,
    "call": False,
}
REQUEST = {
    "request": "1",
    "code": "load",
    "inputs": {},
    "timeout": 20,
    "memory": 2 << 30,
    "isolation": "group",
}


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An environment on this interpreter that holds numpy and the fake TensorFlow."""
    folder = str(tmp_path_factory.mktemp("fake") / "env")
    venv.create(folder, symlinks=True)
    site = os.path.join(folder, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    with open(os.path.join(site, "host.pth"), "w") as file:
        file.write(sysconfig.get_paths()["purelib"])
    with open(os.path.join(TESTS, "faketf", "tensorflow.py")) as source:
        with open(os.path.join(site, "tensorflow.py"), "w") as target:
            target.write(source.read())
    return os.path.join(folder, "bin", "python")


class Worker:
    """The host's end, in twenty lines."""

    def __init__(self, python, version="2.0.0", **variables):
        self.process = subprocess.Popen(
            [python, "-I", "-B", GUEST],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(PATH=os.environ["PATH"], OPENBLAS_NUM_THREADS="1", FAKETF_VERSION=version, **variables),
        )
        self.greeting = json.loads(self.process.stdout.readline().decode())

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(20) == 0

    def ask(
        self,
        scenario,
        cells,
        task="load",
        code="load",
        custom_objects=False,
        way="own",
        call=False,
        inputs=None,
        timeout=20,
        isolation="group",
    ):
        """Send one group, all its cells by one rung, and return its transcripts by cell."""
        rung = dict(RUNG, custom_objects=custom_objects, way=way, call=call)
        cells = [dict({"resave": None}, **dict(cell, rung=rung)) for cell in cells]
        request = dict(REQUEST, task=task, code=code, cells=cells, timeout=timeout, isolation=isolation)
        request["scenario"] = {"name": scenario, "path": os.path.join(TESTS, "scenarios", scenario + ".py")}
        request["inputs"] = {"x": inputs}
        self.process.stdin.write((json.dumps(request) + "\n").encode())
        self.process.stdin.flush()
        said = {}
        while True:
            facts = json.loads(self.process.stdout.readline().decode())
            if facts.get("done"):
                return said
            said[facts["cell"]] = facts

    def save(self, scenario, folder, code="load", **more):
        """Save a scenario in every format and return the answers by format."""
        cells = [{"id": kind, "format": kind, "path": str(folder / name)} for kind, name in FILES.items()]
        return self.ask(scenario, cells, task="save", code=code, **more)

    def load(self, scenario, folder, kind, inputs, code="load", **rung):
        """Load one artifact and return the transcript."""
        cell = {"id": kind, "format": kind, "path": str(folder / FILES[kind]), "inputs": "x"}
        return self.ask(scenario, [cell], code=code, inputs=inputs, **rung)[kind]


def array(packed):
    """Return the one array of an answer."""
    data = base64.b64decode(packed["data"])
    return numpy.frombuffer(data, packed["dtype"]).reshape(packed["shape"])


def test_greets_with_what_it_found(python):
    """
    The first line tells the versions, and what this Keras can do.
    """
    with Worker(python, "3.1.4") as worker:
        hello = worker.greeting["hello"]

    assert hello["tensorflow"] == "3.1.4"
    assert hello["python"] == "%d.%d.%d" % sys.version_info[:3]
    assert hello["safe_mode"] is True
    assert hello["register"] is True
    assert hello["tfsm"] is True


@pytest.mark.parametrize("kind", sorted(FILES))
def test_a_round_trip_predicts_the_same(python, tmp_path, kind):
    """
    Each format is saved, loaded in its own way, and predicts what its writer did.
    """
    with Worker(python) as worker:
        saved = worker.save("plain_fake", tmp_path)[kind]["answer"]["saved"]
        loaded = worker.load("plain_fake", tmp_path, kind, saved["inputs"])["answer"]["loaded"]

    assert numpy.array_equal(array(saved["outputs"]), array(loaded["outputs"]))


@pytest.mark.parametrize(
    ("version", "kind", "rung"),
    [
        pytest.param("2.0.0", "h5", {"call": True}, id="call"),
        pytest.param("2.0.0", "weights_h5", {"call": True}, id="call-after-weights"),
        pytest.param("2.0.0", "saved_model", {"way": "raw_saved_model"}, id="signature"),
        pytest.param("3.0.0", "saved_model", {"way": "tfsm"}, id="layer"),
        pytest.param("3.0.0", "export", {"way": "tfsm"}, id="layer-of-an-export"),
    ],
)
def test_other_ways_to_load_predict_the_same(python, tmp_path, version, kind, rung):
    """
    Each in the form of `predict`: an array, or a list of some.
    """
    with Worker(python) as worker:
        saved = worker.save("plain_fake", tmp_path)[kind]["answer"]["saved"]
    with Worker(python, version) as worker:
        loaded = worker.load("plain_fake", tmp_path, kind, saved["inputs"], **rung)["answer"]["loaded"]

    assert numpy.array_equal(array(saved["outputs"]), array(loaded["outputs"]))


@pytest.mark.parametrize("again", sorted(FILES))
def test_a_model_that_was_loaded_is_saved_again(python, tmp_path, again):
    """
    In a format of the reader's own, where it was told to and nowhere else.
    """
    resave = {"format": again, "path": str(tmp_path / "again" / FILES[again])}
    (tmp_path / "again").mkdir()
    with Worker(python) as worker:
        saved = worker.save("plain_fake", tmp_path)["h5"]["answer"]["saved"]
        cell = {"id": "h5", "format": "h5", "path": str(tmp_path / FILES["h5"]), "inputs": "x", "resave": resave}
        said = worker.ask("plain_fake", [cell], inputs=saved["inputs"])["h5"]
        loaded = worker.load("plain_fake", tmp_path / "again", again, saved["inputs"])["answer"]["loaded"]

    assert said["stage"] == "resave"
    assert numpy.array_equal(array(said["answer"]["loaded"]["outputs"]), array(saved["outputs"]))
    assert numpy.array_equal(array(loaded["outputs"]), array(saved["outputs"]))


def test_saved_weights_are_never_the_initial_ones(python, tmp_path):
    """
    A reader that builds the same model and loads nothing predicts something else: kernels begin as ones here.
    """
    with Worker(python) as worker:
        saved = worker.save("plain_fake", tmp_path)["h5"]["answer"]["saved"]

    untouched = array(saved["inputs"]) @ numpy.ones((4, 3), "float32")
    assert numpy.abs(array(saved["outputs"]) - untouched).max() > 0.1


def test_saved_models_were_fitted(python, tmp_path):
    """
    One batch is fitted before the save, so that the optimizer has state to lose.
    """
    with Worker(python) as worker:
        worker.save("plain_fake", tmp_path)

    assert json.loads((tmp_path / FILES["h5"]).read_bytes()[8:].decode())["steps"] == 1


def test_a_weights_file_that_matched_nothing_predicts_nan(python, tmp_path):
    """
    The model is filled with NaN before its weights are loaded: silence is no pass.
    """
    with Worker(python) as worker:
        saved = worker.save("plain_fake", tmp_path)["weights_h5"]["answer"]["saved"]
    with Worker(python, FAKETF_LAZY="1") as worker:
        loaded = worker.load("plain_fake", tmp_path, "weights_h5", saved["inputs"])["answer"]["loaded"]

    assert numpy.isnan(array(loaded["outputs"])).all()


def test_a_class_registered_by_one_load_is_unknown_to_the_next(python, tmp_path):
    """
    A file that names a registered class opens where it is registered, and not in a bare load after that: no false pass.
    """
    with Worker(python) as worker:
        inputs = worker.save("custom_fake", tmp_path, code="register")["h5"]["answer"]["saved"]["inputs"]
        first = worker.load("custom_fake", tmp_path, "h5", inputs, code="register")["answer"]
        answer = worker.load("custom_fake", tmp_path, "h5", inputs, code="none")["answer"]

    assert "loaded" in first
    assert [problem["message"] for problem in answer["raised"]] == ["Unknown layer: 'scenario>Double'"]


def test_a_bare_load_never_runs_the_scenario(python, tmp_path):
    """
    A class that registers itself at import is unknown to a bare load, for nobody imports it there.
    """
    with Worker(python) as worker:
        inputs = worker.save("self_registering", tmp_path)["h5"]["answer"]["saved"]["inputs"]
        answer = worker.load("self_registering", tmp_path, "h5", inputs, code="none")["answer"]

    assert [problem["message"] for problem in answer["raised"]] == ["Unknown layer: 'own>Double'"]


def test_the_module_name_in_a_file_leads_nowhere(python, tmp_path):
    """
    A loader that imports a class by the module name in the file does not find the scenario that a reader has loaded.
    """
    with Worker(python) as worker:
        inputs = worker.save("custom_fake", tmp_path)["h5"]["answer"]["saved"]["inputs"]
        answer = worker.load("custom_fake", tmp_path, "h5", inputs, code="load")["answer"]

    assert [problem["message"] for problem in answer["raised"]] == ["Unknown layer: 'Double'"]


def test_a_fork_is_refused_while_there_are_threads(python, tmp_path):
    """
    With a second thread after the import, groups run in fresh processes and come to the same numbers.
    """
    with Worker(python, FAKETF_THREAD="1") as worker:
        assert worker.greeting["hello"]["start"] == "spawn"
        saved = worker.save("plain_fake", tmp_path)["h5"]["answer"]["saved"]
        loaded = worker.load("plain_fake", tmp_path, "h5", saved["inputs"])["answer"]["loaded"]

    assert numpy.array_equal(array(saved["outputs"]), array(loaded["outputs"]))


def test_a_failed_import_is_an_answer(python):
    """
    An environment whose TensorFlow does not import says so, and ends.
    """
    with Worker(python, FAKETF_BROKEN="no such library") as worker:
        assert worker.greeting["broken"][-1]["message"] == "no such library"


def test_a_hanging_cell_is_killed_and_shows_where_it_hung(python, tmp_path):
    """
    After the time limit the child is ended, and its stack is in the noise.
    """
    cell = {"id": "h5", "format": "h5", "path": str(tmp_path / "model.h5")}
    with Worker(python) as worker:
        said = worker.ask("hangs", [cell], task="save", timeout=1)["h5"]

    assert said["ending"] == "timeout"
    assert "hangs.py" in said["noise"]


def test_a_process_left_behind_is_ended(python, tmp_path):
    """
    A grandchild with a session of its own does not outlive its group.
    """
    cell = {"id": "h5", "format": "h5", "path": str(tmp_path / "model.h5")}
    with Worker(python) as worker:
        worker.ask("forks", [cell], task="save")
        left = below(worker.process.pid)

    assert left == []


@pytest.mark.parametrize(
    ("isolation", "children", "told"),
    [
        pytest.param("group", 1, [True, False, True, False], id="group"),
        pytest.param("cell", len(FILES), [True, False, True, False], id="cell"),
        pytest.param("fresh", len(FILES), [False, True, False, False], id="fresh"),
    ],
)
def test_isolation_says_what_a_child_is_and_how_it_asks(python, tmp_path, isolation, children, told):
    """
    One fork for a group or for each cell asks by a pipeline and trains op by op; a fresh process does as users do.
    """
    with Worker(python) as worker:
        answers = [said["answer"] for said in worker.save("tells", tmp_path, isolation=isolation).values()]

    facts = [list(array(answer["saved"]["outputs"])[0]) for answer in answers]
    assert len({pid for _, _, pid, _, _ in facts}) == children
    assert [[fed, fresh, stepwise, after] for fed, fresh, _, stepwise, after in facts] == [told] * len(FILES)


def test_two_inputs_are_never_taken_for_inputs_and_targets(python, tmp_path):
    """
    A pipeline holds both as inputs, floats in the type that Keras makes of arrays, integers as they are.
    """
    with Worker(python) as worker:
        piped = worker.save("tells_of_two", tmp_path)["h5"]["answer"]["saved"]
        plain = worker.save("tells_of_two", tmp_path, isolation="fresh")["h5"]["answer"]["saved"]

    assert list(array(piped["outputs"])[0]) == [4, 8, 4.0, 1.0]
    assert list(array(plain["outputs"])[0]) == [8, 8, 4.0, 1.0]
    assert piped["inputs"] == plain["inputs"]


def test_a_cell_whose_child_died_is_tried_again_in_a_fresh_process(python, tmp_path):
    """
    What counts is the second try, which finds nothing of the first; the transcript says how that one ended.
    """
    with Worker(python) as worker:
        said = worker.save("dies_in_a_fork", tmp_path)

    assert {kind: facts["first"] for kind, facts in said.items() if facts["first"]} == {"keras": "signal 9"}
    assert [kind for kind in FILES if "saved" not in said[kind]["answer"]] == []


def test_a_group_that_dies_before_its_first_cell_is_tried_again_once(python, tmp_path):
    """
    All its cells share the second try, and its end.
    """
    with Worker(python) as worker:
        said = worker.save("dies", tmp_path)

    assert [(facts["first"], facts["ending"]) for facts in said.values()] == [("signal 9", "signal 9")] * len(FILES)


def test_noise_keeps_its_beginning_and_its_end(python, tmp_path):
    """
    Of what a dead child printed, the middle is left out and counted.
    """
    with Worker(python) as worker:
        noise = worker.save("prattles", tmp_path)["h5"]["noise"]

    assert noise.startswith("first words\n")
    assert "bytes left out)\n" in noise
    assert noise.endswith("last words\n")
    assert len(noise) < 17 << 10


def test_a_worker_dies_with_its_host(python, tmp_path):
    """
    A host that is killed leaves nothing: worker, child, and grandchildren in other sessions are gone at once.
    """
    cookie = "COOKIE=%s" % tmp_path
    script = os.path.join(TESTS, "scenarios", "lingers.py")
    request = dict(REQUEST, scenario={"name": "lingers", "path": script}, timeout=3600, task="save")
    request["cells"] = [{"id": "h5", "format": "h5", "path": str(tmp_path / "model.h5"), "rung": RUNG, "resave": None}]
    command = [sys.executable, "-c", HOST, json.dumps(request), python, "-I", "-B", GUEST]
    host = subprocess.Popen(command, env={"PATH": os.environ["PATH"], "COOKIE": str(tmp_path)})
    busy = wait(lambda: len(marked(cookie)) == 4)

    host.kill()
    host.wait()

    assert busy
    assert wait(lambda: marked(cookie) == [])


HOST = """
import json, subprocess, sys
worker = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
worker.stdin.write((sys.argv[1] + chr(10)).encode())
worker.stdin.flush()
worker.stdout.read()
"""


def wait(condition):
    """Wait until something is so, and return whether it is."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def marked(cookie):
    """Return the living processes that were started with a variable."""
    return [name for name in filter(str.isdigit, os.listdir("/proc")) if cookie.encode() in variables(name)]


def variables(process):
    """Return the variables that a process was started with; none when it has ended."""
    try:
        with open("/proc/%s/environ" % process, "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def below(parent):
    """Return the process ids whose parent is `parent`."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(name))
    return found
