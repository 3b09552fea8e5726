// The matrix of all pairs, and what the slicers leave of it.
const slicers = (filter, { fixed = [], causes = true } = {}) => {
  const any = [["", "all"]], data = state.data, variants = VARIANTS.filter((one) => state.cases.some(([, variant]) => variant === one));
  const known = [...new Set(data.wholes.map(([, , cause]) => state.texts[cause]))].filter(Boolean).sort();
  const titleOf = (slug) => (data.causes[slug] ? data.causes[slug][0].replaceAll("`", "") : slug);
  const letters = [...ORDER].filter((letter) => state.cells.status.includes(letter)).map((letter) => [letter, `${letter} ${state.letters[letter][2]}`]);
  const parts = [
    fixed.includes("scenario") ? null : chooser("scenario", "scenario", [...any, ...data.scenarios.map(([name]) => [name, name])], filter.scenario),
    variants.length > 1 ? chooser("variant", "variant", [...any, ...variants.map((one) => [one, one])], filter.variant) : null,
    chooser("format", "format", [...any, ...state.formats], filter.format),
    chooser("status", "status", [...any, ...letters], filter.status),
    causes && !fixed.includes("cause") && known.length ? chooser("cause", "cause", [...any, ...known.map((one) => [one, titleOf(one)])], filter.cause) : null,
    checker("worse", "only worse than the diagonal", filter.worse),
    data.baseline ? checker("changed", "only changed since the baseline", filter.changed) : null,
  ];
  const clear = given(make("button", "", "Show all"), { type: "reset" });
  return given(make("form", "choose slicers", ...parts, clear), { "aria-label": "Slicers" });
};

const squareOf = (filter, hits, slice, writer, reader) => {
  const found = sums(hits), whole = sums(slice), single = filter.scenario && filter.variant && filter.format;
  const place = `saved with ${writer}, loaded in ${reader}`;
  const href = single ? route("cell", writer, reader, filter.scenario, filter.variant, filter.format) : route("pair", writer, reader);
  if (!whole.total) return { letter: "\u2013", css: "s-absent", word: "", note: "", label: `${place}: not asked`, href };
  if (!found.total) return { letter: "", css: "s-absent", word: "none", note: "", label: `${place}: none of ${spoken(whole.total, "cell")}`, href };
  const css = state.letters[found.worst][0], open = found.open;
  if (narrowed(filter)) return { letter: found.worst, css, word: `${found.total}/${whole.total}`, note: "", label: `${place}: ${found.total} of ${spoken(whole.total, "cell")}: ${inWords(found)}`, href };
  const label = `${place}: ${found.measured} of ${found.total} cells measured; ${inWords(found)}`;
  if (!found.measured) return { letter: found.worst, css, word: String(found.total), note: "", label, href };
  const note = [found.by.R ? `${found.by.P} as is` : "", open ? `+${open} ?` : ""].filter(Boolean).join(" ");
  return { letter: found.worst, css, word: `${found.works}/${found.measured}`, note, label, href };
};
const drawSquares = (drawn, filter) => {
  const { slice, hits } = tallied(filter), many = state.ids.length;
  let cells = 0, pairs = 0;
  [...drawn.tBodies[0].rows].forEach((row, y) => [...row.cells].slice(1).forEach((td, x) => {
    const at = (place(rowIds(drawn)[y]) * many + place(rowIds(drawn)[x])) * 10, one = td.firstElementChild;
    if (!one || one.tagName !== "A") return;
    const [found, whole] = [hits.subarray(at, at + 10), slice.subarray(at, at + 10)];
    const total = found.reduce((sum, part) => sum + part, 0), said = squareOf(filter, found, whole, rowIds(drawn)[y], rowIds(drawn)[x]);
    cells += total;
    pairs += total ? 1 : 0;
    if (one.getAttribute("aria-label") === said.label && one.getAttribute("href") === said.href) return;
    const css = td.className.replace(/s-[\w-]+/, said.css), [letter, word, note] = one.children;
    if (td.className !== css) td.className = css;
    given(one, { "aria-label": said.label, href: said.href });
    if (letter.textContent !== said.letter) letter.textContent = said.letter;
    word.textContent = said.word;
    if (note && note.textContent !== said.note) note.textContent = said.note;
    else if (!note && said.note) one.append(make("small", "", said.note));
  }));
  return { cells, pairs };
};
const rows = new WeakMap();  // table → the versions of its rows, which are those of its columns
const rowIds = (drawn) => {
  if (!rows.has(drawn)) rows.set(drawn, [...drawn.tBodies[0].rows].map((row) => row.cells[0].dataset.version));
  return rows.get(drawn);
};

// A form and a table that follow each other; `path` is the page that they stand on, for the address.
const sliced = (form, drawn, path, fixed, reading) => {
  const draw = () => {
    const filter = { ...chosen(form), ...fixed }, { cells, pairs } = drawSquares(drawn, filter);
    const said = `${spoken(cells, "cell")} in ${spoken(pairs, "pair")}`;
    reading(narrowed(filter), said);
    return said;
  };
  form.addEventListener("change", () => {
    history.replaceState(null, "", asked(path, chosen(form)));
    find("live").textContent = draw();
    permalinks();
  });
  form.addEventListener("reset", () => setTimeout(() => form.dispatchEvent(new Event("change"))));
  form.addEventListener("submit", (event) => event.preventDefault());
  return draw;
};
const showMatrix = (filter) => {
  const form = slicers(filter), text = find("reading"), plain = state.reading = state.reading || [...text.childNodes];
  const draw = sliced(form, find("overview"), "#/matrix", {}, (only, said) => (only
    ? text.replaceChildren(`${said} match. Each square is a pair: the worst letter of the cells that match, and how many of all its cells do.`)
    : text.replaceChildren(...plain)));
  find("slicers").replaceChildren(form);
  draw();
};
const copyOf = () => {
  const drawn = find("overview").cloneNode(true);
  drawn.removeAttribute("id");
  return drawn;
};
const showScenario = (name, options) => {
  if (!state.titles.has(name)) return missing("There is no such scenario in this run.");
  const fixed = { scenario: name }, form = slicers({ ...options, ...fixed }, { fixed: ["scenario"] }), drawn = copyOf(), text = make("p", "lead");
  const inside = within(fixed), cases = state.cases.filter((one, n) => inside[n]), all_ = matching(fixed);
  const draw = sliced(form, drawn, route("scenario", name), fixed, (only, said) => text.replaceChildren(only
    ? `${said} match: the worst letter of those in each square, and how many of all its cells do.` : `${said}: in each square the worst letter, and how many of the measured cells work. With a variant and a format chosen, a square is one cell.`));
  const byCase = cases.map(([, variant, format]) => {
    const sum = counted(matching({ ...fixed, variant, format }));
    return [link(asked(route("scenario", name), { variant, format }), `${variant}, ${formatName(format)}`), `${sum.measured} of ${sum.total}`, shares(sum)];
  });
  draw();
  const source = state.data.sources[name], file = state.data.elsewhere && state.data.elsewhere[name];
  return opened(`${name}: ${inWords(counted(all_))}`, [
    crumbs(home(), all(), name), make("h1", "", ...prose(state.titles.get(name))), make("p", "lead", make("code", "", name)),
    file ? make("p", "banner", "All that was tried stands in ", link(file + route("scenario", name), file), ".") : null, spread(counted(all_)),
    given(titled("All versions", form, text, region("All versions", drawn, "scroll tall")), { class: "wide" }),
    titled("By variant and format", region("By variant and format", table("plain", "Each over all pairs; its name shows its cells above.", ["Variant and format", "Measured", "Cells per letter"], byCase))),
    source ? titled("Its script", make("details", "", make("summary", "", "Show the script"), make("pre", "", source)), copier("Copy the script", source)) : null]);
};
