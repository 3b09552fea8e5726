"use strict";
(async () => {
  const find = (id) => document.getElementById(id);
  const report = find("report"), view = find("view"), live = find("live"), choose = find("choose");

  const unpacked = async () => {
    const block = find("data"), value = JSON.parse(block.textContent);
    if (block.dataset.encoding !== "gzip") return value;
    const bytes = Uint8Array.from(atob(value), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };

  // Text goes in as text: nothing here parses markup.
  const make = (tag, css, ...children) => {
    const element = document.createElement(tag);
    if (css) element.className = css;
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  };
  const link = (href, ...children) => {
    const element = make("a", "", ...children);
    element.setAttribute("href", href);
    return element;
  };
  const head = (scope, css, ...children) => {
    const element = make("th", css, ...children);
    element.setAttribute("scope", scope);
    return element;
  };
  const route = (...names) => "#/" + names.map((name) => encodeURIComponent(name).replace(/%2B/g, "+")).join("/");

  const data = await unpacked();
  const { cells, texts, letters } = data;
  const ids = data.environments.map(([id]) => id);
  const titles = new Map(data.scenarios);
  const formats = data.formats;
  const at = new Map();
  for (let i = 0; i < cells.writer.length; i++) {
    const pair = cells.writer[i] + ">" + cells.reader[i];
    if (!at.has(pair)) at.set(pair, []);
    at.get(pair).push(i);
  }
  const pairCells = (writer, reader) => at.get(ids.indexOf(writer) + ">" + ids.indexOf(reader)) || [];
  const attempt = (index, message) => {
    const [rung, status, stage, exception, signature, traceback, why, lost] = data.attempts[index];
    return { rung: texts[rung], status, stage, exception: texts[exception], message: texts[message],
             signature: texts[signature], traceback: data.tracebacks[traceback] || "", why: texts[why],
             lost: texts[lost] };
  };
  const cell = (i) => {
    const [scenario, variant, format] = data.cases[cells.case[i]], said = data.said[cells.said[i]];
    const measured = data.measured[cells.measured[i]];
    const [reason, container, cause, remedy] = data.wholes[cells.whole[i]].map((text) => texts[text]);
    return { scenario, variant, format, writer: ids[cells.writer[i]], reader: ids[cells.reader[i]],
             status: cells.status[i], 
             figures: cells.hundredths[i].map((spent, n) => [spent, ...data.measures[measured[n]]]),
             attempts: data.ladders[cells.ladder[i]].map((index, n) => attempt(index, said[n])),
             reason, container, cause, remedy };
  };
  const cellRoute = (one) => route("cell", one.writer, one.reader, one.scenario, one.variant, one.format);
  const formatName = (name) => (formats.find(([id]) => id === name) || [name, name])[1];
  const chip = (letter) => make("span", "chip " + letters[letter][0], letter);
  const number = (value, digits = 3) => (typeof value === "number" ? String(Number(value.toPrecision(digits))) : String(value));

  const note = (one) => {
    const own = one.attempts[0];
    if (one.status === "R") return one.remedy;
    if (one.status === "D" && one.figures[0] && one.figures[0].length > 1) return "off by " + number(one.figures[0][1], 2);
    return own ? own.exception : "";
  };

  const grid = (writer, reader, list) => {
    const found = new Map(list.map((one) => [[one.scenario, one.variant, one.format].join("/"), one]));
    const table = make("table", "grid");
    table.append(make("caption", "", make("span", "", `Saved with ${writer}, loaded in ${reader}. Each letter leads to all that is known about it.`)));
    table.append(make("thead", "", make("tr", "", head("col", "", "Scenario"), head("col", "", "Variant"),
      ...formats.map(([, name]) => head("col", "", name)))));
    const body = make("tbody", "");
    for (const [scenario, title] of data.scenarios) {
      const variants = ["bare", "custom_objects", "registered"].filter((variant) =>
        formats.some(([format]) => found.has([scenario, variant, format].join("/"))));
      variants.forEach((variant, position) => {
        const row = make("tr", position ? "" : "first");
        if (!position) {
          const first = head("rowgroup", "", title, " ", make("code", "", scenario));
          first.setAttribute("rowspan", variants.length);
          row.append(first);
        }
        row.append(head("row", "variant", variant));
        for (const [format] of formats) row.append(square(found.get([scenario, variant, format].join("/"))));
        body.append(row);
      });
    }
    table.append(body);
    const scroll = make("div", "scroll", table);
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Scenario by scenario");
    return scroll;
  };
  const square = (one) => {
    if (!one) return make("td", "s-absent", make("b", "", "\u2013"), " not asked");
    const said = note(one);
    return make("td", letters[one.status][0],
      link(cellRoute(one), make("b", "", one.status), " ", letters[one.status][1]), said ? make("small", "", said) : null);
  };

  const reasons = (list) => {
    const groups = new Map();
    for (const one of list.filter((item) => "RDFTC".includes(item.status) && item.attempts.length)) {
      const own = one.attempts[0];
      if (!groups.has(own.why)) groups.set(own.why, { own, members: [] });
      groups.get(own.why).members.push(one);
    }
    const sorted = [...groups.values()].sort((a, b) => b.members.length - a.members.length);
    return sorted.map(({ own, members }) => make("article", "reason",
      make("h3", "", make("span", "count", String(members.length)), " ", make("span", "stage", own.stage), " ",
        own.exception || letters[own.status][1], own.signature ? make("span", "signature", own.signature) : null),
      own.message ? make("pre", "message", own.message) : null,
      make("ul", "cells", ...members.map((one) => make("li", "", chip(one.status), " ",
        link(cellRoute(one), `${one.scenario}, ${one.variant}, ${formatName(one.format)}`),
        one.remedy ? ` works with ${one.remedy}` : "")))));
  };
  const gaps = (list) => {
    const groups = new Map();
    for (const one of list.filter((item) => "USE.".includes(item.status))) {
      const own = one.attempts[0];
      const why = one.status + " " + (one.reason || (own ? `${own.exception}: ${own.message}` : "no reason given"));
      groups.set(why, (groups.get(why) || 0) + 1);
    }
    return [...groups].map(([why, count]) => make("li", "", chip(why[0]), ` ${count} ${letters[why[0]][2]}: ${why.slice(2)}`));
  };

  const summary = (list) => {
    const counts = new Map();
    for (const one of list) counts.set(one.status, (counts.get(one.status) || 0) + 1);
    const measured = list.filter((one) => "PRDFTC".includes(one.status)).length;
    const parts = Object.keys(letters).filter((letter) => counts.has(letter)).sort((a, b) => "PRDFTCUSE.".indexOf(a) - "PRDFTCUSE.".indexOf(b));
    return [`${measured} of ${list.length} cells measured`, parts.map((letter) => [letter, counts.get(letter)])];
  };
  const crumbs = (...links) => make("p", "crumbs", ...links.flatMap((one, i) => (i ? [" \u203a ", one] : [one])));
  const home = () => link("#main", "The answer");

  const showPair = (writer, reader) => {
    if (!ids.includes(writer) || !ids.includes(reader)) return missing("There is no such pair in this run.");
    const list = pairCells(writer, reader).map(cell);
    const [said, parts] = summary(list);
    const spread = make("p", "facts", make("span", "", said),
      ...parts.map(([letter, count]) => make("span", "", chip(letter), ` ${letters[letter][2]}: ${count}`)));
    const why = reasons(list), open = gaps(list);
    view.replaceChildren(crumbs(home(), link("#matrix", "All versions"), `${writer} \u2192 ${reader}`),
      make("h1", "", `Saved with ${writer}, loaded in ${reader}`), spread, grid(writer, reader, list),
      why.length ? make("section", "", make("h2", "", "Why"), ...why) : "",
      open.length ? make("section", "", make("h2", "", "Not counted"), make("ul", "gaps", ...open)) : "");
    find("choose-from").value = writer;
    find("choose-to").value = reader;
    opened(`${writer} into ${reader}: ${said}, ${parts.map(([letter, count]) => `${count} ${letters[letter][2]}`).join(", ")}`);
  };

  const figures = (values) => {
    const [hundredths, absolute, relative, flips] = values || [0];
    const parts = [`${hundredths / 100} s`];
    if (absolute !== undefined && absolute !== null) parts.push(`largest difference ${number(absolute)}`);
    if (relative !== undefined && relative !== null) parts.push(`relative ${number(relative)}`);
    if (flips !== undefined && flips !== null) parts.push(`${flips} rows changed their largest output`);
    return parts.join(" \u00b7 ");
  };
  const showCell = (writer, reader, scenario, variant, format) => {
    const one = pairCells(writer, reader).map(cell).find((item) =>
      item.scenario === scenario && item.variant === variant && item.format === format);
    if (!one) return missing("There is no such cell in this run.");
    const known = [["saved with", writer], ["loaded in", reader], ["scenario", `${titles.get(scenario)} (${scenario})`],
      ["variant", variant], ["format", formatName(format)], ["file on disk", one.container], ["works with", one.remedy],
      ["cause", data.causes[one.cause] ? `${data.causes[one.cause]} (${one.cause})` : one.cause], ["not measured because", one.reason]].filter(([, value]) => value);
    view.replaceChildren(crumbs(home(), link(route("pair", writer, reader), `${writer} \u2192 ${reader}`), scenario),
      make("h1", "", chip(one.status), ` ${scenario}, ${formatName(format)}: ${letters[one.status][2]}`),
      make("dl", "known", ...known.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)])),
      make("h2", "", one.status === "S" ? "How the save ended" : "What was tried"),
      ...(one.attempts.length ? one.attempts.map((item, i) => shownAttempt(item, one.figures[i], i)) : [make("p", "lead", "Nothing was tried.")]));
    opened(`${scenario}, ${formatName(format)}: ${letters[one.status][2]}`);
  };
  const shownAttempt = (item, values, position) => {
    const details = item.traceback ? make("details", "", make("summary", "", "Traceback"), make("pre", "", item.traceback)) : null;
    return make("article", "attempt",
      make("h3", "", chip(item.status), ` ${position + 1}. ${item.rung || "save"} `, make("span", "stage", item.stage),
        " ", item.exception || letters[item.status][2]),
      make("p", "figures", figures(values)), item.lost ? make("p", "", `Lost without a word: ${item.lost}.`) : null,
      item.message ? make("pre", "", item.message) : null, details);
  };
  const missing = (sentence) => {
    view.replaceChildren(crumbs(home()), make("h1", "", sentence));
    opened(sentence);
  };
  const opened = (sentence) => {
    report.hidden = true;
    view.hidden = false;
    live.textContent = sentence;
    window.scrollTo(0, 0);
    find("main").focus({ preventScroll: true });
  };

  const show = () => {
    let names;
    try { names = location.hash.slice(2).split("/").map(decodeURIComponent); } catch { names = []; }
    if (location.hash.startsWith("#/pair/") && names.length === 3) return showPair(names[1], names[2]);
    if (location.hash.startsWith("#/cell/") && names.length === 6) return showCell(...names.slice(1));
    if (location.hash.startsWith("#/")) return missing("There is no such page in this report.");
    if (report.hidden) {
      report.hidden = false;
      view.hidden = true;
      view.replaceChildren();
      const target = find(location.hash.slice(1));
      if (target) target.scrollIntoView();
    }
  };

  // Cells of the static part lead to their own pages once there is a script to show them.
  for (const item of document.querySelectorAll("li[data-route]")) {
    const [letter, ...rest] = [...item.childNodes];
    item.replaceChildren(letter, " ", link(item.dataset.route, rest.map((node) => node.textContent).join("").trim()));
  }
  for (const item of document.querySelectorAll("td[data-route]")) {
    if (item.querySelector("a")) continue;
    const label = [...item.childNodes].filter((node) => node.nodeName !== "SMALL");
    const anchor = link(item.dataset.route);
    item.prepend(anchor);
    anchor.append(...label);
  }

  choose.hidden = false;
  [find("choose-from").value, find("choose-to").value] = data.focus;
  choose.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = route("pair", find("choose-from").value, find("choose-to").value);
  });

  // One stop for the Tab key in the big table; arrows move inside.
  const overview = find("overview");
  const lines = [...overview.tBodies[0].rows].map((row) => [...row.cells].slice(1).map((one) => one.querySelector("a")));
  const links = lines.flat().filter(Boolean);
  const hold = (one) => links.forEach((other) => { other.tabIndex = other === one ? 0 : -1; });
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const start = links.find((one) => one.getAttribute("href") === route("pair", ...data.focus)) || links[0];
  if (start) hold(start);
  overview.addEventListener("focusin", (event) => { if (links.includes(event.target)) hold(event.target); });
  overview.addEventListener("keydown", (event) => {
    const step = steps[event.key], y = lines.findIndex((line) => line.includes(event.target));
    if (!step || y < 0) return;
    event.preventDefault();
    let row = y, column = lines[y].indexOf(event.target);
    do { row += step[0]; column += step[1]; } while (lines[row] && column >= 0 && column < lines[row].length && !lines[row][column]);
    if (lines[row] && lines[row][column]) lines[row][column].focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !view.hidden) location.hash = "#matrix";
  });

  window.addEventListener("hashchange", show);
  show();
})();
