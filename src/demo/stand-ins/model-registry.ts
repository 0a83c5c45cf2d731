/** Stand-in for the Trustworthy Model Registry. Artifacts are `{ metadata: { name, id, type }, data: { url } }`. */
import type { FastifyInstance } from "fastify";
import { bodyOf, found, StandInError, stringOf, type JsonObject, type StandInPlan, type StandInWorld } from "./service.ts";

const TYPES: ReadonlySet<string> = new Set(["model", "dataset", "code"]);

interface Artifact {
  readonly metadata: { readonly name: string; readonly id: string; readonly type: string };
  readonly data: { readonly url: string };
}

type Artifacts = Map<string, Artifact>;
type ById = { Params: { type: string; id: string } };
type ModelById = { Params: { id: string } };

export const modelRegistry: StandInPlan = {
  routes: (app, world) => {
    const artifacts: Artifacts = new Map();
    fill(artifacts);
    systemRoutes(app, artifacts);
    searchRoutes(app, artifacts);
    artifactRoutes(app, world, artifacts);
    assessmentRoutes(app, artifacts);
  },
  errorBody: (_status, message) => ({ detail: message }),
};

function systemRoutes(app: FastifyInstance, artifacts: Artifacts): void {
  app.get("/api/health", () => ({ status: "ok", artifacts: artifacts.size }));
  app.get("/api/tracks", () => ({ plannedTracks: ["Access control track"] }));
  app.get("/env", () => ENVIRONMENT);
  app.delete("/api/reset", () => {
    fill(artifacts);
    return { message: "Registry is reset" };
  });
}

/** Like the real one's environment, which the gateway must hide; nothing in it is true. */
const ENVIRONMENT: JsonObject = {
  NOTE: "A stand-in's environment: every value is made up. Reading this through the gateway would be a hole.",
  AWS_REGION: "us-east-2",
  S3_BUCKET: "made-up-bucket",
  DATABASE_URL: "postgres://made-up-user@made-up-host/registry",
  GITHUB_TOKEN: "made-up-and-good-for-nothing",
};

function searchRoutes(app: FastifyInstance, artifacts: Artifacts): void {
  app.post("/api/artifacts", (request) => {
    const queries: readonly unknown[] = Array.isArray(request.body) ? request.body : [request.body];
    return metadataOf(artifacts, ({ metadata }) => queries.some((query) => matches(query, metadata)));
  });
  app.post("/api/artifact/byRegEx", (request) => {
    const sought = found(stringOf(bodyOf(request), "regex"), "regex").toLowerCase();
    // A stranger's regular expression could run for ever: the stand-in looks for the words themselves.
    const words = sought.split(/[^a-z0-9]+/).filter((word) => word !== "");
    return someOf(metadataOf(artifacts, ({ metadata }) => words.some((word) => metadata.name.toLowerCase().includes(word))));
  });
  app.get<{ Params: { "*": string } }>("/api/artifact/byName/*", ({ params }) => {
    return someOf(metadataOf(artifacts, ({ metadata }) => metadata.name === params["*"]));
  });
}

function matches(query: unknown, metadata: Artifact["metadata"]): boolean {
  if (typeof query !== "object" || query === null) throw new StandInError(400, "A query is an object with a name");
  const { name, types }: { name?: unknown; types?: unknown } = query;
  const typeFits = !Array.isArray(types) || types.length === 0 || types.includes(metadata.type);
  return typeFits && (name === "*" || name === metadata.name);
}

function metadataOf(artifacts: Artifacts, wanted: (artifact: Artifact) => boolean): Artifact["metadata"][] {
  return [...artifacts.values()].filter(wanted).map(({ metadata }) => metadata);
}

function someOf<Value>(list: Value[]): Value[] {
  if (list.length === 0) throw new StandInError(404, "Artifact not found");
  return list;
}

function artifactRoutes(app: FastifyInstance, world: StandInWorld, artifacts: Artifacts): void {
  const one = (params: ById["Params"]): Artifact => {
    const artifact = artifacts.get(params.id);
    return found(artifact?.metadata.type === params.type ? artifact : undefined, "Artifact");
  };
  app.post<{ Params: { type: string } }>("/api/artifact/:type", (request, reply) => {
    return reply.code(201).send(create(artifacts, world, request.params.type, bodyOf(request)));
  });
  app.get<ById>("/api/artifacts/:type/:id", ({ params }) => one(params));
  app.put<ById>("/api/artifacts/:type/:id", (request) => {
    const artifact = one(request.params);
    const changed = { ...artifact, data: { url: urlIn(request.body) ?? artifact.data.url } };
    artifacts.set(request.params.id, changed);
    return changed;
  });
  app.delete<ById>("/api/artifacts/:type/:id", ({ params }) => {
    artifacts.delete(one(params).metadata.id);
    return { message: "Artifact is deleted" };
  });
  app.get<ById>("/api/artifact/:type/:id/cost", ({ params }) => ({ [one(params).metadata.id]: { total_cost: 412.5 } }));
}

function create(artifacts: Artifacts, world: StandInWorld, type: string, body: JsonObject): Artifact {
  if (!TYPES.has(type)) throw new StandInError(400, "type is model, dataset or code");
  const url = stringOf(body, "url");
  if (url === undefined) throw new StandInError(400, "url is missing");
  const name = stringOf(body, "name") ?? url.split("/").at(-1) ?? url;
  const id = String(world.randomBytes(6).readUIntBE(0, 6));
  return add(artifacts, { metadata: { name, id, type }, data: { url } });
}

/** The address in `{ url }` or, as the registry's documents have it, in `{ data: { url } }`. */
function urlIn(body: unknown): string | undefined {
  const { url, data }: { url?: unknown; data?: unknown } = typeof body === "object" && body !== null ? body : {};
  if (typeof url === "string") return url;
  return typeof data === "object" && data !== null ? urlIn({ url: (data as { url?: unknown }).url }) : undefined;
}

function assessmentRoutes(app: FastifyInstance, artifacts: Artifacts): void {
  const model = (id: string): Artifact => {
    const artifact = artifacts.get(id);
    return found(artifact?.metadata.type === "model" ? artifact : undefined, "Model");
  };
  app.get<ModelById>("/api/artifact/model/:id/rate", ({ params }) => rating(model(params.id)));
  app.get<ModelById>("/api/artifact/model/:id/lineage", ({ params }) => lineage(model(params.id)));
  app.post<ModelById>("/api/artifact/model/:id/license-check", (request, reply) => {
    model(request.params.id);
    return reply.type("application/json").send("true");
  });
}

function rating({ metadata }: Artifact): JsonObject {
  return {
    name: metadata.name,
    category: "text",
    net_score: 0.78,
    net_score_latency: 0.41,
    ramp_up_time: 0.9,
    ramp_up_time_latency: 0.12,
    bus_factor: 0.7,
    bus_factor_latency: 0.2,
    performance_claims: 0.8,
    performance_claims_latency: 0.35,
    license: 1,
    license_latency: 0.05,
    size_score: { raspberry_pi: 0.2, jetson_nano: 0.4, desktop_pc: 0.95, aws_server: 1 },
    size_score_latency: 0.03,
  };
}

function lineage({ metadata }: Artifact): JsonObject {
  const base = { artifact_id: "4628173590", name: "bookcorpus", source: "config_json" };
  return {
    nodes: [{ artifact_id: metadata.id, name: metadata.name, source: "config_json" }, base],
    edges: [{ from_node_artifact_id: base.artifact_id, to_node_artifact_id: metadata.id, relationship: "fine_tuning_dataset" }],
  };
}

/** The artifacts as they are at first, and nothing else. */
function fill(artifacts: Artifacts): void {
  artifacts.clear();
  add(artifacts, artifact("audience-classifier", "3847247294", "model", "https://huggingface.co/parvk11/audience_classifier_model"));
  add(artifacts, artifact("google-bert/bert-base-uncased", "9078563412", "model", "https://huggingface.co/google-bert/bert-base-uncased"));
  add(artifacts, artifact("bookcorpus", "4628173590", "dataset", "https://huggingface.co/datasets/bookcorpus/bookcorpus"));
  add(artifacts, artifact("bert", "5738291045", "code", "https://github.com/google-research/bert"));
}

function artifact(name: string, id: string, type: string, url: string): Artifact {
  return { metadata: { name, id, type }, data: { url } };
}

function add(artifacts: Artifacts, added: Artifact): Artifact {
  artifacts.set(added.metadata.id, added);
  return added;
}
