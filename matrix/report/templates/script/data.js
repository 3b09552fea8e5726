// The cells: columns as they were sent, and the few more that every question needs.
const ORDER = "PRDFTCUSE.", RANK = ".USEPRDFTC", MEASURED = "PRDFTC", BROKEN = "DFTC", VARIANTS = ["bare", "custom_objects", "registered"];
const state = {};

const unpacked = async () => {
  const block = find("data"), value = JSON.parse(block.textContent);
  if (block.dataset.encoding !== "gzip") return value;
  const bytes = Uint8Array.from(atob(value), (one) => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
};

const begin = (data) => {
  for (const name of ["causes", "remedies", "loads", "saves", "sources", "letters", "elsewhere"]) {
    if (data[name]) Object.setPrototypeOf(data[name], null);  // a cause may be called `constructor`
  }
  const { cells } = data, size = cells.writer.length;
  const environments = data.environments.map(([id, band, keras, tensorflow, python, lock, fingerprint, variables]) =>
    ({ id, band, keras, tensorflow, python, lock, fingerprint, variables }));
  const ids = environments.map((one) => one.id), many = ids.length, cases = data.cases.length;
  const writer = Uint16Array.from(cells.writer), reader = Uint16Array.from(cells.reader), kind = Uint32Array.from(cells.case);
  const letter = new Uint8Array(size), pairs = new Map();
  const home = new Uint8Array(many * cases).fill(255);  // the letter of a case with its own writer
  for (let i = 0; i < size; i++) {
    letter[i] = ORDER.indexOf(cells.status[i]);
    const pair = writer[i] * many + reader[i];
    if (!pairs.has(pair)) pairs.set(pair, []);
    pairs.get(pair).push(i);
    if (writer[i] === reader[i]) home[writer[i] * cases + kind[i]] = letter[i];
  }
  Object.assign(state, { data, cells, texts: data.texts, letters: data.letters, environments, ids, size, writer, reader,
    kind, letter, pairs, home, cases: data.cases, titles: new Map(data.scenarios), formats: data.formats });
};

const place = (id) => state.ids.indexOf(id);
const pairCells = (writer, reader) => state.pairs.get(place(writer) * state.ids.length + place(reader)) || [];
const homeOf = (i) => ORDER[state.home[state.writer[i] * state.cases.length + state.kind[i]]] || "";
const before = (i) => (state.cells.before ? state.cells.before[i] : "");
const formatName = (name) => (state.formats.find(([id]) => id === name) || [name, name])[1];

const attempt = (index, message) => {
  const { data, texts } = state;
  const [rung, status, stage, exception, signature, traceback, why, lost] = data.attempts[index];
  return { rung: texts[rung], status, stage, exception: texts[exception], message: texts[message] || "",
           signature: texts[signature], traceback: data.tracebacks[traceback] || "", why: texts[why], lost: texts[lost] };
};
const cell = (i) => {
  const { data, cells, texts, ids } = state;
  const [scenario, variant, format] = state.cases[state.kind[i]], said = data.said[cells.said[i]];
  const measured = data.measured[cells.measured[i]];
  const [reason, container, cause, remedy] = data.wholes[cells.whole[i]].map((text) => texts[text]);
  return { index: i, scenario, variant, format, writer: ids[state.writer[i]], reader: ids[state.reader[i]], status: cells.status[i],
           figures: cells.hundredths[i].map((spent, n) => [spent, ...data.measures[measured[n]]]),
           attempts: data.ladders[cells.ladder[i]].map((index, n) => attempt(index, said[n])),
           reason, container, cause, remedy };
};
const causeOf = (i) => state.texts[state.data.wholes[state.cells.whole[i]][2]];
const cellRoute = (one) => route("cell", one.writer, one.reader, one.scenario, one.variant, one.format);
const caseName = (one) => `${one.scenario}, ${one.variant}, ${formatName(one.format)}`;
