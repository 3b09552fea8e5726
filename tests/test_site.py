"""The site as its visitors meet it: pages, links, numbers, and the feed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import cycle, pairwise
from pathlib import Path
from urllib.parse import unquote, urldefrag
from xml.etree import ElementTree as ET

import hostile
import html5lib
import pytest
import synthetic
from sites import DAYS, TINY, addresses, held, of_day, parsed, said, stored, three

from matrix import site
from matrix.diff import Kind
from matrix.errors import UsageError
from matrix.model import Status
from matrix.results import Run
from matrix.site import feed, history, pages
from matrix.site.addresses import pair, safe, scenario
from matrix.site.gathering import Refused
from matrix.site.past import decoded, encoded, past

IDS = [f"{day}T03-17-00.000" for day in DAYS]
ATOM = "{http://www.w3.org/2005/Atom}"
NEVER = "0" * 64


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three runs."""
    reports = stored(tmp_path_factory.mktemp("reports"), *three())
    return site.publish(reports, reports / "site").front.parent


def ours(published: Path) -> list[Path]:
    """The pages that the site itself makes."""
    return [path for path in sorted(published.rglob("*.html")) if not {"runs", "latest"} & {*path.parts}]


def cells(published: Path, run: str) -> dict[tuple[str, ...], str]:
    """The letters of a run, from its CSV alone."""
    rows = csv.DictReader(io.StringIO((published / "runs" / run / "results.csv").read_text(encoding="utf-8")))
    names = ("saved_with", "loaded_with", "scenario", "variant", "format")
    return {tuple(row[name] for name in names): row["status"] for row in rows}


def rows(path: Path) -> list[list[str]]:
    """The rows of the first table of a page, as text."""
    table = next(parsed(path).iter("table"))
    return [[said(one) for one in tr] for tr in table.iter("tr")]


def test_pages_are_well_formed(published: Path) -> None:
    """
    A strict parser finds nothing to repair on any page.
    """
    assert len(ours(published)) == 1 + 1 + 9 + len(TINY.scenarios) + 2
    for path in ours(published):
        parser = html5lib.HTMLParser(strict=False)
        parser.parse(path.read_text(encoding="utf-8"))
        assert parser.errors == [], path


def test_every_link_leads_to_a_file_of_the_site(published: Path) -> None:
    """
    Links are relative, name a file and no folder, and have their target, also within its page.
    """
    found = Counter[str]()
    for path in ours(published):
        for address in addresses(parsed(path)):
            file, fragment = urldefrag(address)
            target = (path.parent / unquote(file)).resolve() if file else path
            assert not re.match(r"[a-z]+:|/", address), address
            assert target.is_relative_to(published.resolve())
            assert target.is_file(), f"{path}: {address}"
            if fragment and not fragment.startswith("/"):
                assert fragment in {one.get("id") for one in parsed(target).iter()}
            found[target.suffix] += 1

    assert {".html", ".xml", ".csv", ".json"} <= set(found)


def test_nothing_runs_and_nothing_is_fetched(published: Path) -> None:
    """
    No script on any page, a policy by hash first in its head, and no address outside.
    """
    for path in ours(published):
        text = path.read_text(encoding="utf-8")
        tree = parsed(path)
        style = "".join(next(tree.iter("style")).itertext())
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert next(tree.iter("meta")).get("content") == (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        )
        assert not {one.tag for one in tree.iter()} & {"script", "img", "iframe", "object", "embed", "base", "form"}
        assert not re.search(r"https?:|url\(|@import|\son\w+=\"|\sstyle=", text)


def test_tables_can_be_heard(published: Path) -> None:
    """
    Each has a caption, each heading a scope, ids are unique, and nothing hides in `title`.
    """
    for path in ours(published):
        tree = parsed(path)
        ids = Counter(one.get("id") for one in tree.iter() if one.get("id"))
        assert all(table.find("caption") is not None for table in tree.iter("table"))
        assert all(th.get("scope") for th in tree.iter("th"))
        assert not [one for one in tree.iter() if one.get("title") and one.tag != "link"]
        assert max(ids.values()) == 1


def test_numbers_of_a_pair_are_those_of_the_csv(published: Path) -> None:
    """
    Each row of a history counts what the files of its run say.
    """
    counted = {
        run: Counter(letter for cell, letter in cells(published, run).items() if cell[:2] == ("tf-2.15", "tf-2.21"))
        for run in IDS
    }

    head, *body = rows(published / pair("tf-2.15", "tf-2.21"))

    letters = [text.split()[0] for text in head[2:]]
    assert [[int(text) for text in row[2:]] for row in body] == [
        [counted[run][letter] for letter in letters] for run in reversed(IDS)
    ]
    assert [row[1] for row in body] == [
        f"{counted[run]['P'] + counted[run]['R']}/{sum(counted[run][one] for one in 'PRDFTC')}" for run in reversed(IDS)
    ]


def test_numbers_of_a_scenario_are_those_of_the_csv(published: Path) -> None:
    """
    Over all pairs; a run without the scenario has no row.
    """
    last = TINY.scenarios[-1].name
    counted = [Counter(letter for cell, letter in cells(published, run).items() if cell[2] == last) for run in IDS]

    head, *body = rows(published / scenario(last))

    letters = [text.split()[0] for text in head[2:]]
    assert not counted[2]
    assert [[int(text) for text in row[2:]] for row in body] == [
        [counted[run][letter] for letter in letters] for run in (1, 0)
    ]


def test_changes_are_those_of_the_csv(published: Path) -> None:
    """
    What regressed, was repaired, is new or gone is what two files say when they are compared.
    """
    for before, after in pairwise(IDS):
        old, new = cells(published, before), cells(published, after)
        both = [(old[cell], new[cell]) for cell in old.keys() & new.keys()]
        expected = {
            "regressed": sum(a in "PR" and b in "DFTCS" for a, b in both),
            "repaired": sum(a in "DFTCS" and b in "PR" for a, b in both),
            "gone": sum(old[cell] not in "E.U" for cell in old.keys() - new.keys()),
        }
        page = said(parsed(published / "changes" / f"{after}.html"))
        for kind, number in expected.items():
            assert (f"{number} {kind}" in page) == (number > 0)
        assert expected["regressed"] + expected["repaired"] > 0


def test_front_page_answers_and_lists_the_runs(published: Path) -> None:
    """
    The newest answer on top, then each run with its address, pair, verdict and coverage, the newest first.
    """
    _, *body = rows(published / "index.html")

    assert "Can I upgrade TensorFlow 2.15.1 → 2.21.1?" in said(parsed(published / "index.html"))
    assert [row[0] for row in body] == list(reversed(IDS))
    for row, run in zip(body, reversed(IDS), strict=True):
        letters = Counter(cells(published, run).values())
        assert row[2] == "tf-2.15 to tf-2.21"
        assert row[3] == "Not without loss."
        assert row[5] == f"{sum(letters[one] for one in 'PRDFTC'):,} of {letters.total():,} cells"


def test_overview_of_pairs_shows_the_newest_run(published: Path) -> None:
    """
    Each square has its letter as text and leads to the history of its pair.
    """
    links = [one for one in parsed(published / "pairs" / "index.html").iter("a") if one.get("aria-label")]
    newest = cells(published, IDS[-1])

    assert len(links) == 9
    for link in links:
        label = re.fullmatch(r"saved with (\S+), loaded in (\S+): (\d+) of (\d+) .*", link.get("aria-label") or "")
        assert label
        letters = Counter(letter for cell, letter in newest.items() if cell[:2] == label.group(1, 2))
        assert (int(label[3]), int(label[4])) == (letters["P"] + letters["R"], sum(letters[one] for one in "PRDFTC"))


def test_latest_is_the_newest_finished_run(published: Path) -> None:
    """
    At an address of its own, file by file what that run left.
    """
    assert held(published / "latest") == held(published / "runs" / IDS[-1])


def entries(text: str) -> list[ET.Element]:
    """The entries of a feed."""
    return ET.fromstring(text).findall(f"{ATOM}entry")  # noqa: S314 - we wrote it


def test_feed_is_atom_without_an_address(published: Path) -> None:
    """
    Ids are absolute, moments are RFC 3339, links are relative and lead to files of the site.
    """
    root = ET.fromstring((published / "feed.xml").read_text(encoding="utf-8"))  # noqa: S314 - we wrote it
    ids = [one.text or "" for one in root.iter(f"{ATOM}id")]

    assert len(root.findall(f"{ATOM}entry")) == 3
    assert len(set(ids)) == len(ids) == 4
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", one) for one in ids)
    for one in root.iter(f"{ATOM}updated"):
        assert datetime.fromisoformat(one.text or "").tzinfo is not None
    for one in (root, *root.iter(f"{ATOM}entry")):
        assert all(one.findtext(f"{ATOM}{name}") for name in ("id", "title", "updated"))
    for link in root.iter(f"{ATOM}link"):
        assert (published / (link.get("href") or "")).is_file()
    assert root.find(f"{ATOM}author/{ATOM}name") is not None


def test_feed_tells_what_changed(published: Path) -> None:
    """
    The newest first; regressed and repaired cells by name or by kind, what is gone by number.
    """
    newest, second, first = entries((published / "feed.xml").read_text(encoding="utf-8"))

    assert "gone" in said(newest)
    assert re.search(r"repaired: \S+ .*", said(newest))
    assert re.match(r"\d+ regressed, \d+ repaired", second.findtext(f"{ATOM}title") or "")
    assert "The first finished run" in said(first)


def test_feed_with_an_address_has_the_same_ids() -> None:
    """
    Whoever moves a site, or says only later where it is, repeats nothing to those who read its feed.
    """
    known = history.site([past(one, NEVER) for one in three()])
    bare, placed = feed.feed(known, ""), feed.feed(known, feed.base("https://example.org/matrix"))

    assert re.findall(r"<id>.*</id>", bare) == re.findall(r"<id>.*</id>", placed)
    assert 'rel="self" type="application/atom+xml" href="https://example.org/matrix/feed.xml"' in placed
    assert set(re.findall(r'href="([^"]*/)', placed)) >= {"https://example.org/matrix/"}


def test_a_run_that_changed_nothing_is_no_news() -> None:
    """
    A feed is read by people: a week without a change has no entry.
    """
    known = history.site([past(of_day(day), NEVER) for day in DAYS])

    assert len(entries(feed.feed(known, ""))) == 1


@pytest.mark.parametrize(
    "url", ["example.org", "ftp://example.org/", "javascript:alert(1)", "https://", "https://a b/"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """
    What would be no link is said before anything is written.
    """
    with pytest.raises(UsageError, match="--base-url"):
        feed.base(url)


def test_unfinished_runs_are_told_apart() -> None:
    """
    They are listed as unfinished, are not the newest answer, and nothing is compared with them.
    """
    first, second, third = three()
    runs = [first, replace(second, complete=False), third]
    known = history.site([past(one, NEVER) for one in runs])
    made = dict(pages.pages(known, pages.Front(files=(), refused=())))

    assert known.before == {third.id: known.runs[0]}
    assert made["index.html"].count("unfinished") == 1
    latest = history.site([past(one, NEVER) for one in runs[:2]]).latest
    assert latest is not None
    assert latest.id == first.id


def test_what_cannot_be_shown_is_said() -> None:
    """
    A run that is not on the site is on its front page by name, with the reason, as text.
    """
    known = history.site([past(TINY, NEVER)])
    refused = (Refused(name="<b>2026", why="It is a link, and links are not followed."),)
    front = dict(pages.pages(known, pages.Front(files=(), refused=refused)))["index.html"]

    assert "<code>&lt;b&gt;2026</code>: It is a link, and links are not followed." in front


def test_names_become_files_that_differ() -> None:
    """
    Whatever a name holds, its file is safe, and no two names share one, also where case does not count.
    """
    names = [
        "a",
        "A",
        "a/b",
        "a~2fb",
        "..",
        ".",
        "",
        ".a",
        "~",
        "CON",
        "tf-2.19+legacy",
        "ä",
        "x" * 300,
        "x" * 299,
        "\udc80",
    ]
    made = [safe(name) for name in names]

    assert len({one.lower() for one in made}) == len(names)
    assert safe("tf-2.19+legacy") == "tf-2.19+legacy"
    for one in made:
        assert re.fullmatch(r"[a-z0-9_~+-][a-z0-9_.~+-]{0,120}", one)


def renamed(run: Run, say: Mapping[str, str]) -> Run:
    """The same run with other names of its environments and scenarios."""
    return replace(
        run,
        focus=(say[run.focus[0]], say[run.focus[1]]),
        environments=tuple(
            replace(one, environment=replace(one.environment, id=say[one.environment.id])) for one in run.environments
        ),
        scenarios=tuple(replace(one, name=say[one.name]) for one in run.scenarios),
        results=tuple(
            replace(
                one,
                cell=replace(
                    one.cell, writer=say[one.cell.writer], reader=say[one.cell.reader], scenario=say[one.cell.scenario]
                ),
            )
            for one in run.results
        ),
    )


def shapes(texts: list[str]) -> tuple[list[object], list[object]]:
    """The elements and attributes of each page of a site whose every text is one of these, and those of its feed."""
    source = cycle(texts)
    names = [*(one.environment.id for one in TINY.environments), *(one.name for one in TINY.scenarios)]
    say = {name: f"{next(source)}{number}" for number, name in enumerate(names)}
    runs = []
    for run in three():
        odd = renamed(hostile.spoiled(run, lambda _: next(source)), say)
        runs.append(past(replace(odd, id=run.id, started=run.started, note=next(source)), NEVER))
    known = history.site(runs)
    front = pages.Front(files=(), refused=(Refused(name=next(source), why=next(source)),))
    made: list[object] = []
    for _, text in pages.pages(known, front):
        tree = html5lib.parse(text, namespaceHTMLElements=False)
        made.append(Counter((str(one.tag), tuple(sorted(one.attrib))) for one in tree.iter()))
    told = ET.fromstring(feed.feed(known, ""))  # noqa: S314 - we wrote it
    return made, [(one.tag, tuple(one.attrib)) for one in told.iter()]


def test_foreign_texts_stay_text() -> None:
    """
    With hostile names, titles and notes everywhere, pages and feed have the elements of harmless ones.
    """
    evil = [*hostile.PAYLOADS, "\ufffe\uffff\x0b", "]]>", "]]><x/>", "&bad;"]

    assert shapes(evil) == shapes([f"harmless {number}" for number in range(len(evil))])


def test_what_history_keeps_can_be_stored() -> None:
    """
    The same comes back, also from odd texts; what was damaged or is of another edition is refused.
    """
    known = past(replace(three()[1], note="lone \ud800 <b>"), NEVER)
    text = encoded(known)

    assert decoded(text) == known
    for damaged in ("", "[]", "{}", text[:-20], text.replace('"schema":1', '"schema":99'), text.replace("P", "Q")):
        with pytest.raises(ValueError, match=r"."):
            decoded(damaged)


def test_a_run_that_contradicts_itself_is_refused() -> None:
    """
    A pair that is not there, or a moment that is none.
    """
    for odd in (replace(TINY, focus=("tf-2.15", "nowhere")), replace(TINY, started="yesterday")):
        with pytest.raises(ValueError, match=r"."):
            past(odd, NEVER)


def test_many_changes_are_cut_and_counted() -> None:
    """
    A page lists so many cells one by one; the others are counted by kind, and nothing is dropped in silence.
    """
    whole = synthetic.run(("2.9", "2.15", "2.21"))
    good = replace(whole, results=tuple(replace(one, status=Status.PASS) for one in whole.results))
    bad = of_day(DAYS[1], good, swapped={"P": "F"}, every=1)
    known = history.site([past(of_day(DAYS[0], good), NEVER), past(bad, NEVER)])
    total = len(whole.results)
    assert total > history.LIMIT

    page = dict(pages.pages(known, pages.Front(files=(), refused=())))[f"changes/{bad.id}.html"]

    assert f"{total:,} {Kind.REGRESSED}" in page
    assert f"And {total - history.LIMIT:,} more cells" in page
    body = next(html5lib.parse(page, namespaceHTMLElements=False).iter("tbody"))
    assert sum(int(said(tr[-1])) for tr in body) == total
