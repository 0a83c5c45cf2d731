/** The calls that the demo offers: for each system one that the gateway allows and one that it refuses. */
import { PIE_POOL, STACKFLOW_APP_CLIENT, STACKFLOW_POOL } from "./cast.ts";
import type { ErrorCode } from "../contract/errors.ts";
import type { Demo } from "./demo.ts";
import type { Issuer } from "./issuer/issuer.ts";

/** A credential in a shell variable. */
export interface ShellVariable {
  readonly name: string;
  readonly value: string;
}

export interface DemoCall {
  /** The system that the call is for, as people call it. */
  readonly system: string;
  readonly title: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly expectedStatus: number;
  /** Why it is refused: code of the refusal; undefined where it is allowed. */
  readonly expectedCode?: ErrorCode;
  /** What the client reads of the refusal; undefined where the service's format is not known here. */
  readonly expectedBody?: string;
  /** One line for a shell, with the credential in it. */
  readonly curl: string;
  /** The same for readers: a line that sets `credential`'s variable comes first. */
  readonly shortCurl: string;
  readonly credential: ShellVariable;
}

/** Where the gateway listens, and the keys made of the demo's seeds: key string by the seed's `id`. */
export interface RunningGateway {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly keys: ReadonlyMap<string, string>;
  /** Body of a refusal by a service, which has a decision id in it or not. */
  readonly refusalBody: (service: string, code: ErrorCode) => string;
}

interface Plan {
  readonly system: string;
  /** Its name in the policy. */
  readonly service: string;
  readonly title: string;
  readonly method: string;
  readonly path: string;
  readonly credential: ShellVariable;
  /** The header that carries the credential, given how it is written. */
  readonly carry: (written: string) => readonly [name: string, value: string];
  readonly body?: object;
  readonly expectedStatus: number;
  readonly expectedCode?: ErrorCode;
}

/** The calls in the order in which they are to be tried. Throws when a key of the seeds is missing. */
export function demoCalls(demo: Demo, gateway: RunningGateway): readonly DemoCall[] {
  return [...pieCalls(demo), ...registryCalls(demo, gateway), ...stackflowCalls(demo)].map((plan) => demoCall(plan, gateway));
}

/** Those of the calls that need nothing but the issuer's tokens. `gatewayUrl` has no slash at the end. */
export function issuerCalls(issuer: Issuer, gatewayUrl: string): readonly DemoCall[] {
  return [...pieCalls({ issuer }), ...stackflowCalls({ issuer })].map((plan) => demoCall(plan, { gatewayUrl }));
}

function pieCalls({ issuer }: Pick<Demo, "issuer">): readonly Plan[] {
  const pool = issuer.pool(PIE_POOL);
  const scopes = pool.client("sealink")?.scopes ?? [];
  const credential = { name: "SEALINK", value: pool.machineToken({ clientId: "sealink", scopes }) };
  const call = { system: "PIE", service: "pie", method: "GET", credential, carry: bearer };
  return [
    {
      ...call,
      title: "the machine client sealink reads its own domain",
      path: "/v2/clients/sealink/domains/south_australia",
      expectedStatus: 200,
    },
    {
      ...call,
      title: "the same token, another tenant's domain",
      path: "/v2/clients/acme/domains/south_australia",
      expectedStatus: 403,
      expectedCode: "TENANT_MISMATCH",
    },
  ];
}

function registryCalls({ environment }: Demo, { keys }: RunningGateway): readonly Plan[] {
  const token = { name: "REGISTRY", value: environment["REGISTRY_AUTH_TOKEN"] ?? "" };
  const key = { name: "REPORTS", value: keyOf(keys, "model-registry/reports") };
  const call = { system: "Model registry", service: "model-registry", carry: bearer, credential: token };
  return [
    { ...call, title: "the shared token reads an artifact", method: "GET", path: "/api/artifacts/model/3847247294", expectedStatus: 200 },
    {
      ...call,
      title: "a key never outgrows its account's role",
      method: "POST",
      path: "/api/artifact/model",
      credential: key,
      carry: apiKey,
      body: { url: "https://example.com/models/tiny" },
      expectedStatus: 403,
      expectedCode: "INSUFFICIENT_ROLE",
    },
  ];
}

function stackflowCalls({ issuer }: Pick<Demo, "issuer">): readonly Plan[] {
  const { idToken } = issuer.pool(STACKFLOW_POOL).personTokens({ username: "ivy", clientId: STACKFLOW_APP_CLIENT });
  const call = {
    system: "StackFlow",
    service: "stackflow",
    path: "/prod/api/incidents/INC0001234",
    credential: { name: "IVY", value: idToken },
    carry: bearer,
  };
  return [
    { ...call, title: "the agent ivy reads an incident of her tenant", method: "GET", expectedStatus: 200 },
    { ...call, title: "an agent may not delete it", method: "DELETE", expectedStatus: 403, expectedCode: "INSUFFICIENT_ROLE" },
  ];
}

function bearer(token: string): readonly [string, string] {
  return ["authorization", `Bearer ${token}`];
}

function apiKey(key: string): readonly [string, string] {
  return ["x-api-key", key];
}

function keyOf(keys: ReadonlyMap<string, string>, id: string): string {
  const key = keys.get(id);
  if (key === undefined) throw new Error(`the demo's key ${id} was not made`);
  return key;
}

function demoCall(
  plan: Plan,
  { gatewayUrl, refusalBody }: Pick<RunningGateway, "gatewayUrl"> & Partial<Pick<RunningGateway, "refusalBody">>,
): DemoCall {
  const { system, title, method, credential, expectedStatus, expectedCode } = plan;
  const body = plan.body === undefined ? undefined : JSON.stringify(plan.body);
  const url = gatewayUrl + plan.path;
  const headersWith = (written: string): Record<string, string> => {
    return Object.fromEntries([plan.carry(written), ...(body === undefined ? [] : [["content-type", "application/json"]])]) as Record<
      string,
      string
    >;
  };
  return {
    system,
    title,
    method,
    url,
    credential,
    expectedStatus,
    ...(expectedCode === undefined ? {} : { expectedCode }),
    ...(expectedCode === undefined || !refusalBody ? {} : { expectedBody: refusalBody(plan.service, expectedCode) }),
    ...(body === undefined ? {} : { body }),
    headers: headersWith(credential.value),
    curl: curlParts(method, url, headersWith(credential.value), body).join(" "),
    shortCurl: curlParts(method, url, headersWith(`$${credential.name}`), body).join(" \\\n  "),
  };
}

function curlParts(method: string, url: string, headers: Readonly<Record<string, string>>, body: string | undefined): readonly string[] {
  return [
    method === "GET" ? "curl -i" : `curl -i -X ${method}`,
    ...Object.entries(headers).map(([name, value]) => `-H "${name}: ${value}"`),
    ...(body === undefined ? [] : [`-d '${body}'`]),
    url,
  ];
}
