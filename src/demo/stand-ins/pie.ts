/** Stand-in for PIE V2: models, jobs, and the domains of registry clients. Answers `{"success":true,"data":…}`. */
import type { FastifyInstance } from "fastify";
import { bodyOf, found, stringOf, type JsonObject, type StandInPlan, type StandInWorld } from "./service.ts";
import { randomUuid } from "../random.ts";

type Item = JsonObject & { readonly id: string };

interface Domain {
  readonly id: string;
  readonly name: string;
  readonly features: JsonObject[];
  readonly services: Map<string, Item>;
  readonly assignments: Map<string, JsonObject>;
}

interface RegistryClient {
  readonly id: string;
  readonly name: string;
  readonly domains: Map<string, Domain>;
}

/** Everything that PIE keeps. */
interface Store {
  readonly clients: Map<string, RegistryClient>;
  readonly models: Map<string, Item>;
  readonly jobs: Map<string, Item>;
}

export const pie: StandInPlan = {
  routes: (app, world) => {
    const store = firstStore();
    app.get("/v2/health", () => success({ status: "ok", service: "pie" }));
    modelRoutes(app, world, store);
    versionRoutes(app, world, store);
    clientRoutes(app, store);
    serviceRoutes(app, world, store);
  },
  errorBody: (_status, message) => ({ success: false, message }),
};

function success(data: unknown): JsonObject {
  return { success: true, data };
}

function modelRoutes(app: FastifyInstance, { randomBytes }: StandInWorld, { models }: Store): void {
  type ById = { Params: { model_id: string } };

  app.get("/v2/models", () => success([...models.values()]));
  app.post("/v2/models", (request, reply) => {
    const id = stringOf(bodyOf(request), "id") ?? randomUuid(randomBytes);
    return reply.code(201).send(success(keep(models, { versions: ["1"], ...bodyOf(request), id })));
  });
  app.get<ById>("/v2/models/:model_id", ({ params }) => success(modelOf(models, params)));
  app.post<ById>("/v2/models/:model_id/new_version", ({ params }, reply) => {
    const model = modelOf(models, params);
    const versions = [...versionsOf(model), String(versionsOf(model).length + 1)];
    return reply.code(201).send(success(keep(models, { ...model, versions })));
  });
  app.post<ById>("/v2/models/:model_id/event-subscriptions", (request, reply) => {
    const { id } = modelOf(models, request.params);
    return reply.code(201).send(success({ ...bodyOf(request), model_id: id, id: randomUuid(randomBytes) }));
  });
}

function versionRoutes(app: FastifyInstance, { randomBytes }: StandInWorld, { models, jobs }: Store): void {
  type OfVersion = { model_id: string; version: string };
  const version = "/v2/models/:model_id/versions/:version";

  app.post<{ Params: OfVersion }>(`${version}/new_status`, (request) => {
    return success({ model_id: modelOf(models, request.params).id, version: request.params.version, ...bodyOf(request) });
  });
  app.post<{ Params: OfVersion }>(`${version}/train`, ({ params }, reply) => {
    const job = {
      id: randomUuid(randomBytes),
      kind: "train",
      status: "running",
      model_id: modelOf(models, params).id,
      version: params.version,
    };
    return reply.code(202).send(success(keep(jobs, job)));
  });
  app.post<{ Params: OfVersion }>(`${version}/infer`, (request) => {
    const { id } = modelOf(models, request.params);
    return success({ model_id: id, version: request.params.version, inputs: bodyOf(request), prediction: 0.87 });
  });
  app.post<{ Params: OfVersion & { job_id: string } }>(`${version}/jobs/:job_id/complete`, ({ params }) => {
    return success(keep(jobs, { ...found(jobs.get(params.job_id), "Job"), status: "complete" }));
  });
  app.get<{ Params: { job_id: string } }>("/v2/jobs/:job_id", ({ params }) => success(found(jobs.get(params.job_id), "Job")));
}

function clientRoutes(app: FastifyInstance, { clients }: Store): void {
  type ClientParams = { Params: { client_id: string } };
  type DomainParams = { Params: { client_id: string; domain_id: string } };
  const domain = "/v2/clients/:client_id/domains/:domain_id";

  app.get("/v2/clients", () => success([...clients.values()].map(({ id, name }) => ({ id, name }))));
  app.get<ClientParams>("/v2/clients/:client_id", ({ params }) => {
    const client = found(clients.get(params.client_id), "Client");
    return success({ id: client.id, name: client.name, domains: [...client.domains.keys()] });
  });
  app.post<ClientParams>("/v2/clients/:client_id/domains", (request, reply) => {
    const client = found(clients.get(request.params.client_id), "Client");
    const id = found(stringOf(bodyOf(request), "id"), "id of the domain");
    return reply.code(201).send(success(domainView(keep(client.domains, newDomain(id, stringOf(bodyOf(request), "name") ?? id)))));
  });
  app.get<DomainParams>(domain, ({ params }) => success(domainView(domainOf(clients, params))));
  app.post<DomainParams>(`${domain}/features`, (request, reply) => {
    const { features } = domainOf(clients, request.params);
    features.push(bodyOf(request));
    return reply.code(201).send(success(features));
  });
}

function serviceRoutes(app: FastifyInstance, world: StandInWorld, { clients, jobs }: Store): void {
  type InDomain = { client_id: string; domain_id: string };
  type InService = InDomain & { service_id: string };
  const domain = "/v2/clients/:client_id/domains/:domain_id";
  const service = `${domain}/service/:service_id`;
  const serviceOf = (params: InService): JsonObject => found(domainOf(clients, params).services.get(params.service_id), "Service");

  app.get<{ Params: InService }>(service, ({ params }) => success(serviceOf(params)));
  app.post<{ Params: InDomain }>(`${domain}/service/init`, (request, reply) => {
    const id = stringOf(bodyOf(request), "id") ?? randomUuid(world.randomBytes);
    return reply.code(201).send(success(keep(domainOf(clients, request.params).services, { ...bodyOf(request), id, status: "ready" })));
  });
  app.post<{ Params: InDomain }>(`${domain}/assignments`, (request, reply) => {
    const key = stringOf(bodyOf(request), "key") ?? randomUuid(world.randomBytes);
    return reply.code(201).send(success(assign(domainOf(clients, request.params), key, bodyOf(request))));
  });
  app.put<{ Params: InDomain & { key: string } }>(`${domain}/assignments/:key`, (request) => {
    return success(assign(domainOf(clients, request.params), request.params.key, bodyOf(request)));
  });
  app.put<{ Params: InService & { key: string } }>(`${service}/assignments/:key`, (request) => {
    serviceOf(request.params);
    return success(assign(domainOf(clients, request.params), request.params.key, bodyOf(request)));
  });
  app.post<{ Params: InService & { key: string } }>(`${service}/assignments/:key/jobs`, (request, reply) => {
    const { key } = request.params;
    found(domainOf(clients, request.params).assignments.get(key), "Assignment");
    return reply
      .code(202)
      .send(success(keep(jobs, { id: randomUuid(world.randomBytes), kind: "infer", status: "running", assignment: key })));
  });
}

function modelOf(models: Store["models"], params: { model_id: string }): Item {
  return found(models.get(params.model_id), "Model");
}

function domainOf(clients: Store["clients"], params: { client_id: string; domain_id: string }): Domain {
  return found(found(clients.get(params.client_id), "Client").domains.get(params.domain_id), "Domain");
}

function domainView({ id, name, features, services, assignments }: Domain): JsonObject {
  return { id, name, features, services: [...services.keys()], assignments: [...assignments.values()] };
}

function assign(domain: Domain, key: string, body: JsonObject): JsonObject {
  const assignment = { ...body, key };
  domain.assignments.set(key, assignment);
  return assignment;
}

function versionsOf(model: JsonObject): readonly unknown[] {
  return Array.isArray(model["versions"]) ? model["versions"] : [];
}

function keep<Value extends { readonly id: string }>(store: Map<string, Value>, value: Value): Value {
  store.set(value.id, value);
  return value;
}

function newDomain(id: string, name: string): Domain {
  return { id, name, features: [], services: new Map(), assignments: new Map() };
}

function firstStore(): Store {
  const store: Store = { clients: new Map(), models: new Map(), jobs: new Map() };
  keep(store.models, { id: "tide-forecast", name: "Tide forecast", versions: ["1", "2"], status: "trained" });
  keep(store.models, { id: "berth-planner", name: "Berth planner", versions: ["1"], status: "draft" });
  keep(store.jobs, { id: "job-1", kind: "train", model_id: "tide-forecast", version: "2", status: "running" });
  keep(store.clients, firstClient("sealink", "SeaLink Ferries", "south_australia", "South Australia"));
  keep(store.clients, firstClient("acme", "Acme Freight", "south_australia", "South Australia"));
  return store;
}

function firstClient(id: string, name: string, domainId: string, domainName: string): RegistryClient {
  const domain = newDomain(domainId, domainName);
  domain.features.push({ name: "wave_height", type: "float" });
  domain.services.set("arrivals", { id: "arrivals", model: "tide-forecast", status: "ready" });
  assign(domain, "default", { model: "tide-forecast", version: "2" });
  return { id, name, domains: new Map([[domainId, domain]]) };
}
