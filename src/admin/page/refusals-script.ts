/** Part of the page's script: recent refusals, and one decision in full. */
export const REFUSALS_SCRIPT = `
let newest = "";

/** Drawn only when there is a new one: focus and selection stay where they are otherwise. */
function showRefusals(decisions) {
  const first = decisions.length > 0 ? decisions[0].decision : "none";
  if (first === newest) return;
  newest = first;
  show("refusal-count", String(decisions.length));
  byId("refusals").replaceChildren(...(decisions.length > 0 ? decisions.map(refusalRow) : [emptyRow(5, "Nothing was refused since the start.")]));
}

function refusalRow(record) {
  const button = make("button", "link mono", record.decision);
  button.type = "button";
  button.addEventListener("click", () => openDecision(record));
  return make("tr", "",
    cell("Code", make("span", "pill " + (record.status >= 500 ? "bad" : "plain"), String(record.status)), " ", make("span", "code", record.code || "")),
    cell("Request", make("div", "mono path", (record.method + " " + (record.path || "")).trim()), make("div", "quiet small", requestFacts(record))),
    cell("Caller", record.caller ? make("span", "mono", record.caller.subject) : "–", make("div", "quiet small", callerFacts(record))),
    cell("Reason", record.reason || "–"),
    cell("Decision id", button));
}

function requestFacts(record) {
  return [new Date(record.at).toLocaleTimeString(), record.service, record.address && "from " + record.address].filter(Boolean).join(" · ");
}

function callerFacts(record) {
  const caller = record.caller;
  return caller ? [caller.kind, caller.role, "by " + caller.authenticator].filter(Boolean).join(" · ") : "";
}

/** Names of fields are ours, values may be anybody's. */
function openDecision(record) {
  show("decision-title", record.decision);
  const facts = Object.entries(record).filter(([name]) => name !== "decision");
  byId("decision-facts").replaceChildren(...facts.flatMap(([name, value]) => [make("dt", "", name), make("dd", "mono", factText(value))]));
  byId("decision").showModal();
}

function factText(value) {
  if (value === null || typeof value !== "object") return String(value);
  return Object.entries(value).map(([name, inner]) => name + ": " + factText(inner)).join(String.fromCharCode(10));
}

async function lookUp(event) {
  event.preventDefault();
  const id = byId("decision-id").value.trim();
  const said = byId("lookup-answer");
  said.hidden = true;
  try {
    const answer = await call("/api/decisions/" + encodeURIComponent(id));
    if (answer.ok) return openDecision(await answer.json());
    said.textContent = answer.status === 404 ? "No refusal of that id is kept here. Older ones are in the log." : "The look-up failed: answer " + answer.status + ".";
  } catch {
    said.textContent = "The gateway does not answer.";
  }
  said.hidden = false;
}
`;
