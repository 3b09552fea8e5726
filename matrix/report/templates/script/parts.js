// Pieces that many pages have.
const chip = (letter) => make("span", "chip " + state.letters[letter][0], letter);
const rounded = (value, digits = 3) => (typeof value === "number" ? String(Number(value.toPrecision(digits))) : String(value));
const spread = (sum) => make("p", "facts", make("span", "", `${sum.measured.toLocaleString("en")} of ${sum.total.toLocaleString("en")} cells measured`),
  ...present(sum).map((letter) => make("span", "", chip(letter), ` ${state.letters[letter][2]}: ${sum.by[letter].toLocaleString("en")}`)));
const shares = (sum) => present(sum).map((letter) => make("span", "share", chip(letter), ` ${sum.by[letter].toLocaleString("en")} `));
const crumbs = (...links) => given(make("nav", "crumbs", ...links.flatMap((one, n) => (n ? [" \u203a ", one] : [one]))), { "aria-label": "Where this is" });
const home = () => link("#/", "The answer");
const all = () => link("#/matrix", "All versions");
const version = (id) => link(route("version", id), id);
const prose = (text) => text.split("`").map((part, n) => (n % 2 ? make("code", "", part) : part));

const note = (one) => {
  const own = one.attempts[0];
  if (one.status === "R") return one.remedy;
  if (one.status === "D" && one.figures[0] && one.figures[0].length > 1) return "off by " + rounded(one.figures[0][1], 2);
  return own ? own.exception : "";
};
const square = (one) => {
  if (!one) return make("td", "s-absent", make("b", "", "\u2013"), " not asked");
  const said = note(one), shown = make("b", "", one.status);
  return make("td", state.letters[one.status][0], link(cellRoute(one), shown, " ", state.letters[one.status][1]), said ? make("small", "", said) : null);
};

const grid = (writer, reader, cells) => {
  const found = new Map(cells.map((one) => [[one.scenario, one.variant, one.format].join("/"), one]));
  const body = make("tbody", "");
  for (const [scenario, title] of state.data.scenarios) {
    const variants = VARIANTS.filter((variant) => state.formats.some(([format]) => found.has([scenario, variant, format].join("/"))));
    variants.forEach((variant, position) => {
      const row = make("tr", position ? "" : "first");
      if (!position) row.append(given(head("rowgroup", "", ...prose(title), " ", make("code", "", link(route("scenario", scenario), scenario))), { rowspan: variants.length }));
      row.append(head("row", "variant", variant), ...state.formats.map(([format]) => square(found.get([scenario, variant, format].join("/")))));
      body.append(row);
    });
  }
  const drawn = make("table", "grid", make("caption", "", make("span", "", `Saved with ${writer}, loaded in ${reader}. Each letter leads to all that is known about it.`)),
    make("thead", "", make("tr", "", head("col", "", "Scenario"), head("col", "", "Variant"), ...state.formats.map(([, name]) => head("col", "", name)))), body);
  return region("Scenario by scenario", drawn);
};

const remedyOf = (one) => {
  const [words, needs, code] = state.data.remedies[`${one.remedy}/${one.format}`] || [`use the change called ${one.remedy}`, "", ""];
  return { words, needs, code };
};
const examples = (cells, limit = 40) => {
  const rest = cells.length - limit;
  return list("cells", [...cells.slice(0, limit).map((one) => [chip(one.status), " ", link(cellRoute(one), caseName(one)),
    one.remedy ? ` works with ${one.remedy}` : ""]), ...(rest > 0 ? [`and ${spoken(rest, "more cell")}`] : [])]);
};
const explanation = (slug) => {
  const [title, happened, advice, links] = state.data.causes[slug] || [slug, "", "", []];
  return make("div", "cause", make("p", "", make("b", "", ...prose(title), "."), " ", ...prose(happened)),
    advice ? make("p", "", ...prose(advice)) : null,
    make("p", "links", link(route("cause", slug), slug), ...links.flatMap((one) => [" ", given(link(one, one.replace("https://", "")), { rel: "noreferrer" })])));
};
const helped = (members) => ranked(grouped(members.filter((one) => one.status === "R"), (one) => Object.values(remedyOf(one)).join("\0"))).map(([, ones]) => {
  const { words, needs, code } = remedyOf(ones[0]);
  return make("p", "remedy", chip("R"), ` Works for ${ones.length} of ${members.length}: ${words}.${needs ? ` Needs ${needs}.` : ""} `, code ? make("code", "", code) : null);
});
const silence = (status) => {
  const short = state.letters[status][1];
  return status === "D" ? "Other numbers" : short[0].toUpperCase() + short.slice(1);
};
const reasons = (cells) => {
  const failed = cells.filter((item) => "RDFTC".includes(item.status) && item.attempts.length);
  return ranked(grouped(failed, (one) => one.attempts[0].why)).map(([, members]) => {
    const own = members[0].attempts[0], causes = ranked(grouped(members.filter((one) => one.cause), (one) => one.cause)).map(([slug]) => slug);
    return make("article", "reason",
      make("h3", "", make("span", "count", String(members.length)), " ", make("span", "stage", own.stage), " ",
        own.exception || silence(own.status), own.signature ? make("span", "signature", own.signature) : null),
      make("p", "split", ...shares(counted(members.map((one) => one.index)))),
      ...(causes.length ? causes.map(explanation) : [make("p", "cause", "The cause is not known.")]),
      own.message ? make("pre", "message", own.message) : null, ...helped(members),
      make("details", "", make("summary", "", "Cells"), examples(members)));
  });
};
const gaps = (cells) => ranked(grouped(cells.filter((item) => "USE.".includes(item.status)), (one) => {
  const own = one.attempts[0];
  return one.status + (one.reason || (own ? `${own.exception}: ${own.message}` : "no reason given"));
})).map(([why, members]) => [chip(why[0]), ` ${members.length} ${state.letters[why[0]][2]}: ${why.slice(1)}`]);
