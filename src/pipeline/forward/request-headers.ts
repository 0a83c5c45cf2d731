/** The client's headers, made into the upstream's. */
import { TLSSocket } from "node:tls";
import type { Allowance } from "../../contract/decision.ts";
import { headerKey } from "../../contract/header-key.ts";
import type { Policy, Service } from "../../contract/policy.ts";
import type { Exchange } from "../exchange.ts";
import { connectionNames, isReserved } from "./header-fates.ts";
import { rememberByName } from "../remember.ts";
import { addIdentity } from "../../decision/identity-headers.ts";
import { requestIdOf, validTraceparent } from "./trace.ts";

type Fate = "pass" | "drop" | "requestId" | "traceparent" | "tracestate";

/** Flat list (name, value, …) of all headers for the upstream but `Host` and those that frame the body. */
export type RequestHeaders = (exchange: Exchange, allowance: Allowance) => string[];

/** Headers that the gateway reads before it writes its own. */
interface Ids {
  readonly requestIds: string[];
  readonly traceparents: string[];
  readonly tracestates: string[];
}

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** Compiles what becomes of each header on a service's public, or on its other, routes. */
export function compileRequestHeaders(policy: Policy, service: Service, isPublic: boolean, newTraceparent: () => string): RequestHeaders {
  const { identity } = service.upstream;
  const passing = passingCredentials(service, isPublic);
  const fateOf = rememberByName((name) => fateOfKey(headerKey(name), policy.strippedHeaders, passing));
  return (exchange, allowance) => {
    const headers: string[] = [];
    const ids: Ids = { requestIds: [], traceparents: [], tracestates: [] };
    copyClientHeaders(exchange, fateOf, headers, ids);
    addIdentity(headers, identity, allowance);
    addIds(headers, ids, exchange.id, newTraceparent);
    addForwarding(headers, exchange);
    return headers;
  };
}

/** Keys of the credential headers that the service wants to see; a public route reads none, and passes none. */
function passingCredentials(service: Service, isPublic: boolean): ReadonlySet<string> {
  const { forward, identity } = service.upstream;
  const passing = new Set<string>();
  if (forward.cookies) passing.add("cookie");
  if (forward.credential && !isPublic) addCredentialHeaders(passing, service);
  for (const name of Object.values(identity)) passing.delete(headerKey(name));
  return passing;
}

function addCredentialHeaders(passing: Set<string>, service: Service): void {
  for (const authenticator of service.authenticators) {
    if (authenticator.kind === "mtls") continue;
    passing.add(authenticator.kind === "apiKey" ? headerKey(authenticator.header) : "authorization");
  }
}

function fateOfKey(key: string, stripped: ReadonlySet<string>, passing: ReadonlySet<string>): Fate {
  if (passing.has(key)) return "pass";
  if (stripped.has(key) || isReserved(key)) return "drop";
  if (key === "x-request-id") return "requestId";
  if (key === "traceparent") return "traceparent";
  if (key === "tracestate") return "tracestate";
  return "pass";
}

function copyClientHeaders(exchange: Exchange, fateOf: (name: string) => Fate, headers: string[], ids: Ids): void {
  const { rawHeaders } = exchange.request;
  const named = connectionNames(exchange.request.headers.connection, headerKey);
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const value = rawHeaders[index + 1] as string;
    const fate = fateOf(name);
    if (fate === "drop" || named?.has(headerKey(name))) continue;
    if (fate === "pass") headers.push(name, value);
    else collect(ids, fate, value);
  }
}

function collect(ids: Ids, fate: Exclude<Fate, "pass" | "drop">, value: string): void {
  if (fate === "requestId") ids.requestIds.push(value);
  else if (fate === "traceparent") ids.traceparents.push(value);
  else ids.tracestates.push(value);
}

/** A `tracestate` belongs to the `traceparent` beside it (W3C Trace Context, section 3.3): without a valid one it goes. */
function addIds(headers: string[], ids: Ids, decisionId: string, newTraceparent: () => string): void {
  headers.push("x-request-id", requestIdOf(ids.requestIds, decisionId));
  const traceparent = validTraceparent(ids.traceparents);
  headers.push("traceparent", traceparent ?? newTraceparent());
  if (traceparent === undefined) return;
  for (const state of ids.tracestates) headers.push("tracestate", state);
}

function addForwarding(headers: string[], exchange: Exchange): void {
  headers.push(
    "x-forwarded-for",
    exchange.facts.address,
    "x-forwarded-proto",
    exchange.request.socket instanceof TLSSocket ? "https" : "http",
  );
  const host = publicHost(exchange);
  if (host !== "") headers.push("x-forwarded-host", host);
}

/** The host, with its port, by which the client calls the gateway; without port where `Host` is not a plain one. */
export function publicHost(exchange: Exchange): string {
  const { host } = exchange.facts;
  const sent = exchange.request.headers.host;
  if (sent === undefined || !HOST.test(sent)) return host;
  const lowered = sent.toLowerCase();
  return lowered.startsWith(host) ? lowered : host;
}
