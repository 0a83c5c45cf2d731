/** Filters rows by route and rule, or else columns by caller; both where the words are found in both. */
export const FILTER_SCRIPT = `
"use strict";
const filter = document.getElementById("filter");
const words = (element) => element.textContent.toLowerCase();
function show(section, wanted) {
  const rows = [...section.querySelectorAll("tbody tr")];
  const callers = [...section.querySelectorAll(".callers li")];
  const isRow = (row) => words(row.children[0]).includes(wanted) || words(row.children[1]).includes(wanted);
  const isCaller = (caller) => words(caller.querySelector("div")).includes(wanted);
  const someRows = rows.some(isRow);
  const someCallers = callers.some(isCaller);
  section.hidden = !someRows && !someCallers;
  for (const row of rows) row.hidden = someRows && !isRow(row);
  const shown = new Set(callers.filter((caller) => !someCallers || isCaller(caller)).map((caller) => caller.dataset.column));
  for (const element of section.querySelectorAll("[data-column]")) element.hidden = !shown.has(element.dataset.column);
}
filter.addEventListener("input", () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const section of document.querySelectorAll("section")) show(section, wanted);
});
`;
