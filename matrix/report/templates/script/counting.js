// Counts. What a slicer leaves is counted anew from all cells: some milliseconds for tens of thousands.
const worse = (i) => {
  const own = homeOf(i), now = state.cells.status[i];
  return MEASURED.includes(now) && own !== "" && MEASURED.includes(own) && RANK.indexOf(now) > RANK.indexOf(own);
};
const changed = (i) => before(i) !== "" && before(i) !== state.cells.status[i];
const narrowed = (filter) => ["status", "cause", "worse", "changed"].some((name) => filter[name]);

const matcher = (filter) => {
  const causes = state.data.wholes.map(([, , cause]) => !filter.cause || (state.texts[cause] || "unknown") === filter.cause);
  const failed = filter.cause ? "RDFTCS" : ORDER;
  return (i) => (!filter.status || state.cells.status[i] === filter.status)
    && (!filter.cause || (causes[state.cells.whole[i]] && failed.includes(state.cells.status[i])))
    && (!filter.worse || worse(i)) && (!filter.changed || changed(i));
};
const within = (filter) => state.cases.map(([scenario, variant, format]) => (!filter.scenario || scenario === filter.scenario)
  && (!filter.variant || variant === filter.variant) && (!filter.format || format === filter.format));

// Per pair, ten numbers: how many cells of the slice have each letter; and the same of those that match besides.
const tallied = (filter) => {
  const many = state.ids.length, slice = new Uint32Array(many * many * 10), hits = new Uint32Array(many * many * 10);
  const inside = within(filter), matches = matcher(filter), all = !narrowed(filter);
  for (let i = 0; i < state.size; i++) {
    if (!inside[state.kind[i]]) continue;
    const at = (state.writer[i] * many + state.reader[i]) * 10 + state.letter[i];
    slice[at]++;
    if (all || matches(i)) hits[at]++;
  }
  return { slice, hits };
};
const matching = (filter) => {
  const inside = within(filter), matches = matcher(filter), found = [];
  for (let i = 0; i < state.size; i++) if (inside[state.kind[i]] && matches(i)) found.push(i);
  return found;
};

const RANKS = [...ORDER].map((letter) => RANK.indexOf(letter));
const sums = (counts) => {  // a loop, for each slicer asks it twice for each pair
  const by = {};
  let total = 0, measured = 0, worst = -1;
  for (let n = 0; n < ORDER.length; n++) {
    const many = by[ORDER[n]] = counts[n];
    total += many;
    if (n < MEASURED.length) measured += many;
    if (many && RANKS[n] > worst) worst = RANKS[n];
  }
  return { by, total, measured, works: by.P + by.R, open: by.E + by["."], worst: RANK[worst] || "" };
};
const counted = (indices) => {
  const counts = new Uint32Array(10);
  for (const i of indices) counts[state.letter[i]]++;
  return sums(counts);
};
const present = (sum) => [...ORDER].filter((letter) => sum.by[letter]);
const inWords = (sum) => present(sum).map((letter) => `${sum.by[letter]} ${state.letters[letter][2]}`).join(", ");
const grouped = (items, key) => {
  const groups = new Map();
  for (const item of items) {
    const name = key(item);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  return groups;
};
const ranked = (groups) => [...groups].sort((a, b) => b[1].length - a[1].length);
