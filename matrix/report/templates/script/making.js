"use strict";
// Elements. Text goes in as text: nothing here parses markup.
const find = (id) => document.getElementById(id);
const make = (tag, css, ...children) => {
  const element = document.createElement(tag);
  if (css) element.className = css;
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
};
const given = (element, attributes) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
const link = (href, ...children) => given(make("a", "", ...children), { href });
const head = (scope, css, ...children) => given(make("th", css, ...children), { scope });
const list = (css, items) => make("ul", css, ...items.map((item) => make("li", "", item)));
const titled = (title, ...children) => make("section", "", make("h2", "", title), ...children);
const spoken = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

const region = (label, table, css = "scroll") => given(make("div", css, table), { role: "region", "aria-label": label, tabindex: 0 });
const table = (css, caption, heads, rows) => make("table", css,
  make("caption", "", make("span", "", caption)),
  make("thead", "", make("tr", "", ...heads.map((one) => head("col", "", one)))),
  make("tbody", "", ...rows.map(([first, ...rest]) =>
    make("tr", "", head("row", "", first), ...rest.map((one) => (one instanceof HTMLTableCellElement ? one : make("td", "", one)))))));

// The same names as in the links that stand in the page already.
const quoted = (name) => encodeURIComponent(name).replace(/%2B/g, "+")
  .replace(/[!'()*]/g, (one) => "%" + one.charCodeAt(0).toString(16).toUpperCase());
const route = (...names) => "#/" + names.map(quoted).join("/");
const asked = (path, options) => {
  const query = new URLSearchParams(Object.entries(options).filter(([, value]) => value)).toString();
  return query ? `${path}?${query}` : path;
};

const chooser = (name, label, options, value) => {
  const select = given(make("select", "", ...options.map(([key, text]) => given(make("option", "", text), { value: key }))), { name });
  select.value = value || "";
  return make("label", "", label + " ", select);
};
const checker = (name, label, value) => {
  const box = given(document.createElement("input"), { type: "checkbox", name });
  box.checked = Boolean(value);
  return make("label", "", box, " " + label);
};
const chosen = (form) => Object.fromEntries([...form.elements].filter((one) => one.name)
  .map((one) => [one.name, one.type === "checkbox" ? (one.checked ? "1" : "") : one.value]));

const copied = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // a page from a file may not be allowed to
    const area = given(make("textarea", "unseen", text), { "aria-label": "copied text" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
};
const copier = (label, text) => {
  const button = given(make("button", "copy", label), { type: "button" });
  button.addEventListener("click", async () => {
    await copied(typeof text === "function" ? text() : text);
    button.focus();
    find("live").textContent = `Copied: ${label.replace(/^Copy /, "")}`;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
};
