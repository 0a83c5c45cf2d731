/** A real service behind the gateway: an OCI artifact goes into Debian's docker-registry and comes out again, tenant by tenant. */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import t, { type Test } from "tap";
import { ask, type Answer } from "../forward/harness.ts";
import { freePorts, writeFolder } from "./child.ts";
import { startThings, until, type Things } from "./things.ts";

const REGISTRY = "/usr/bin/docker-registry";
const skip = existsSync(REGISTRY)
  ? false
  : `${REGISTRY} is missing: NOTHING was shown against a real registry (apt-get install docker-registry)`;

interface Registry {
  readonly url: string;
  /** Its access log so far. */
  readonly log: () => string;
}

async function startRegistry(t: Test): Promise<Registry> {
  const { front: port } = await freePorts();
  const config = `version: 0.1
log: { level: info, formatter: text }
storage: { filesystem: { rootdirectory: ./blobs } }
http: { addr: "127.0.0.1:${port}", secret: ${randomBytes(16).toString("hex")} }
`;
  const child = spawn(REGISTRY, ["serve", "config.yml"], {
    cwd: writeFolder(t, { "config.yml": config }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const gone = new Promise((resolve) => child.once("close", resolve));
  t.teardown(() => (child.kill("SIGKILL"), gone));
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += String(chunk)));
  const url = `http://127.0.0.1:${port}`;
  await until(() =>
    fetch(`${url}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { url, log: () => log };
}

/** `below` is what stands between the service's prefix and the repositories' paths. */
function routes(below: string): string {
  const repository = `${below}/{tenant}/{repo}`;
  return `
tenant: { path: tenant }
body: { max: none }
routes:
  GET ${below}/: { access: authenticated, tenant: unchecked }
  POST ${repository}/blobs/uploads/: authenticated
  GET ${repository}/blobs/uploads/{id}: authenticated
  PATCH ${repository}/blobs/uploads/{id}: authenticated
  PUT ${repository}/blobs/uploads/{id}: authenticated
  GET ${repository}/blobs/{digest}: authenticated
  GET ${repository}/manifests/{reference}: authenticated
  PUT ${repository}/manifests/{reference}: authenticated
`;
}

/** Where the clients find the registry's `/v2`, and the policy that puts it there. */
const PLACES = [
  { name: "the prefix kept", base: "/v2", rest: `prefix: /v2\n${routes("")}` },
  { name: "stripPrefix", base: "/registry/v2", rest: `prefix: /registry\nstripPrefix: true\n${routes("/v2")}` },
];

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A client that knows the gateway's address only, and the rules of the OCI distribution specification. */
class Client {
  readonly #things: Things;
  readonly #base: string;
  readonly #t: Test;

  constructor(t: Test, things: Things, base: string) {
    this.#t = t;
    this.#things = things;
    this.#base = base;
  }

  ask(method: string, path: string, body?: Buffer, headers: Record<string, string> = {}): Promise<Answer> {
    const length = body === undefined ? {} : { "content-length": String(body.length) };
    return ask(this.#things.port, path, { method, headers: { ...this.#things.bearer, ...length, ...headers }, ...(body && { body }) });
  }

  /** Uploads in pieces, each with its range, to wherever the last answer said; the digest. */
  async pushBlob(repository: string, blob: Buffer, pieceBytes: number): Promise<string> {
    const begun = await this.ask("POST", `${this.#base}/${repository}/blobs/uploads/`, Buffer.alloc(0));
    this.#t.equal(begun.status, 202, "an upload begins");
    let location = this.#locationOf(begun);
    for (let from = 0; from < blob.length; from += pieceBytes) {
      const piece = blob.subarray(from, from + pieceBytes);
      const range = { "content-type": "application/octet-stream", "content-range": `${from}-${from + piece.length - 1}` };
      const taken = await this.ask("PATCH", location, piece, range);
      this.#t.match({ status: taken.status, range: taken.headers.range }, { status: 202, range: `0-${from + piece.length - 1}` });
      location = this.#locationOf(taken);
    }
    const done = await this.ask("PUT", `${location}&digest=${digestOf(blob)}`, Buffer.alloc(0));
    this.#t.match({ status: done.status, digest: done.headers["docker-content-digest"] }, { status: 201, digest: digestOf(blob) });
    this.#t.equal(this.#locationOf(done), `${this.#base}/${repository}/blobs/${digestOf(blob)}`);
    return digestOf(blob);
  }

  /** An address of the gateway, on this client's side of it. */
  #locationOf({ headers }: Answer): string {
    const location = String(headers.location);
    this.#t.match(location, new RegExp(`^${this.#base}/`), "Location is a path below the public address");
    return location;
  }
}

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

function manifestOf(config: Buffer, layer: Buffer): Buffer {
  const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const layers = [descriptor("application/vnd.oci.image.layer.v1.tar", layer)];
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: descriptor("application/vnd.oci.image.config.v1+json", config),
      layers,
    }),
  );
}

for (const { name, base, rest } of PLACES) {
  t.test(`an artifact of several MB is pushed and pulled through the gateway, byte for byte; ${name}`, { skip }, async (t) => {
    const registry = await startRegistry(t);
    const things = await startThings(t, { upstream: registry.url, rest });
    const client = new Client(t, things, base);
    const repository = `${base}/acme/tool`;
    const [config, layer] = [Buffer.from('{"architecture":"amd64","os":"linux"}'), randomBytes(6 * 1024 * 1024 + 17)];

    t.match((await client.ask("GET", `${base}/`)).headers, { "docker-distribution-api-version": "registry/2.0" });
    await client.pushBlob("acme/tool", config, config.length);
    const digest = await client.pushBlob("acme/tool", layer, 1024 * 1024);
    const manifest = manifestOf(config, layer);
    const tagged = await client.ask("PUT", `${repository}/manifests/v1`, manifest, { "content-type": MANIFEST });
    t.match({ status: tagged.status, digest: tagged.headers["docker-content-digest"] }, { status: 201, digest: digestOf(manifest) });

    const pulled = await client.ask("GET", `${repository}/manifests/v1`, undefined, { accept: MANIFEST });
    t.match(
      { status: pulled.status, type: pulled.headers["content-type"], digest: digestOf(pulled.body) },
      { status: 200, type: MANIFEST, digest: digestOf(manifest) },
    );
    const { layers } = JSON.parse(String(pulled.body)) as { layers: { digest: string }[] };
    t.equal(layers[0]?.digest, digest);
    const blob = await client.ask("GET", `${repository}/blobs/${digest}`);
    t.equal(digestOf(blob.body), digest, "what is pulled is what was pushed");

    const head = await client.ask("HEAD", `${repository}/blobs/${digest}`);
    t.match(
      { status: head.status, length: head.headers["content-length"], body: head.body.length },
      { status: 200, length: String(layer.length), body: 0 },
    );
    const part = await client.ask("GET", `${repository}/blobs/${digest}`, undefined, { range: "bytes=1000000-1999999" });
    t.match({ status: part.status, range: part.headers["content-range"] }, { status: 206, range: `bytes 1000000-1999999/${layer.length}` });
    t.ok(part.body.equals(layer.subarray(1_000_000, 2_000_000)), "the part that was asked for");
    const fresh = await client.ask("GET", `${repository}/blobs/${digest}`, undefined, { "if-none-match": String(blob.headers.etag) });
    t.equal(fresh.status, 304);
    t.equal(
      (await client.ask("GET", `${repository}/manifests/v2`, undefined, { accept: MANIFEST })).status,
      404,
      "the registry's own answer",
    );
  });

  t.test(`another tenant's repository is 403, and the registry hears nothing of it; ${name}`, { skip }, async (t) => {
    const registry = await startRegistry(t);
    const things = await startThings(t, { upstream: registry.url, rest });
    const client = new Client(t, things, base);
    const digest = digestOf(Buffer.from("x"));
    const calls: [method: string, path: string][] = [
      ["POST", "globex/tool/blobs/uploads/"],
      ["PATCH", "globex/tool/blobs/uploads/1"],
      ["PUT", `globex/tool/blobs/uploads/1?digest=${digest}`],
      ["GET", `globex/tool/blobs/${digest}`],
      ["HEAD", `globex/tool/blobs/${digest}`],
      ["GET", "globex/tool/manifests/v1"],
      ["PUT", "globex/tool/manifests/v1"],
    ];
    for (const [method, path] of calls) {
      const { status, body } = await client.ask(method, `${base}/${path}`);
      t.equal(status, 403, `${method} ${path}`);
      if (method !== "HEAD") t.match(JSON.parse(String(body)), { code: "TENANT_MISMATCH" });
    }
    t.equal((await client.ask("GET", `${base}/_catalog`)).status, 404, "nor is there a way to list them all");
    t.equal((await ask(things.port, `${base}/acme/tool/manifests/v1`)).status, 401);
    t.equal((await client.ask("GET", `${base}/acme/tool/manifests/v1`)).status, 404, "its own is asked for");
    await until(() => registry.log().includes("acme/tool"));
    t.notMatch(registry.log(), /globex|_catalog/);
  });
}
