// The answer for any pair, by the rules that the answer above was made by.
const HEADLINES = { yes: "Yes", "yes-with-changes": "Yes, with changes", "not-without-loss": "Not without loss.", no: "No.", unknown: "Unknown." };

const lost = (i) => BROKEN.includes(state.cells.status[i]) && !BROKEN.includes(homeOf(i) || " ");
const verdictOf = (indices, sum) => {
  const losses = indices.some(lost);
  if (!sum.measured || !(losses || sum.works)) return "unknown";
  if (!sum.works) return "no";
  if (losses) return "not-without-loss";
  return sum.by.R ? "yes-with-changes" : "yes";
};
const headline = (verdict, sum) =>
  (verdict.startsWith("yes") ? `${HEADLINES[verdict]}${sum.open ? ", as far as it was measured" : ""}.` : HEADLINES[verdict]);
const question = (writer, reader) => {
  const [old, next] = [writer, reader].map((id) => state.environments[place(id)]);
  if (writer === reader) return `Does TensorFlow ${old.tensorflow} open what it saved itself?`;
  if (old.tensorflow === next.tensorflow) return `Can I move from ${writer} \u2192 ${reader}?`;
  return `Can I ${place(writer) < place(reader) ? "upgrade TensorFlow" : "go back from TensorFlow"} ${old.tensorflow} \u2192 ${next.tensorflow}?`;
};

const pairNotes = (writer, reader, indices) => {
  const notes = [], works = new Map();
  for (const i of indices) {
    const status = state.cells.status[i], [scenario] = state.cases[state.kind[i]];
    if (MEASURED.includes(status)) works.set(scenario, works.get(scenario) || "PR".includes(status));
  }
  if (works.size) {
    const across = [...works.values()].filter(Boolean).length;
    notes.push(`${across} of ${spoken(works.size, "scenario")} ${works.size === 1 ? "gets" : "get"} across in at least one file format.`);
  }
  const broken = indices.filter((i) => BROKEN.includes(state.cells.status[i]));
  const earlier = broken.filter((i) => homeOf(i) && BROKEN.includes(homeOf(i)));
  if (earlier.length && writer !== reader) {
    notes.push(`Of the ${spoken(broken.length, "cell")} without success in ${reader}, ${earlier.length} ${earlier.length === 1 ? "does" : "do"} not work in ${writer} itself either: not the doing of this change of versions.`);
  }
  const unknown = broken.filter((i) => ["", "E", "."].includes(homeOf(i)));
  if (unknown.length && writer !== reader) notes.push(`For ${spoken(unknown.length, "cell")} it is not known whether ${writer} can read its own file.`);
  return notes;
};

const readings = (writer) => new Map(state.ids.map((reader) => {
  const indices = pairCells(writer, reader), status = state.cells.status;
  return [reader, { ...counted(indices), size: indices.length, lost: indices.filter(lost).length, changed: indices.filter((i) => status[i] === "R" && homeOf(i) !== "R").length }];
}));
const nearest = (writer, reader, found, fits) => {
  const [start, end] = [place(writer), place(reader)], step = end > start ? 1 : -1;
  for (let at = end; at !== start; at -= step) {
    const row = found.get(state.ids[at]);
    if (!row.measured || !fits(row)) continue;
    return state.ids[at] + (at === end ? " itself" : "") + (row.open ? ` (as far as it was measured: ${spoken(row.open, "cell")} not known)` : "");
  }
  return step > 0 ? `none after ${writer} up to ${reader}` : `none before ${writer} down to ${reader}`;
};
const pairFacts = (writer, reader, indices) => {
  const facts = [], found = readings(writer), target = found.get(reader);
  if (writer !== reader && target.measured) {
    facts.push(["Nearest version that breaks nothing", nearest(writer, reader, found, (row) => !row.lost)]);
    if (target.changed) facts.push(["Nearest version that needs no change", nearest(writer, reader, found, (row) => !row.lost && !row.changed)]);
  }
  return [...facts, ...safest(indices)];
};
const byFormat = (indices) => state.formats.map(([format, name]) =>
  [format, name, counted(indices.filter((i) => state.cases[state.kind[i]][2] === format))]).filter(([, , sum]) => sum.total);
const safest = (indices) => {
  const rank = ([, , sum]) => [sum.works / sum.measured, sum.by.P / sum.measured];
  const rows = byFormat(indices).filter(([, , sum]) => sum.works);
  if (!rows.length) return [];
  const [best] = rows.map(rank).sort((a, b) => b[0] - a[0] || b[1] - a[1]);
  const ones = rows.filter((row) => rank(row).every((part, n) => part === best[n]));
  const sum = (pick) => ones.reduce((whole, [, , one]) => whole + pick(one), 0);
  const [plain, changes, measured] = [sum((one) => one.by.P), sum((one) => one.by.R), sum((one) => one.measured)];
  const said = [plain ? `${plain} of ${spoken(measured, "cell")} work as they are` : "", changes ? `${changes} of ${spoken(measured, "cell")} work after a tested change` : ""];
  return [[ones.length === 1 ? "Safest format" : "Safest formats", `${ones.map(([, name]) => name).join(" and ")}: ${said.filter(Boolean).join(", ")}`]];
};

const rollback = (old, next) => {
  if (old === next) return "";
  const measured = pairCells(next, old).filter((i) => MEASURED.includes(state.cells.status[i]));
  const files = [...grouped(measured, (i) => {
    const [scenario, variant, format] = state.cases[state.kind[i]];
    return [scenario, format, variant === "registered"].join("/");
  }).values()].map((ones) => ones.map((i) => state.cells.status[i]));
  if (!files.length) return `Not measured: no file saved by ${next} was tried in ${old}.`;
  const plain = files.filter((ones) => ones.includes("P")).length, changes = files.filter((ones) => !ones.includes("P") && ones.includes("R")).length;
  const said = `Of ${spoken(files.length, "file")} saved by ${next}, ${plain + changes} open in ${old}`;
  return changes ? `${said} (${changes} of them only after a tested change).` : `${said}.`;
};

// Per format: in which reader after the writer its cells first got one of these letters, and how many.
const firsts = (writer, wanted) => {
  const start = place(writer), found = new Map();
  for (let reader = start + 1; reader < state.ids.length; reader++) {
    for (const i of pairCells(writer, state.ids[reader])) {
      if (!wanted.includes(state.cells.status[i]) || wanted.includes(homeOf(i) || " ") || found.has(state.kind[i])) continue;
      found.set(state.kind[i], reader);
    }
  }
  const said = new Map();
  for (const [format, kinds] of grouped([...found], ([kind]) => state.cases[kind][2])) {
    const places = [...grouped(kinds, ([, reader]) => reader)].sort((a, b) => a[0] - b[0]);
    said.set(format, places.map(([reader, ones]) => `${state.ids[reader]} (${ones.length})`).join(", "));
  }
  return said;
};
