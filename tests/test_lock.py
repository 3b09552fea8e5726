"""Which releases become environments, and how they are locked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from matrix import entries, releases, update
from matrix.catalog import environment, toml
from matrix.config import UserEnvironment
from matrix.entries import Entry, Sdist
from matrix.errors import EnvironmentFailed, UsageError
from matrix.index import File
from matrix.lock import Locker, Question
from matrix.releases import Seeds
from matrix.requirements import parsed

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SEEDS = Seeds(
    oldest=Version("1.15"),
    newest_python="3.11",
    minimum_age=timedelta(days=7),
    cutoff=timedelta(days=3),
    profiles={"quick": ("2.12", "newest")},
)


def wheel(project: str, version: str, python: str, uploaded: datetime, *, yanked: bool = False) -> File:
    """One wheel for Linux."""
    tag = f"cp{python.replace('.', '')}"
    _, parsed_version, _, tags = parse_wheel_filename(f"{project}-{version}-{tag}-{tag}-manylinux2014_x86_64.whl")
    return File(version=parsed_version, uploaded=uploaded, yanked=yanked, tags=tags)


def any_python(version: str, uploaded: datetime, *, yanked: bool = False) -> File:
    """One wheel of tf_keras, which is the same for all."""
    _, parsed_version, _, tags = parse_wheel_filename(f"tf_keras-{version}-py3-none-any.whl")
    return File(version=parsed_version, uploaded=uploaded, yanked=yanked, tags=tags)


class Memory:
    """An index that answers from memory."""

    def __init__(self, files: Mapping[str, Sequence[File]]) -> None:
        self._files = files

    def files(self, project: str) -> tuple[File, ...]:
        """Return what was put in."""
        return tuple(self._files.get(project, ()))


def day(month: int, number: int = 1) -> datetime:
    """A day of 2025."""
    return datetime(2025, month, number, tzinfo=UTC)


INDEX = Memory(
    {
        "tensorflow-cpu": [
            wheel("tensorflow_cpu", "2.12.0", "3.11", day(1)),
            wheel("tensorflow_cpu", "2.12.1", "3.10", day(2)),
            wheel("tensorflow_cpu", "2.12.1", "3.11", day(2, 2)),
            wheel("tensorflow_cpu", "2.12.2", "3.11", day(3), yanked=True),
            wheel("tensorflow_cpu", "2.21.0", "3.12", day(4)),
            wheel("tensorflow_cpu", "2.21.0", "3.13", day(4)),
            wheel("tensorflow_cpu", "2.21.1", "3.12", NOW - timedelta(days=2)),
        ],
        "tensorflow": [
            wheel("tensorflow", "1.14.0", "3.7", day(1)),
            wheel("tensorflow", "1.15.5", "3.7", day(1)),
            wheel("tensorflow", "2.12.1", "3.11", day(2)),
            wheel("tensorflow", "2.22.0rc1", "3.12", day(5)),
        ],
        "keras": [wheel("keras", "3.13.2", "3.12", day(4, 9)), wheel("keras", "2.15.0", "3.11", day(1))],
    }
)


def with_tf_keras(*theirs: File, tensorflow: str = "2.21.0") -> Memory:
    """The index, with a whole TensorFlow and some tf_keras."""
    whole = [*INDEX.files("tensorflow"), wheel("tensorflow", tensorflow, "3.12", day(4))]
    return Memory(
        {
            "tensorflow-cpu": INDEX.files("tensorflow-cpu"),
            "keras": INDEX.files("keras"),
            "tensorflow": whole,
            "tf-keras": theirs,
        }
    )


def pylock(packages: Mapping[str, str], sources: Sequence[str] = ()) -> str:
    """A pylock.toml of these packages; `sources` have no wheel."""
    tables = []
    for name, version in packages.items():
        file = f'{{ url = "https://x/{name}-{version}.tar.gz", size = 100, hashes = {{ sha256 = "{len(name):064}" }} }}'
        wheels = "" if name in sources else f"\nwheels = [{file}]"
        tables.append(f'[[packages]]\nname = "{name}"\nversion = "{version}"\nsdist = {file}{wheels}')
    return "\n".join(tables)


KERAS_3 = pylock({"keras": "3.13.2", "tensorflow-cpu": "2.21.0"})
WITH_TF_KERAS = pylock({"keras": "3.13.2", "tensorflow": "2.21.0", "tf-keras": "2.21.0"})


def answering(text: str, asked: list[Question] | None = None) -> Callable[[Question], str]:
    """A resolver that always gives the same answer."""

    def resolve(question: Question) -> str:
        if asked is not None:
            asked.append(question)
        return text

    return resolve


def locker(text: str, asked: list[Question] | None = None) -> Locker:
    """A locker without a network."""
    return Locker(index=INDEX, resolve=answering(text, asked), seeds=SEEDS, now=NOW)


def test_the_newest_patch_of_each_minor_is_taken() -> None:
    """
    Yanked, too young, too old and unfinished releases are passed over.
    """
    chosen = releases.minors(INDEX, SEEDS, NOW)

    assert [(item.requirement, item.python) for item in chosen] == [
        ("tensorflow==1.15.5", "3.7"),
        ("tensorflow-cpu==2.12.1", "3.11"),
        ("tensorflow-cpu==2.21.0", "3.12"),
    ]


def test_a_release_grows_old_enough() -> None:
    """
    What is too young today is taken once it has been out for the minimum age.
    """
    later = releases.minors(INDEX, SEEDS, NOW + timedelta(days=5))

    assert later[-1].requirement == "tensorflow-cpu==2.21.1"


def test_profiles_follow_the_newest() -> None:
    """
    `newest` in a profile is the newest minor of the index, and `full` has them all.
    """
    chosen = releases.minors(INDEX, SEEDS, NOW)

    assert releases.profiles(chosen, SEEDS) == {
        "1.15": ("full",),
        "2.12": ("full", "quick"),
        "2.21": ("full", "quick"),
    }


def test_a_wheel_that_was_added_later_does_not_move_the_cutoff() -> None:
    """
    The upload that counts is that of the wheel for the Python of the environment.
    """
    files = [*INDEX.files("tensorflow-cpu"), wheel("tensorflow_cpu", "2.12.1", "3.9", day(12))]

    assert releases.uploaded(files, Version("2.12.1"), "3.11") == day(2, 2)


def test_packages_are_those_of_three_days_after_the_upload() -> None:
    """
    The cut-off is the newest upload among the exact pins plus the seeds' days; hashes and sizes come from the index.
    """
    asked: list[Question] = []
    release = releases.minors(INDEX, SEEDS, NOW)[1]

    entry = locker(pylock({"keras": "2.15.0", "tensorflow-cpu": "2.12.1"}), asked).release("tf-2.12", release)

    assert [question.cutoff for question in asked] == [day(2, 5)]
    assert (entry.cutoff, entry.released) == ("2025-02-05T00:00:00Z", "2025-02-02")
    assert (entry.tensorflow, entry.keras, entry.download) == ("2.12.1", "2.15.0", 200)
    assert entry.requirements == ("tensorflow-cpu==2.12.1",)
    assert entry.lock == (
        f"keras==2.15.0 \\\n    --hash=sha256:{5:064}\ntensorflow-cpu==2.12.1 \\\n    --hash=sha256:{14:064}\n"
    )


def test_keras_3_is_pinned_and_moves_the_cutoff() -> None:
    """
    Where TensorFlow leaves Keras open, the one that was current is asked for by its number.
    """
    asked: list[Question] = []
    release = releases.minors(INDEX, SEEDS, NOW)[2]

    entry = locker(pylock({"keras": "3.13.2", "tensorflow-cpu": "2.21.0"}), asked).release("tf-2.21", release)

    assert entry.requirements == ("tensorflow-cpu==2.21.0", "keras==3.13.2")
    assert [question.cutoff for question in asked] == [day(4, 4), day(4, 12)]


def test_a_sibling_takes_the_newest_tf_keras_of_its_minor() -> None:
    """
    Yanked, unfinished, too young ones and those of other minors are passed over; TensorFlow is the same, and whole.
    """
    found = with_tf_keras(
        any_python("2.20.3", day(5)),
        any_python("2.21.0", day(5, 2)),
        any_python("2.21.1", day(5, 9)),
        any_python("2.21.2", day(6), yanked=True),
        any_python("2.21.3rc0", day(6)),
        any_python("2.21.4", NOW - timedelta(days=2)),
        any_python("2.22.0", day(6)),
    )
    release = releases.minors(found, SEEDS, NOW)[-1]

    assert releases.legacy(found, SEEDS, NOW, release) == ("tensorflow==2.21.0", "tf-keras==2.21.1")


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(INDEX, id="no-tf-keras"),
        pytest.param(with_tf_keras(any_python("2.20.1", day(5))), id="none-of-this-minor"),
        pytest.param(with_tf_keras(any_python("2.21.0", day(5), yanked=True)), id="yanked"),
        pytest.param(with_tf_keras(any_python("2.21.0", day(5)), tensorflow="2.21.5"), id="no-whole-tensorflow"),
    ],
)
def test_without_its_parts_there_is_no_sibling(index: Memory) -> None:
    """
    A minor with nothing to make a sibling of has none, and is no failure.
    """
    release = next(item for item in releases.minors(INDEX, SEEDS, NOW) if item.minor == "2.21")
    making = Locker(index=index, resolve=answering(KERAS_3), seeds=SEEDS, now=NOW)

    assert making.legacy(making.release("tf-2.21", release), release) is None


def test_a_sibling_is_locked_with_its_variable() -> None:
    """
    Its cut-off is that of the newest of both uploads, its Keras that of tf_keras, and it is in no profile.
    """
    asked: list[Question] = []
    index = with_tf_keras(any_python("2.21.0", day(5)))
    making = Locker(index=index, resolve=answering(WITH_TF_KERAS, asked), seeds=SEEDS, now=NOW)
    release = releases.minors(index, SEEDS, NOW)[-1]

    made = making.legacy(making.release("tf-2.21", release, ("full",)), release)

    assert made is not None
    assert (made.id, made.python, made.profiles) == ("tf-2.21+legacy", "3.12", ())
    assert made.variables == (("TF_USE_LEGACY_KERAS", "1"),)
    assert made.requirements == asked[-1].requirements == ("tensorflow==2.21.0", "tf-keras==2.21.0")
    assert (made.cutoff, made.released) == ("2025-05-04T00:00:00Z", "2025-04-01")
    assert (made.tensorflow, made.keras, environment(made).generation) == ("2.21.0", "2.21.0", 2)


def test_where_keras_is_2_there_is_no_sibling() -> None:
    """
    A minor whose own Keras is Keras 2 has none, though there is a tf_keras with its number.
    """
    index = with_tf_keras(any_python("2.12.0", day(5)))
    release = releases.minors(index, SEEDS, NOW)[1]
    text = pylock({"keras": "2.12.0", "tensorflow-cpu": "2.12.1"})
    making = Locker(index=index, resolve=answering(text), seeds=SEEDS, now=NOW)

    assert releases.legacy(index, SEEDS, NOW, release) != ()
    assert making.legacy(making.release("tf-2.12", release), release) is None


def test_siblings_stand_behind_their_releases() -> None:
    """
    The catalogue has each where the axes have it, and tells of both.
    """

    def resolve(question: Question) -> str:
        return WITH_TF_KERAS if question.requirements[-1].startswith("tf-keras") else KERAS_3

    said: list[str] = []
    index = with_tf_keras(any_python("2.12.0", day(5)), any_python("2.21.0", day(5)))
    made = update.catalogue(Locker(index=index, resolve=resolve, seeds=SEEDS, now=NOW), said.append)

    assert [entry.id for entry in made] == ["tf-1.15", "tf-2.12", "tf-2.12+legacy", "tf-2.21", "tf-2.21+legacy"]
    assert "tf-2.21+legacy: tensorflow==2.21.0, Python 3.12, Keras 2.21.0" in said


def test_the_keras_of_an_environment_is_the_one_that_is_used() -> None:
    """
    tf_keras that is installed and not asked for changes nothing.
    """
    making = locker(WITH_TF_KERAS)

    plain = making.lock("mine", python="3.11", asked=("keras<4",))
    legacy = making.lock("mine", python="3.11", asked=("keras<4",), variables=(("TF_USE_LEGACY_KERAS", "true"),))

    assert (plain.keras, legacy.keras) == ("3.13.2", "2.21.0")


def test_a_package_without_a_wheel_is_recorded_with_its_source() -> None:
    """
    What must be built is known from the lock: where it is, and its hash.
    """
    release = releases.minors(INDEX, SEEDS, NOW)[0]

    entry = locker(pylock({"gast": "0.2.2", "tensorflow": "1.15.5"}, ["gast"])).release("tf-1.15", release)

    source = Sdist(name="gast", version="0.2.2", url="https://x/gast-0.2.2.tar.gz", sha256=f"{4:064}")
    assert entry.sdists == (source,)
    assert f"gast==0.2.2 \\\n    --hash=sha256:{4:064}\n" in entry.lock


def test_the_same_index_gives_the_same_bytes(tmp_path: Path) -> None:
    """
    Running the update again changes nothing, whatever order the releases were locked in.
    """
    source = locker(pylock({"tensorflow": "1.15.5"}, ["tensorflow"]))

    def written() -> list[bytes]:
        made = update.catalogue(source, lambda _: None)
        entries.write(tmp_path, tmp_path / "locks", made, by="nox -s update")
        assert entries.read(tmp_path, tmp_path / "locks", toml) == made
        return [path.read_bytes() for path in sorted(tmp_path.rglob("*.t*"))]

    assert written() == written()


FREEZE = """\
# made by pip freeze
absl-py==1.4.0

-e git+https://github.com/me/mine.git#egg=mine
numpy @ file:///croot/numpy_1668593735768/work
--extra-index-url https://example.org/simple
torch==2.1.0+cpu
six>>1
tensorflow==2.12.1 --hash=sha256:00 \\
    --hash=sha256:11
"""


def test_a_pasted_freeze_is_refused_line_by_line() -> None:
    """
    Every line that no package index can answer is named with its number and the reason, all at once.
    """
    with pytest.raises(EnvironmentFailed) as caught:
        parsed(FREEZE.splitlines(), "my-server")

    message = caught.value.message
    assert "line 4: `-e git+https://github.com/me/mine.git#egg=mine` (an editable checkout" in message
    assert "line 5: `numpy @ file:///croot/numpy_1668593735768/work` (a path or a link" in message
    assert "line 6: `--extra-index-url https://example.org/simple` (options of pip" in message
    assert "line 7: `torch==2.1.0+cpu` (+cpu is a local build" in message
    assert "line 8: `six>>1` (not a requirement" in message
    assert "absl" not in message
    assert "==" in caught.value.remedy


def test_hashes_and_comments_of_a_pasted_file_are_left_out() -> None:
    """
    A requirements.txt that was locked by another tool can be pasted as it is.
    """
    good = [line for line in FREEZE.splitlines() if line.startswith(("absl", "tensor", " ", "#"))]

    assert [str(item) for item in parsed(good, "my-server")] == ["absl-py==1.4.0", "tensorflow==2.12.1"]


def test_an_environment_of_the_user_is_locked_into_the_project(tmp_path: Path) -> None:
    """
    A requirements.txt beside pyproject.toml becomes an entry and a lock in `locks/`, with its variables.
    """
    (tmp_path / "requirements.txt").write_text("keras==2.15.0  # from the server\n\nsix\n", encoding="utf-8")
    variables = (("TF_USE_LEGACY_KERAS", "1"),)
    own = {"mine": UserEnvironment(python="3.11", requirements=Path("requirements.txt"), variables=variables)}
    text = pylock({"keras": "2.15.0", "six": "1.16.0"})

    (made,) = update.lock(tmp_path, own, [], locker(text), lambda _: None)
    update.lock(tmp_path, own, ["tf-2.12.0"], locker(text), lambda _: None)

    kept = entries.read(tmp_path / "locks", tmp_path / "locks", toml)
    assert [entry.id for entry in kept] == ["mine", "tf-2.12.0"]
    assert kept[0] == made
    assert (made.requirements, made.variables, made.cutoff) == (
        ("keras==2.15.0", "six"),
        variables,
        "2025-01-04T00:00:00Z",
    )


def test_a_pin_that_the_index_does_not_have_is_named() -> None:
    """
    A version that was never released fails with its name, before anything is resolved.
    """
    with pytest.raises(EnvironmentFailed, match=r"the package index has no keras 9\.9"):
        locker("").lock("mine", python="3.11", asked=("keras==9.9",))


def test_an_id_that_means_nothing_is_refused(tmp_path: Path) -> None:
    """
    Only a patch of TensorFlow or an environment of the project can be locked.
    """
    for id_, why in (("nonsense", "neither"), ("tf-2.99.0", "has no TensorFlow 2.99.0")):
        with pytest.raises(UsageError, match=why):
            update.lock(tmp_path, {}, [id_], locker(""), lambda _: None)


def test_a_table_that_cannot_be_an_environment_is_refused(tmp_path: Path) -> None:
    """
    An id that is no folder name, or a Python with a patch, is refused before anything is asked.
    """
    for id_, python in (("../up", "3.11"), ("mine", "3.11.4"), ("mine", "python3")):
        with pytest.raises(UsageError, match=r"\[tool.matrix.environments"):
            update.lock(
                tmp_path, {id_: UserEnvironment(python=python, requirements=("six",))}, [], locker(""), lambda _: None
            )


def test_without_pins_the_packages_are_those_of_now() -> None:
    """
    Where nothing is pinned exactly there is no release date to go by.
    """
    entry = locker(pylock({"six": "1.16.0"})).lock("mine", python="3.11", asked=("six", "keras<3"))

    assert (entry.cutoff, entry.released, entry.tensorflow) == ("2026-03-01T00:00:00Z", "", "")


def test_a_conflict_ends_with_the_words_of_the_resolver() -> None:
    """
    What the resolver said reaches the page, and only this environment fails.
    """

    def refuse(question: Question) -> str:
        raise EnvironmentFailed(f"{question.id}: six==1 and six==2 are incompatible")

    refusing = Locker(index=INDEX, resolve=refuse, seeds=SEEDS, now=NOW)

    with pytest.raises(EnvironmentFailed, match="six==1 and six==2"):
        refusing.lock("mine", python="3.11", asked=("keras==2.15.0", "keras<2"))


def test_an_entry_survives_writing_and_reading(tmp_path: Path) -> None:
    """
    What is written is what is read, strange characters included.
    """
    entry = Entry(
        id="tf-2.19+legacy",
        python="3.11",
        tensorflow="2.19.1",
        keras="",
        requirements=('x; python_version < "3.12"',),
        variables=(("A", 'b"\\ü'),),
        cutoff="2025-01-01T00:00:00Z",
        download=1,
        sdists=(Sdist(name="a", version="1", url="u", sha256="0"),),
        lock="a==1 \\\n    --hash=sha256:0\n",
    )

    entries.write(tmp_path, tmp_path, [entry], by="a test")

    assert entries.read(tmp_path, tmp_path, toml) == (entry,)
