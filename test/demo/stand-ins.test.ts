import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import t, { type Test } from "tap";
import { parse } from "yaml";
import { startStandIns, type StandIns } from "../../src/demo/stand-ins/stand-ins.ts";

async function start(t: Test): Promise<StandIns> {
  const standIns = await startStandIns({ now: Date.now, randomBytes });
  t.teardown(() => standIns.close());
  return standIns;
}

interface Table {
  readonly prefixes: readonly string[];
  /** `[METHOD, pattern]`; those that delete come last, so that the others find what they ask for. */
  readonly routes: readonly (readonly [string, string])[];
}

async function readTable(service: string): Promise<Table> {
  const text = await readFile(new URL(`../../config/services/${service}.yaml`, import.meta.url), "utf8");
  const { prefix = "", routes }: { prefix?: string | string[]; routes: Record<string, unknown> } = parse(text);
  const lines = Object.keys(routes).map((line) => line.split(" ") as [string, string]);
  const deletes = (line: readonly [string, string]): number => Number(line[0] === "DELETE");
  return { prefixes: [prefix].flat(), routes: lines.sort((one, other) => deletes(one) - deletes(other)) };
}

/** What stands for each placeholder: something that the stand-ins have. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["client_id", "sealink"],
  ["domain_id", "south_australia"],
  ["service_id", "arrivals"],
  ["key", "default"],
  ["model_id", "tide-forecast"],
  ["version", "2"],
  ["job_id", "job-1"],
  ["type", "model"],
  ["name...", "google-bert/bert-base-uncased"],
]);

function idIn(pattern: string): string {
  if (pattern.startsWith("/incidents")) return "INC0001234";
  if (pattern.startsWith("/changes")) return "CHG0000042";
  return pattern.startsWith("/cmdb") ? "CI0000007" : "3847247294";
}

/** A body that makes sense to every route that takes one. */
const BODY = JSON.stringify({
  id: "new-1",
  key: "new-1",
  name: "*",
  regex: ".*bert.*",
  url: "https://example.com/models/tiny",
  ids: ["INC0001234"],
});

async function call(base: string, method: string, pattern: string): Promise<{ status: number; text: string; path: string }> {
  const path = pattern.replace(/\{([^}]+)\}/g, (_whole, name: string) => NAMES.get(name) ?? idIn(pattern));
  const sends = method !== "GET" && method !== "DELETE";
  const response = await fetch(base + path, { method, ...(sends ? { body: BODY, headers: { "content-type": "application/json" } } : {}) });
  return { status: response.status, text: await response.text(), path };
}

const SERVICES = [
  { service: "pie", standIn: "pie", shape: { success: true } },
  { service: "model-registry", standIn: "registry", shape: {} },
  { service: "stackflow", standIn: "stackflow", shape: { data: Object } },
] as const;

for (const { service, standIn, shape } of SERVICES) {
  t.test(`the stand-in for ${service} answers every route of its table, in its own shape`, async (t) => {
    const table = await readTable(service);
    t.ok(table.routes.length > 10, "there is a table");
    for (const prefix of table.prefixes) {
      const standIns = await start(t);
      for (const [method, pattern] of table.routes) {
        const { status, text, path } = await call(standIns[standIn].url + prefix, method, pattern);
        t.ok(status >= 200 && status < 300, `${method} ${prefix}${pattern}: ${status}`);
        const body: unknown = JSON.parse(text);
        if (typeof body === "object" && !Array.isArray(body)) t.match(body, { ...shape, _saw: { method, path: prefix + path } });
      }
    }
  });
}

async function json(url: string, init: RequestInit = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

function post(body: object, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
}

t.test("unknown ids and paths are 404, in each service's own format", async (t) => {
  const { pie, registry, stackflow } = await start(t);
  t.match(await json(`${pie.url}/v2/models/none`), { status: 404, body: { success: false, message: "Model not found" } });
  t.match(await json(`${pie.url}/v2/clients/__proto__`), { status: 404, body: { success: false } });
  t.match(await json(`${registry.url}/api/artifacts/model/1`), { status: 404, body: { detail: "Artifact not found" } });
  t.match(await json(`${registry.url}/api/artifacts/dataset/3847247294`), { status: 404 }, "an id of another type");
  t.match(await json(`${registry.url}/nowhere`), { status: 404, body: { detail: "Not found" } });
  t.match(await json(`${stackflow.url}/prod/api/incidents/INC9999999`), { status: 404, body: { code: "NOT_FOUND" } });
  t.match(await json(`${registry.url}/api/artifact/model`, post({})), { status: 400, body: { detail: "url is missing" } });
});

t.test("what is created is there until it is deleted or the registry is reset", async (t) => {
  const { registry, stackflow } = await start(t);
  const made = await json(`${registry.url}/api/artifact/model`, post({ url: "https://example.com/models/tiny" }));
  const { metadata } = made.body as { metadata: { id: string } };
  t.match(made, { status: 201, body: { metadata: { name: "tiny", type: "model" }, data: { url: "https://example.com/models/tiny" } } });
  t.match(await json(`${registry.url}/api/artifacts/model/${metadata.id}`), { status: 200, body: { metadata } });
  await json(`${registry.url}/api/reset`, { method: "DELETE" });
  t.equal((await json(`${registry.url}/api/artifacts/model/${metadata.id}`)).status, 404);
  t.equal((await json(`${registry.url}/api/artifacts/model/3847247294`)).status, 200);

  const incident = await json(
    `${stackflow.url}/prod/api/incidents`,
    post({ title: "Door is stuck" }, { "x-tenant-id": "t2", "x-user-id": "olga" }),
  );
  t.match(incident, { status: 201, body: { data: { number: /^INC\d{7}$/, tenantId: "t2", createdBy: "olga" } } });
  const { id } = incident.body["data"] as { id: string };
  t.equal((await json(`${stackflow.url}/prod/api/v1/incidents/${id}`, { method: "DELETE" })).status, 200, "both prefixes show one store");
  t.equal((await json(`${stackflow.url}/prod/api/incidents/${id}`)).status, 404);
});

t.test("StackFlow believes the tenant that it is told, and shows only that one's records", async (t) => {
  const { stackflow } = await start(t);
  const told = { headers: { "x-tenant-id": "t2" } };
  const list = await json(`${stackflow.url}/prod/api/incidents`, told);
  t.match(list.body, { data: [{ title: "Printer on fire" }], meta: { total: 1 } });
  t.equal((await json(`${stackflow.url}/prod/api/incidents/INC0001234`, told)).status, 404);
});

t.test("an answer shows the headers that reached the service", async (t) => {
  const { pie } = await start(t);
  const { body } = await json(`${pie.url}/v2/models?page=1`, { headers: { "x-auth-subject": "sealink", "x-auth-tenant": "sealink" } });
  t.match(body["_saw"], { method: "GET", path: "/v2/models?page=1", headers: { "x-auth-subject": "sealink", "x-auth-tenant": "sealink" } });
});

t.test("the registry's environment says that it is made up", async (t) => {
  const { registry } = await start(t);
  t.match((await json(`${registry.url}/env`)).body, { NOTE: /made up/ });
});

t.test("where a port is taken nothing stays open", async (t) => {
  const { pie } = await start(t);
  const taken = Number(new URL(pie.url).port);
  await t.rejects(startStandIns({ now: Date.now, randomBytes, ports: { stackflow: taken } }), { code: "EADDRINUSE" });
});
