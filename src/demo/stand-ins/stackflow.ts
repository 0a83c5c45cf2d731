/**
 * Stand-in for StackFlow ITSM. Answers `{ data, … }`; it believes `x-tenant-id` and `x-user-id`,
 * as services behind a gateway do, and shows each tenant its own records only.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { bodyOf, found, StandInError, stringOf, type JsonObject, type StandInPlan, type StandInWorld } from "./service.ts";
import { randomUuid } from "../random.ts";

type Item = JsonObject & { readonly id: string; readonly tenantId: string };
type ById = { Params: { id: string } };

/** Records of one kind, numbered like `INC0001234`. */
class Collection {
  readonly #prefix: string;
  readonly #items = new Map<string, Item>();
  #next: number;

  constructor(prefix: string, firstNumber: number) {
    this.#prefix = prefix;
    this.#next = firstNumber;
  }

  add(tenantId: string, fields: JsonObject): Item {
    const id = `${this.#prefix}${String(this.#next++).padStart(7, "0")}`;
    return this.#keep({ ...fields, id, number: id, tenantId });
  }

  change(item: Item, fields: JsonObject): Item {
    return this.#keep({ ...item, ...fields, id: item.id, number: item.id, tenantId: item.tenantId });
  }

  delete(item: Item): void {
    this.#items.delete(item.id);
  }

  /** Those of a tenant; all of them where the request names none. */
  visible(tenantId: string | undefined): Item[] {
    return [...this.#items.values()].filter((item) => tenantId === undefined || item.tenantId === tenantId);
  }

  one(id: string, tenantId: string | undefined): Item {
    const item = this.#items.get(id);
    return found(item && (tenantId === undefined || item.tenantId === tenantId) ? item : undefined, "Record");
  }

  #keep(item: Item): Item {
    this.#items.set(item.id, item);
    return item;
  }
}

interface Store {
  readonly incidents: Collection;
  readonly changes: Collection;
  readonly items: Collection;
}

export const stackflow: StandInPlan = {
  routes: (app, world) => {
    const store = firstStore();
    const plugin = (scope: FastifyInstance, _options: object, done: () => void): void => {
      allRoutes(scope, world, store);
      done();
    };
    for (const prefix of ["/prod/api", "/prod/api/v1"]) void app.register(plugin, { prefix });
  },
  errorBody: (status, message) => ({ error: message, code: status === 404 ? "NOT_FOUND" : "BAD_REQUEST" }),
};

function allRoutes(app: FastifyInstance, world: StandInWorld, store: Store): void {
  app.get("/health", () => ({ data: { status: "ok", service: "stackflow" } }));
  crudRoutes(app, "/incidents", store.incidents);
  incidentRoutes(app, world, store.incidents);
  crudRoutes(app, "/changes", store.changes);
  changeRoutes(app, store.changes);
  crudRoutes(app, "/cmdb/cis", store.items);
  configurationRoutes(app, store.items);
  assistantRoutes(app);
  app.post("/admin/users", (request, reply) => created(reply, { ...bodyOf(request), id: randomUuid(world.randomBytes) }));
}

function crudRoutes(app: FastifyInstance, path: string, collection: Collection): void {
  app.get(path, (request) => list(collection.visible(tenantOf(request))));
  app.post(path, (request, reply) => {
    return created(reply, collection.add(tenantOf(request) ?? "t1", { state: "new", createdBy: userOf(request), ...bodyOf(request) }));
  });
  app.get<ById>(`${path}/:id`, (request) => ({ data: one(collection, request) }));
  app.patch<ById>(`${path}/:id`, (request) => ({ data: collection.change(one(collection, request), bodyOf(request)) }));
  app.delete<ById>(`${path}/:id`, (request) => {
    const item = one(collection, request);
    collection.delete(item);
    return { data: { id: item.id, deleted: true } };
  });
}

function incidentRoutes(app: FastifyInstance, world: StandInWorld, incidents: Collection): void {
  app.post("/incidents/bulk", (request, reply) => {
    const { ids } = bodyOf(request);
    if (!Array.isArray(ids)) throw new StandInError(400, "ids is a list");
    return reply.code(202).send({ data: { accepted: ids.length } });
  });
  app.get<ById>("/incidents/:id/notes", (request) => list(notesOf(one(incidents, request))));
  app.post<ById>("/incidents/:id/notes", (request, reply) => {
    const incident = one(incidents, request);
    const note = { id: randomUuid(world.randomBytes), at: new Date(world.now()).toISOString(), by: userOf(request), ...bodyOf(request) };
    incidents.change(incident, { notes: [...notesOf(incident), note] });
    return created(reply, note);
  });
}

function changeRoutes(app: FastifyInstance, changes: Collection): void {
  const move = (request: FastifyRequest<ById>, state: string): JsonObject => ({ data: changes.change(one(changes, request), { state }) });
  app.get<ById>("/changes/:id/risk", (request) => ({ data: { id: one(changes, request).id, risk: "moderate", score: 42 } }));
  app.post<ById>("/changes/:id/submit-cab", (request) => move(request, "cab_review"));
  app.post<ById>("/changes/:id/approve", (request) => move(request, "approved"));
  app.post<ById>("/changes/:id/reject", (request) => move(request, "rejected"));
}

function configurationRoutes(app: FastifyInstance, items: Collection): void {
  app.get<ById>("/cmdb/cis/:id/relationships", (request) => list(relationshipsOf(one(items, request))));
  app.post<ById>("/cmdb/cis/:id/relationships", (request, reply) => {
    const item = one(items, request);
    const relationship = bodyOf(request);
    items.change(item, { relationships: [...relationshipsOf(item), relationship] });
    return created(reply, relationship);
  });
  app.get<{ Querystring: { q?: string } }>("/cmdb/search", (request) => {
    const sought = (request.query.q ?? "").toLowerCase();
    return list(items.visible(tenantOf(request)).filter((item) => String(item["name"]).toLowerCase().includes(sought)));
  });
  app.post("/cmdb/graph/query", (request) => {
    const nodes = items.visible(tenantOf(request));
    return { data: { nodes, edges: nodes.flatMap((item) => relationshipsOf(item)) } };
  });
}

function assistantRoutes(app: FastifyInstance): void {
  app.post("/ai/ask", (request) => ({
    data: { question: stringOf(bodyOf(request), "question") ?? "", answer: "A stand-in knows no answers." },
  }));
  app.post("/ai/analyze", (request) => ({ data: { subject: bodyOf(request), findings: [] } }));
}

function one(collection: Collection, request: FastifyRequest<ById>): Item {
  return collection.one(request.params.id, tenantOf(request));
}

function list(items: readonly unknown[]): JsonObject {
  return { data: items, meta: { total: items.length } };
}

function created(reply: FastifyReply, data: JsonObject): FastifyReply {
  return reply.code(201).send({ data });
}

function tenantOf(request: FastifyRequest): string | undefined {
  return headerOf(request, "x-tenant-id");
}

function userOf(request: FastifyRequest): string {
  return headerOf(request, "x-user-id") ?? "unknown";
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

function notesOf(incident: Item): readonly unknown[] {
  return Array.isArray(incident["notes"]) ? incident["notes"] : [];
}

function relationshipsOf(item: Item): readonly unknown[] {
  return Array.isArray(item["relationships"]) ? item["relationships"] : [];
}

function firstStore(): Store {
  const store: Store = { incidents: new Collection("INC", 1234), changes: new Collection("CHG", 42), items: new Collection("CI", 7) };
  store.incidents.add("t1", { title: "Checkout is slow", state: "in_progress", priority: "P2" });
  store.incidents.add("t1", { title: "VPN drops every hour", state: "new", priority: "P3" });
  store.incidents.add("t2", { title: "Printer on fire", state: "new", priority: "P1" });
  store.changes.add("t1", { title: "Upgrade the load balancer", state: "draft" });
  store.changes.add("t2", { title: "Replace the printer", state: "draft" });
  const database = store.items.add("t1", { name: "orders-db", kind: "database" });
  store.items.add("t1", { name: "checkout", kind: "service", relationships: [{ type: "depends_on", target: database.id }] });
  store.items.add("t2", { name: "printer-3", kind: "hardware" });
  return store;
}
