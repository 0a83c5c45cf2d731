/** First part of the page's script: the only way by which data becomes elements, always as text. */
export const DOM_SCRIPT = `
const byId = (id) => document.getElementById(id);

/** An element of a class with children: strings become text, null is left out. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** A table cell; the label is what stands before it where columns do not fit. */
function cell(label, ...children) {
  const element = make("td", "", ...children);
  element.dataset.label = label;
  return element;
}

function show(id, text) {
  byId(id).textContent = text;
}

function emptyRow(columns, text) {
  const only = make("td", "empty", text);
  only.colSpan = columns;
  return make("tr", "", only);
}

function span(seconds) {
  if (seconds < 60) return seconds + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min";
  if (seconds < 86400) return Math.floor(seconds / 3600) + " h " + Math.floor((seconds % 3600) / 60) + " min";
  return Math.floor(seconds / 86400) + " d " + Math.floor((seconds % 86400) / 3600) + " h";
}

function plural(count, word) {
  return count + " " + word + (count === 1 ? "" : "s");
}

function localTime(instant) {
  return new Date(instant).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** Calls the API of this origin: the page's own address may hold a password, which fetch refuses in a URL. */
function call(path, options) {
  return fetch(location.origin + path, { ...options, credentials: "same-origin", cache: "no-store" });
}

async function read(path) {
  const answer = await call(path);
  if (!answer.ok) throw new Error("answer " + answer.status);
  return answer.json();
}
`;
