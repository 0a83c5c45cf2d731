/** Part of the page's script: phase, policy, issuers, key store. */
export const STATUS_SCRIPT = `
function showStatus(status) {
  const phase = byId("phase");
  phase.textContent = status.phase;
  phase.className = "pill " + (status.phase === "serving" ? "good" : "warn");
  show("revision", status.revision);
  show("uptime", span(status.uptimeSeconds));
  show("started", "since " + localTime(status.startedAt));
  showReload(status.lastReload);
  showKeyStore(status.keyStore);
  const rows = status.issuers.map(issuerRow);
  byId("issuers").replaceChildren(...(rows.length > 0 ? rows : [emptyRow(5, "No authenticator uses an issuer.")]));
}

function showReload(lastReload) {
  const rejected = lastReload.kind === "rejected";
  show("reload-state", (rejected ? "a change was refused " : "loaded ") + localTime(lastReload.at));
  byId("rejected").hidden = !rejected;
  show("diagnostics", rejected ? lastReload.diagnostics.join("\\n\\n") : "");
}

function showKeyStore(keyStore) {
  const figure = byId("key-store");
  figure.textContent = keyStore.usable ? "readable" : "out of reach";
  figure.className = "figure " + (keyStore.usable ? "" : "bad-text");
  show("key-store-trouble", keyStore.usable ? "API keys are checked" : "API keys get 503: " + keyStore.trouble);
}

function issuerRow(issuer) {
  const failing = issuer.usable && issuer.lastError;
  const state = issuer.usable ? make("span", failing ? "pill warn" : "pill good", failing ? "last keys" : "usable") : make("span", "pill bad", "unusable");
  return make("tr", "",
    cell("Issuer", make("span", "mono", issuer.iss)),
    cell("State", state),
    cell("Signing keys", String(issuer.keyCount)),
    cell("Fetched", issuer.ageSeconds === undefined ? "never" : span(issuer.ageSeconds) + " ago"),
    cell("Last error", issuer.lastError || "none"));
}
`;
