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

const kindOf = (was, now) => {
  if (was === " ") return "new";
  const good = (letter) => "PR".includes(letter), bad = (letter) => "DFTCS".includes(letter);
  if (good(was) && bad(now)) return "regressed";
  if (bad(was) && good(now)) return "repaired";
  return was === now ? "same" : "other";
};
const showChanges = () => {
  const { baseline } = state.data;
  if (!baseline) return;
  const groups = grouped([...Array(state.size).keys()], (i) => kindOf(before(i), state.cells.status[i]));
  const shown = [["regressed", "Regressed", "worked in the baseline, and does not now"], ["repaired", "Repaired", "did not work in the baseline, and does now"],
    ["other", "Other letters", "neither better nor worse, or not measured on one side"], ["new", "New", "not in the baseline"]];
  const parts = shown.map(([kind, name, says]) => {
    const found = groups.get(kind) || [];
    return make("article", "reason", make("h3", "", make("span", "count", String(found.length)), ` ${name}: ${says}`),
      found.length ? make("details", "", make("summary", "", "Cells"), list("cells", [...found.slice(0, 200).map((i) => {
        const one = cell(i), was = before(i);
        return [was === " " ? "" : [chip(was), " \u2192 "], chip(one.status), " ", link(cellRoute(one), `${one.writer} \u2192 ${one.reader}: ${caseName(one)}`)].flat();
      }), ...(found.length > 200 ? [[`and ${spoken(found.length - 200, "more cell")}: `, link("#/matrix?changed=1", "all in the matrix")]] : [])])) : null);
  });
  const gone = make("article", "reason", make("h3", "", make("span", "count", String(baseline.gone.length)), " Gone: in the baseline, and not in this run"),
    baseline.gone.length ? make("details", "", make("summary", "", "Cells"), list("cells", [...baseline.gone.slice(0, 200).map(([writer, reader, scenario, variant, format, letter]) =>
      [chip(letter), ` ${writer} \u2192 ${reader}: ${scenario}, ${variant}, ${formatName(format)}`]), ...(baseline.gone.length > 200 ? [`and ${spoken(baseline.gone.length - 200, "more cell")}`] : [])])) : null);
  find("changes").replaceChildren(...parts, gone, make("p", "", spoken((groups.get("same") || []).length, "cell"), " have the same letter in both."));
};
