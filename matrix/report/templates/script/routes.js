// The address says what is shown: `#/` and a page, or the name of something that stands in the page.
const parsed = (hash) => {
  const [path, query] = hash.slice(1).split("?");
  let names;
  try { names = path.split("/").slice(1).map(decodeURIComponent); } catch { names = ["?"]; }
  return { path, names, options: Object.fromEntries(new URLSearchParams(query || "")) };
};
const trail = [];  // the addresses that led here, for Escape
let returning = false;

const settle = (sentence) => {
  const live = find("live");
  live.textContent = "";
  live.textContent = sentence;
  permalinks();
};
const arrive = (scope) => {
  const from = returning && trail.left, link = from && [...scope.querySelectorAll("a")].find((one) => one.getAttribute("href") === from && one.checkVisibility());
  returning = false;
  if (link) {
    link.closest("details")?.setAttribute("open", "");
    link.focus();
    return;
  }
  window.scrollTo(0, 0);
  find("main").focus({ preventScroll: true });
};
const opened = (sentence, children) => {
  find("report").hidden = true;
  find("view").hidden = false;
  find("view").replaceChildren(...children.filter(Boolean));
  rove(find("view"));
  settle(sentence);
  arrive(find("view"));
};
const missing = (sentence) => opened(sentence, [crumbs(home()), make("h1", "", sentence)]);
const turned = (id) => {
  find("view").hidden = true;
  find("view").replaceChildren();
  find("report").hidden = false;
  for (const page of document.querySelectorAll("#report > .page")) page.hidden = page.id !== id;
};
// A page that stands in the file already, and what the script adds to it.
const turn = (id, options) => {
  turned(id);
  if (id === "/matrix") showMatrix(options);
  if (id === "/ranges") showSince(state.ids.includes(options.saved) ? options.saved : state.data.focus[0]);
  if (id === "/diff") showChanges();
  if (id === "/") [find("choose-from").value, find("choose-to").value] = state.data.focus;
  const title = find(id).querySelector("h1, h2:not([hidden] h2)");
  if (title && title.tagName === "H2") {  // alone on its page now
    given(title, { role: "heading", "aria-level": 1 });
    for (const part of title.parentElement.querySelectorAll("h3")) given(part, { role: "heading", "aria-level": 2 });
  }
  settle(title ? title.textContent : "");
  arrive(find(id));
};

const VIEWS = { pair: [2, showPair], cell: [5, showCell], scenario: [1, showScenario], version: [1, showVersion], cause: [1, showCause], env: [1, showEnvironment] };
const show = () => {
  const { path, names, options } = parsed(location.hash), [view, ...rest] = names, target = find(location.hash.slice(1));
  for (const one of document.querySelectorAll("body > nav a")) {
    const here = one.getAttribute("href") === `#${path.startsWith("/") ? path : "/"}` && !one.matches(".home");
    if (here) one.setAttribute("aria-current", "page"); else one.removeAttribute("aria-current");
  }
  warned(options);
  if (VIEWS[view] && rest.length === VIEWS[view][0] && rest[0]) return VIEWS[view][1](...rest, options);
  if (path.startsWith("/") && path !== "/") {
    const page = find(path);
    return page && page.matches(".page") ? turn(path, options) : missing("There is no such page in this report.");
  }
  const page = target && target.closest(".page");
  if (target && target.id === "main") return void find("main").focus();
  turn(page ? page.id : "/", options);
  if (page && target !== page) {
    target.scrollIntoView();
    (target.tabIndex >= 0 || target.hasAttribute("tabindex") ? target : find("main")).focus({ preventScroll: true });
  }
};

// A link that names its run says so where it meets another one.
const warned = ({ run }) => {
  const here = `${find("run-id").textContent}~${find("digest").textContent.slice(0, 12)}`, old = find("other-run");
  if (old) old.remove();
  if (!run || run === here) return;
  const said = make("p", "banner", `This link was made for run ${run.split("~")[0]}. Shown is run ${find("run-id").textContent}: numbers may differ. The other one is in the folder runs/${run.split("~")[0]}.`);
  said.id = "other-run";
  find("main").prepend(said);
};
const permalinks = () => {
  const { path, options } = parsed(location.hash || "#/"), run = `${find("run-id").textContent}~${find("digest").textContent.slice(0, 12)}`;
  const { run: _, ...rest } = options, page = location.href.split("#")[0];
  const view = asked("#" + (path || "/"), rest), fixed = asked("#" + (path || "/"), { ...rest, run });
  find("permalinks").hidden = false;
  find("permalinks").replaceChildren(link(view, "Link to this view"), " ", copier("Copy this view", () => page + view), " \u00b7 ",
    link(fixed, "Link to this view of this run"), " ", copier("Copy this run", () => page + fixed));
};
const back = () => {
  const { names } = parsed(location.hash);
  if (find("view").hidden && (names[0] || "") === "") return;
  returning = true;
  trail.left = location.hash.split("?")[0];
  if (trail.length) history.back();
  else location.hash = names[0] === "cell" ? route("pair", names[1], names[2]) : VIEWS[names[0]] ? "#/matrix" : "#/";
};

// What is marked leads to its own page once there is a script to show it.
const upgrade = () => {
  for (const item of document.querySelectorAll("[data-route]")) {
    if (item.matches("td") && item.querySelector("a")) continue;
    const kept = [...item.childNodes].filter((node) => node.nodeName === "SMALL" || (item.matches("li") && node === item.firstElementChild && item.childNodes.length > 1));
    const anchor = link(item.dataset.route, ...[...item.childNodes].filter((node) => !kept.includes(node)));
    item.replaceChildren(...kept.filter((node) => node.nodeName !== "SMALL"), kept.some((node) => node.nodeName !== "SMALL") ? " " : "", anchor, ...kept.filter((node) => node.nodeName === "SMALL"));
  }
  for (const item of document.querySelectorAll("th[data-version]")) {
    const small = item.querySelector("small"), anchor = link(route("version", item.dataset.version), item.firstChild.textContent.trim());
    item.replaceChildren(anchor, " ", ...(small ? [small] : []));
  }
};
const start = async () => {
  turned(document.getElementById(parsed(location.hash).path)?.matches(".page") ? parsed(location.hash).path : "/");
  begin(await unpacked());
  upgrade();
  rove(find("report"));
  listen();
  const form = find("choose");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = [find("choose-from").value, find("choose-to").value];
    location.hash = wanted.join("\0") === state.data.focus.join("\0") ? "#/" : route("pair", ...wanted);
  });
  window.addEventListener("hashchange", (event) => {
    if (returning) trail.pop(); else trail.push(event.oldURL);
    show();
  });
  [find("choose-from").value, find("choose-to").value] = state.data.focus;
  form.hidden = false;
  show();
};
start();
