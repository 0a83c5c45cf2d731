/** Part of the page's script: the route tables and their filter. */
export const POLICY_SCRIPT = `
let routeRows = [];

function showPolicy(policy) {
  routeRows = [];
  byId("services").replaceChildren(...policy.services.map(servicePart));
  show("table-size", plural(routeRows.length, "route"));
  show("table-services", "in " + plural(policy.services.length, "service"));
  filterRoutes();
}

function servicePart(service) {
  const common = commonLimits(service.routes);
  const body = make("tbody", "", service.routes.map((route) => routeRow(service, route, common)));
  const heads = ["Method", "Path", "Access", "Proved by", "Limits", "Line"].map((name) => {
    const head = make("th", "", name);
    head.scope = "col";
    return head;
  });
  const table = make("table", "routes", make("thead", "", make("tr", "", heads)), body);
  const addresses = [...service.hosts, ...service.prefixes.map((prefix) => prefix || "/")].join(", ");
  const head = make("summary", "",
    make("span", "service-name", service.name),
    make("span", "mono", addresses),
    make("span", "quiet", "to ", make("span", "mono", service.upstream.origin + service.upstream.basePath)),
    service.upstream.verifyTls ? null : make("span", "pill bad", "TLS not verified"));
  const proofs = make("p", "proofs quiet", service.authenticators.map(proofPart));
  const limits = common.size > 0 ? make("p", "proofs quiet", make("span", "", make("strong", "", "on every route"), " " + [...common].join(" · "))) : null;
  const part = make("details", "service", head, proofs, limits, make("div", "scroll", table));
  part.open = true;
  return part;
}

/** What all routes share is said once, so that the rows show what is particular. */
function commonLimits(routes) {
  const texts = routes.map((route) => new Set(route.limits.map(limitText)));
  return texts.length === 0 ? new Set() : texts.reduce((common, one) => common.intersection(one));
}

function proofPart(authenticator) {
  const facts = { jwt: authenticator.issuer, bearer: plural((authenticator.secrets || []).length, "secret"), apiKey: authenticator.header + " " + authenticator.prefix + "_…", sigv4: authenticator.region + " " + authenticator.service, mtls: authenticator.subject };
  return make("span", "proof", make("strong", "", authenticator.name), " " + authenticator.kind + " · ", make("span", "mono", facts[authenticator.kind]));
}

function routeRow(service, route, common) {
  const line = make("span", "mono quiet", route.source.file.split("/").at(-1) + ":" + route.source.line);
  line.title = route.source.file + ":" + route.source.line;
  const limits = route.limits.map(limitText).filter((text) => !common.has(text));
  const row = make("tr", "",
    cell("Method", make("span", "method", route.method)),
    cell("Path", route.paths.map((path) => make("div", "mono path", path))),
    cell("Access", make("span", "access " + accessClass(route.access), route.access), tenantPart(route)),
    cell("Proved by", route.authenticators.join(", ") || "–"),
    cell("Limits", limits.length > 0 ? limits.map((text) => make("div", "limit", text)) : "–"),
    cell("Line", line));
  routeRows.push({ row, text: [service.name, ...service.hosts, row.textContent, line.title, route.tenant || ""].join(" ").toLowerCase() });
  return row;
}

function accessClass(access) {
  if (access === "public") return "open";
  return access === "denied" ? "shut" : "";
}

function tenantPart(route) {
  const words = { unchecked: "tenant unchecked", crossTenantOnly: "cross-tenant only" };
  const parts = [words[route.tenant], route.from ? "from " + route.from.join(", ") : "", route.websocket ? "WebSocket" : ""];
  return parts.filter(Boolean).map((text) => make("span", "tag", text));
}

function limitText(limit) {
  const units = new Map([[1000, "second"], [60000, "minute"], [3600000, "hour"], [86400000, "day"]]);
  const rate = limit.count + (limit.of === "failures" ? " failures/" : "/") + (units.get(limit.windowMs) || limit.windowMs / 1000 + " s");
  return limit.name + ": " + rate + " by " + limit.by + (limit.methods ? ", " + limit.methods.join(" ") : "");
}

/** A route stays where each word stands somewhere in its row. */
function filterRoutes() {
  const words = byId("filter").value.toLowerCase().split(" ").filter(Boolean);
  let shown = 0;
  for (const { row, text } of routeRows) {
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) shown += 1;
  }
  for (const part of document.querySelectorAll(".service")) part.hidden = part.querySelector("tbody tr:not([hidden])") === null;
  show("route-count", words.length === 0 ? String(shown) : shown + " of " + routeRows.length);
}
`;
