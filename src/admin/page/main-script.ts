/** Last part of the page's script: what is read when, and the one button that changes something. */
export const MAIN_SCRIPT = `
const EVERY_MS = 5000;
let revision = "";

async function refresh() {
  try {
    const [status, recent] = await Promise.all([read("/api/status"), read("/api/decisions")]);
    showStatus(status);
    showRefusals(recent.decisions);
    if (status.revision !== revision) {
      showPolicy(await read("/api/policy"));
      revision = status.revision;
    }
    show("freshness", "as of " + new Date().toLocaleTimeString());
  } catch (error) {
    const phase = byId("phase");
    phase.textContent = "no answer";
    phase.className = "pill bad";
    show("freshness", error instanceof TypeError ? "the gateway does not answer" : String(error.message));
  }
}

async function refreshForEver() {
  if (!document.hidden) await refresh();
  setTimeout(refreshForEver, EVERY_MS);
}

const RELOADED = { loaded: "The policy was loaded and is in force.", unchanged: "The files say what is in force already.", rejected: "The files were refused; nothing changed." };

async function reload() {
  const button = byId("reload");
  button.disabled = true;
  try {
    const answer = await call("/api/reload", { method: "POST", headers: { "x-sallyport-admin": "1" } });
    const outcome = answer.ok || answer.status === 422 ? await answer.json() : {};
    notify(RELOADED[outcome.kind] || "The reload failed: answer " + answer.status + ".", answer.ok);
    await refresh();
  } catch {
    notify("The gateway does not answer.", false);
  } finally {
    button.disabled = false;
  }
}

function notify(text, good) {
  const notice = byId("notice");
  notice.textContent = text;
  notice.className = "notice " + (good ? "good" : "bad");
  notice.hidden = false;
}

byId("reload").addEventListener("click", reload);
byId("filter").addEventListener("input", filterRoutes);
byId("lookup").addEventListener("submit", lookUp);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
refreshForEver();
`;
