// What the whole run says: a cause with all its cells, and what changed since the baseline.
const showCause = (slug, options) => {
  const fixed = { cause: slug }, indices = matching(fixed);
  if (!indices.length) return missing("There is no such cause in this run.");
  const cells = indices.map(cell), [title] = state.data.causes[slug] || [slug === "unknown" ? "The cause is not known" : slug];
  const form = slicers({ ...options, ...fixed }, { fixed: ["cause"] }), drawn = copyOf(), text = make("p", "lead");
  const draw = sliced(form, drawn, route("cause", slug), fixed, (only, said) => text.replaceChildren(`${said} match. In each square the worst letter of those, and how many of all its cells match.`));
  const signatures = ranked(grouped(cells.filter((one) => one.attempts.length), (one) => {
    const own = one.attempts[0];
    return [own.stage, own.exception || state.letters[own.status][1], own.signature].join("\0");
  })).map(([name, ones]) => {
    const [stage, exception, signature] = name.split("\0");
    return make("article", "reason", make("h3", "", make("span", "count", String(ones.length)), " ", make("span", "stage", stage), " ", exception, signature ? make("span", "signature", signature) : null),
      ...helped(ones), make("details", "", make("summary", "", "Cells"), list("cells", [...ones.slice(0, 60).map((one) => [chip(one.status), " ", link(cellRoute(one), `${one.writer} \u2192 ${one.reader}: ${caseName(one)}`)]),
        ...(ones.length > 60 ? [`and ${spoken(ones.length - 60, "more cell")}`] : [])])));
  });
  draw();
  const said = counted(indices);
  return opened(`${title}: ${spoken(indices.length, "cell")}`, [crumbs(home(), link("#/causes", "Causes"), slug), make("h1", "", ...prose(title)),
    state.data.causes[slug] ? explanation(slug) : null, make("p", "facts", ...shares(said)),
    given(titled("Where", form, text, region("All versions", drawn, "scroll tall")), { class: "wide" }), titled("How it shows", ...signatures)]);
};

const kindOf = (i) => state.data.baseline.kinds[state.cells.change[i]];
const showChanges = () => {
  const { baseline } = state.data;
  if (!baseline) return;
  const groups = grouped([...Array(state.size).keys()], kindOf);
  const shown = [["regressed", "worked in the baseline, and does not now"], ["repaired", "did not work in the baseline, and does now"],
    ["flaky", "another letter, although all that decides it is the same"], ["changed", "another letter, neither better nor worse"],
    ["new", "nothing was known in the baseline"], ["gone", "nothing is known now"]];
  const parts = shown.map(([kind, says]) => {
    const here = (groups.get(kind) || []).map((i) => {
      const one = cell(i), was = before(i);
      return [was === " " ? "" : [chip(was), " \u2192 "], chip(one.status), " ", link(cellRoute(one), `${one.writer} \u2192 ${one.reader}: ${caseName(one)}`)].flat();
    });
    const away = kind !== "gone" ? [] : baseline.gone.map(([writer, reader, scenario, variant, format, letter]) =>
      [chip(letter), ` ${writer} \u2192 ${reader}: ${scenario}, ${variant}, ${formatName(format)}`]);
    const found = [...here, ...away];
    const more = found.length > 200 ? [[`and ${spoken(found.length - 200, "more cell")}: `, link("#/matrix?changed=1", "all in the matrix")]] : [];
    return make("article", "reason", make("h3", "", make("span", "count", String(found.length)), ` ${kind}: ${says}`),
      found.length ? make("details", "", make("summary", "", "Cells"), list("cells", [...found.slice(0, 200), ...more])) : null);
  });
  find("changes").replaceChildren(...parts, make("p", "", spoken((groups.get("same") || []).length, "cell"), " have the same letter in both, or nothing to compare."));
};
