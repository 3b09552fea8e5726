// One stop for the Tab key in each table of links; arrows, Home and End move inside, Enter opens, Escape goes back.
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const lines = (drawn) => [...drawn.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")].map((td) => td.querySelector("a")));
const hold = (drawn, link) => {
  for (const other of drawn.tBodies[0].querySelectorAll("td a")) other.tabIndex = other === link ? 0 : -1;
};
const rove = (scope) => {
  for (const drawn of scope.querySelectorAll("table.overview, table.grid, table.strip")) {
    const links = lines(drawn).flat().filter(Boolean), wanted = route("pair", ...state.data.focus);
    if (links.length) hold(drawn, links.find((one) => one.getAttribute("href") === wanted) || links[0]);
    if (drawn.parentElement.getAttribute("role") === "region" && links.length) drawn.parentElement.removeAttribute("tabindex");
  }
};
const crossed = (drawn, td) => {
  for (const one of drawn.querySelectorAll(".at")) one.classList.remove("at");
  if (!td) return;
  const column = td.cellIndex;
  drawn.tHead.rows[1].cells[column].classList.add("at");
  for (const row of drawn.tBodies[0].rows) row.cells[column].classList.add("at");
  for (const one of td.parentElement.cells) one.classList.add("at");
};
const roved = (target) => (target.closest ? target.closest("table.overview, table.grid, table.strip") : null);

const move = (drawn, target, event) => {
  const all_ = lines(drawn), y = all_.findIndex((line) => line.includes(target));
  if (y < 0) return;
  const x = all_[y].indexOf(target), last = (line) => line.filter(Boolean).pop();
  let next = null;
  if (event.key === "Home") next = (event.ctrlKey ? all_[0] : all_[y]).find(Boolean);
  else if (event.key === "End") next = last(event.ctrlKey ? all_[all_.length - 1] : all_[y]);
  else if (STEPS[event.key]) {
    const [down, right] = STEPS[event.key];
    let [row, column] = [y + down, x + right];
    while (all_[row] && column >= 0 && column < all_[row].length && !all_[row][column]) { row += down; column += right; }
    next = all_[row] && all_[row][column];
  } else return;
  event.preventDefault();
  if (next) next.focus();
};
const listen = () => {
  document.addEventListener("focusin", (event) => {
    const drawn = roved(event.target), td = drawn && event.target.closest("td");
    if (!td) return;
    hold(drawn, event.target);
    if (drawn.matches(".overview")) crossed(drawn, td);
  });
  document.addEventListener("mouseover", (event) => {
    const drawn = event.target.closest && event.target.closest("table.overview");
    if (drawn) crossed(drawn, event.target.closest("tbody td"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey) return;
    if (event.key === "Escape") return void back();
    const drawn = roved(event.target);
    if (drawn) move(drawn, event.target, event);
  });
};
