// All that is known about one cell.
const STAGES = ["import", "read", "config", "build", "weights", "compile", "predict", "compare"];
const stageBar = (one) => {
  const own = one.attempts[0];
  if (!own || one.status === "S") return null;
  const end = STAGES.indexOf(own.stage);
  if (end < 0) return null;
  const said = (n) => (n < end ? ["done", "\u2713", "reached"] : n > end ? ["never", "\u2013", "not reached"] : own.status === "P" ? ["done", "\u2713", "agrees"] : ["ended", "\u2717", "ended here"]);
  const parts = STAGES.map((stage, n) => {
    const [css, mark, word] = said(n);
    return make("li", css, given(make("i", "", mark), { "aria-hidden": "true" }), " ", make("b", "", stage), " ", make("small", "", word));
  });
  return given(make("ol", "stages", ...parts), { "aria-label": "How far its own way got" });
};
const figures = (values) => {
  const [hundredths, absolute, relative, flips] = values || [0];
  const parts = [`${hundredths / 100} s`];
  if (absolute !== undefined && absolute !== null) parts.push(`largest difference ${rounded(absolute)}`);
  if (relative !== undefined && relative !== null) parts.push(`relative ${rounded(relative)}`);
  if (flips !== undefined && flips !== null) parts.push(`${flips} rows changed their largest output`);
  return parts.join(" \u00b7 ");
};
const shownAttempt = (item, values, position) => make("article", "attempt",
  make("h3", "", chip(item.status), ` ${position + 1}. ${item.rung || "save"} `, make("span", "stage", item.stage), " ", item.exception || state.letters[item.status][2]),
  item.signature ? make("p", "", make("span", "", "Signature: "), make("code", "", item.signature)) : null,
  make("p", "figures", figures(values)), item.lost ? make("p", "", `Lost without a word: ${item.lost}.`) : null,
  item.message ? make("pre", "", item.message) : null,
  item.traceback ? make("details", "", make("summary", "", "Traceback"), make("pre", "", item.traceback), copier("Copy the traceback", item.traceback)) : null);

const remedied = (one) => {
  if (one.status !== "R") return null;
  const { words, needs, code } = remedyOf(one), program = state.data.loads[`${one.variant}/${one.format}/${one.remedy}`];
  return titled("What works", make("p", "", chip("R"), ` It works when you ${words}.${needs ? ` Needs ${needs}.` : ""}`), code ? make("pre", "", code) : null,
    program ? make("details", "", make("summary", "", "As a program"), make("pre", "", program)) : null, program ? copier("Copy the program", program) : null);
};
const neighbours = (one) => {
  const row = (label, pick) => {
    const found = state.ids.map((id) => pick(id)).map(([writer, reader]) => pairCells(writer, reader).find((i) => state.kind[i] === state.kind[one.index]));
    const squares = state.ids.map((id, n) => (found[n] === undefined ? make("td", "s-absent", "\u2013") : make("td", state.letters[state.cells.status[found[n]]][0],
      found[n] === one.index ? given(make("b", "here", state.cells.status[found[n]]), { "aria-current": "true" }) : link(cellRoute({ ...one, ...Object.fromEntries(["writer", "reader"].map((side, k) => [side, pick(id)[k]])) }), state.cells.status[found[n]]))));
    return [label, ...squares];
  };
  return titled("The same in other versions", region("The same in other versions", table("strip", "One square for each version.", ["Versions", ...state.ids],
    [row(`saved with ${one.writer}, loaded in`, (id) => [one.writer, id]), row(`loaded in ${one.reader}, saved with`, (id) => [id, one.reader])])));
};
const provenance = (one) => {
  const side = (word, id) => {
    const found = state.environments[place(id)];
    return [word, make("span", "", link(route("env", id), id), `: Python ${found.python}, TensorFlow ${found.tensorflow}, ${found.keras}${found.variables ? `, ${found.variables}` : ""}${found.fingerprint ? `, fingerprint ${found.fingerprint}` : ""}`)];
  };
  const was = before(one.index), known = [side("saved with", one.writer), side("loaded in", one.reader),
    ["scenario", make("span", "", ...prose(state.titles.get(one.scenario) || ""), " ", link(route("scenario", one.scenario), one.scenario))], ["variant", one.variant], ["format", formatName(one.format)],
    ["file on disk", one.container], ["not measured because", one.reason],
    ["in the baseline", state.data.baseline ? (was.trim() ? `${was} ${state.letters[was][2]}` : "not there") : ""],
    ["with its own writer", homeOf(one.index) ? `${homeOf(one.index)} ${state.letters[homeOf(one.index)][2]}` : ""],
    ["run", `${find("run-id").textContent}, results ${find("digest").textContent.slice(0, 12)}`]];
  return make("dl", "known", ...known.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
};
const showCell = (writer, reader, scenario, variant, format) => {
  const index = pairCells(writer, reader).find((i) => state.cases[state.kind[i]].join("\0") === [scenario, variant, format].join("\0"));
  if (index === undefined) return missing("There is no such cell in this run.");
  const one = cell(index), file = state.data.elsewhere && state.data.elsewhere[scenario];
  const tried = one.attempts.length ? one.attempts.map((item, i) => shownAttempt(item, one.figures[i], i)) : [make("p", "lead", "Nothing was tried.")];
  return opened(`${scenario}, ${formatName(format)}: ${state.letters[one.status][2]}`, [
    crumbs(home(), all(), link(route("pair", writer, reader), `${writer} \u2192 ${reader}`), scenario),
    make("h1", "", chip(one.status), ` ${scenario}, ${formatName(format)}: ${state.letters[one.status][2]}`), stageBar(one), provenance(one),
    file ? make("p", "banner", "Only how its own way ended is told here. All that was tried, messages, tracebacks and numbers stand in ", link(file + cellRoute(one), file), ".") : null,
    one.cause ? titled("Cause", explanation(one.cause)) : null, remedied(one),
    titled(one.status === "S" ? "How the save ended" : "What was tried", ...tried), repeating(one), neighbours(one)]);
};
