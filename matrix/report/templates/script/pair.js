// The answer for a pair that somebody asked about.
const bar = (sum) => {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  given(drawn, { class: "bar", viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" });
  let done = 0;
  for (const letter of MEASURED) {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect"), whole = Math.max(sum.measured, 1);
    const [x, end] = [Math.floor((1000 * done) / whole), Math.floor((1000 * (done + sum.by[letter])) / whole)];
    drawn.append(given(rect, { class: state.letters[letter][0], x, y: 0, width: end - x, height: 10 }));
    done += sum.by[letter];
  }
  return drawn;
};
const verdict = (writer, reader, indices) => {
  const sum = counted(indices), name = verdictOf(indices, sum), back = rollback(writer, reader);
  const shown = [..."PRDF", ..."TC"].filter((letter, n) => n < 4 || sum.by[letter]);
  const uncounted = [..."USE."].filter((letter) => sum.by[letter]);
  const tiles = shown.map((letter) => make("li", state.letters[letter][0], make("b", "", sum.by[letter].toLocaleString("en")), " ",
    make("span", "", state.letters[letter][3][sum.by[letter] === 1 ? 0 : 1]), " ", given(make("i", "", letter), { "aria-hidden": "true" })));
  const notes = [
    uncounted.length ? ["Not counted above: ", ...uncounted.flatMap((letter, n) => [n ? " \u00b7 " : "", make("span", "share", chip(letter), ` ${sum.by[letter]} ${state.letters[letter][2]}`)])] : null,
    ...pairNotes(writer, reader, indices),
    ...pairFacts(writer, reader, indices).map(([fact, says]) => [make("b", "", fact + ":"), ` ${says}.`]),
    back ? [make("b", "", "If you must roll back:"), " " + back] : null,
  ].filter(Boolean);
  return given(make("section", "verdict v-" + name, make("p", "headline", headline(name, sum)), bar(sum), make("ul", "tiles", ...tiles), list("notes", notes)), { "aria-label": "Verdict" });
};
const steps = (reader, cells, limit = 8) => {
  const groups = ranked(grouped(cells.filter((one) => one.status === "R"), (one) => Object.values(remedyOf(one)).join("\0"))).slice(0, limit);
  if (!groups.length) return null;
  return titled("Do this", make("p", "lead", `Each change was run in ${reader}, and gave equal numbers.`), make("ol", "steps", ...groups.map(([, ones]) => {
    const { words, needs, code } = remedyOf(ones[0]);
    return make("li", "", make("b", "", String(ones.length)), ` ${ones.length === 1 ? "cell works" : "cells work"} when you ${words}.${needs ? ` Needs ${needs}.` : ""}`,
      code ? make("pre", "", code) : null, " ", make("span", "such", link(cellRoute(ones[0]), "e.g. " + caseName(ones[0]))));
  })));
};
const formatTable = (writer, reader, indices) => {
  const change = firsts(writer, "R" + BROKEN), bad = firsts(writer, BROKEN), whole = counted(indices);
  const numbers = (sum) => [...ORDER].map((letter) => make("td", sum.by[letter] ? "n" : "n zero", String(sum.by[letter])));
  const heads = ["Format", ...[...ORDER].map((letter) => [chip(letter), make("span", "unseen", " " + state.letters[letter][2])]), "first needs a change or breaks", "first breaks"];
  const rows = byFormat(indices).map(([format, name, sum]) => [name, ...numbers(sum), change.get(format) || "\u2013", bad.get(format) || "\u2013"]);
  const drawn = table("numbers", `Saved with ${writer}, loaded in ${reader}: cells per letter. The last two columns look at every version of this run after ${writer}.`, heads, rows);
  drawn.append(make("tfoot", "", make("tr", "", head("row", "", "All"), ...numbers(whole), make("td", ""), make("td", ""))));
  for (const one of [...drawn.tHead.rows[0].cells].slice(1, 11)) one.className = "n";
  return titled("By file format", region("By file format", drawn));
};

const showPair = (writer, reader) => {
  if (!state.ids.includes(writer) || !state.ids.includes(reader)) return missing("There is no such pair in this run.");
  const indices = pairCells(writer, reader), cells = indices.map(cell), sum = counted(indices), why = reasons(cells), open = gaps(cells);
  find("choose-from").value = writer;
  find("choose-to").value = reader;
  const side = (word, id) => make("span", "", `${word} `, make("b", "", version(id)), `: TensorFlow ${state.environments[place(id)].tensorflow}, ${state.environments[place(id)].keras}`);
  const around = [[reader, writer, "the way back"], [writer, state.ids[place(reader) - 1], "one version earlier"], [writer, state.ids[place(reader) + 1], "one version later"]]
    .filter(([a, b]) => a && b && (a !== writer || b !== reader)).map(([a, b, name]) => [link(route("pair", a, b), name), ` (${a} \u2192 ${b})`]);
  return opened(`${writer} into ${reader}: ${sum.measured} of ${sum.total} cells measured, ${inWords(sum)}`, [
    crumbs(home(), all(), `${writer} \u2192 ${reader}`), make("h1", "", question(writer, reader)),
    make("p", "facts", side("from", writer), side("to", reader), make("span", "", `${sum.measured.toLocaleString("en")} of ${sum.total.toLocaleString("en")} cells measured`)),
    verdict(writer, reader, indices), list("around", around), steps(reader, cells), formatTable(writer, reader, indices),
    why.length ? titled("Why", ...why) : null, titled("Scenario by scenario", grid(writer, reader, cells)),
    open.length ? titled("Not counted", list("gaps", open)) : null]);
};
