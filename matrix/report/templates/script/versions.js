// One release: what it broke and what it repaired, compared to the one before; one environment; since when, until when.
const GOOD = "PR";
const crossing = (older, newer, pairsOf) => {
  // Pairs of cells that differ in the release alone: [before, after]
  const found = { broke: [], repaired: [], needs: [], eased: [] };
  for (const [first, second] of pairsOf(older, newer)) {
    const then = new Map(first.map((i) => [state.kind[i], i]));
    for (const i of second) {
      if (!then.has(state.kind[i])) continue;
      const [was, now] = [state.cells.status[then.get(state.kind[i])], state.cells.status[i]];
      if (GOOD.includes(was) && BROKEN.includes(now)) found.broke.push([was, i]);
      if (BROKEN.includes(was) && GOOD.includes(now)) found.repaired.push([was, i]);
      if (was === "P" && now === "R") found.needs.push([was, i]);
      if (was === "R" && now === "P") found.eased.push([was, i]);
    }
  }
  return found;
};
const KINDS = [["broke", "broke", "worked there, and does not here"], ["repaired", "repaired", "did not work there, and does here"],
  ["needs", "made need a change", "worked as it is there, and only after a change here"], ["eased", "made work as it is", "needed a change there, and does not here"]];
const crossingSection = (title, lead, found) => {
  const parts = KINDS.filter(([kind]) => found[kind].length).map(([kind, name, says]) => make("article", "reason",
    make("h3", "", make("span", "count", String(found[kind].length)), ` ${name}: ${says}`),
    ...ranked(grouped(found[kind], ([, i]) => causeOf(i) || "")).map(([slug, ones]) => make("div", "",
      slug ? make("p", "", make("b", "", String(ones.length)), " ", ...prose((state.data.causes[slug] || [slug])[0]), " ", link(route("cause", slug), slug)) : null,
      make("details", "", make("summary", "", `${spoken(ones.length, "cell")}${slug ? "" : " without a known cause"}`), list("cells", [...ones.slice(0, 60).map(([was, i]) => {
        const one = cell(i);
        return [chip(was), " \u2192 ", chip(one.status), " ", link(cellRoute(one), `${one.writer} \u2192 ${one.reader}: ${caseName(one)}`)];
      }), ...(ones.length > 60 ? [`and ${spoken(ones.length - 60, "more cell")}`] : [])]))))));
  return titled(title, make("p", "lead", lead), ...(parts.length ? parts : [make("p", "", "Nothing changed.")]));
};
const showVersion = (id) => {
  const at = place(id);
  if (at < 0) return missing("There is no such version in this run.");
  const one = state.environments[at], previous = state.ids[at - 1], next = state.ids[at + 1];
  const others = state.ids.filter((other) => other !== id && other !== previous);
  const around = list("around", [previous ? [version(previous), " is the one before"] : null, next ? [version(next), " is the one after"] : null, [link(route("env", id), "Its packages")]].filter(Boolean));
  const body = previous ? [
    crossingSection("As a reader", `Files of older versions, ${previous} and before: how ${id} loads them, compared to ${previous}.`,
      crossing(previous, id, () => state.ids.slice(0, at).map((writer) => [pairCells(writer, previous), pairCells(writer, id)]))),
    crossingSection("As a writer", `Files that ${id} saves, compared to those of ${previous}, in every other version.`,
      crossing(previous, id, () => others.map((reader) => [pairCells(previous, reader), pairCells(id, reader)])))]
    : [make("p", "lead", "It is the oldest of this run: there is none to compare it to.")];
  const asReader = counted(state.ids.flatMap((writer) => pairCells(writer, id))), asWriter = counted(state.ids.flatMap((reader) => pairCells(id, reader)));
  return opened(`${id}: what it broke and what it repaired`, [crumbs(home(), all(), id), make("h1", "", `${id}: what this release broke and repaired`),
    make("p", "facts", make("span", "", `TensorFlow ${one.tensorflow}, ${one.keras}, Python ${one.python}`)), around,
    make("h2", "", "In all"), make("p", "", "Loaded in it: "), spread(asReader), make("p", "", "Saved with it: "), spread(asWriter), ...body]);
};

const showEnvironment = (id) => {
  const one = state.environments[place(id)];
  if (!one) return missing("There is no such environment in this run.");
  const row = [["Python", one.python], ["TensorFlow", one.tensorflow], ["Keras", one.keras], ["variables", one.variables], ["fingerprint", one.fingerprint]].filter(([, value]) => value);
  const packages = one.lock.split("\n").filter((line) => /^[\w.-]+==/.test(line)).map((line) => line.replace(/\s*\\$/, ""));
  return opened(`${id}: its packages`, [crumbs(home(), link("#/env", "Environments"), id), make("h1", "", id),
    make("dl", "known", ...row.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)])), list("around", [[link(route("version", id), "What this release broke and repaired")]]),
    one.lock ? titled("Lock", make("p", "lead", `${spoken(packages.length, "package")}, each by its hashes. Equal fingerprints mean equal contents.`), make("p", "", copier("Copy the lock", one.lock)),
      packages.length ? list("cells packages", packages) : null, make("details", "", make("summary", "", "Show the lock"), make("pre", "", one.lock))) : make("p", "", "It has no lock.")]);
};

// Neighbouring readers with the same letter, as one: `P 2.4 to 2.15`.
const spans = (writer, kind) => {
  const found = new Map();
  for (const reader of state.ids) for (const i of pairCells(writer, reader)) if (state.kind[i] === kind) found.set(reader, state.cells.status[i]);
  const runs = [];
  for (const reader of state.ids) {
    const letter = found.get(reader), last = runs[runs.length - 1];
    if (last && last.letter === letter) last.end = reader;
    else runs.push({ letter, start: reader, end: reader });
  }
  return runs.filter((run) => run.letter);
};
const showSince = (writer) => {
  const chooserOf = chooser("saved", "saved with", state.ids.map((id) => [id, id]), writer), form = make("form", "choose", chooserOf), body = make("div", "");
  const draw = () => {
    const id = chosen(form).saved, kinds = state.cases.map((one, n) => [one, n]).filter(([, n]) => spans(id, n).length);
    body.replaceChildren(region("Since and until", table("plain spans", `Files saved with ${id}: in which versions they open, and how.`, ["Scenario, variant, format", "Loaded in"],
      kinds.map(([[scenario, variant, format], n]) => [make("span", "", link(route("scenario", scenario), scenario), `, ${variant}, ${formatName(format)}`),
        make("td", "", ...spans(id, n).map(({ letter, start, end }) => make("span", "share", chip(letter), " ", link(route("cell", id, start, scenario, variant, format), start === end ? start : `${start} to ${end}`), " ")))]))));
  };
  form.addEventListener("change", () => {
    history.replaceState(null, "", asked("#/ranges", chosen(form)));
    draw();
    permalinks();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  draw();
  find("since").hidden = false;
  find("since").replaceChildren(make("h2", "", "Since when, and until when"), form, body);
};
