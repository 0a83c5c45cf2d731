/** The client's headers, made into the upstream's. */
import { TLSSocket } from "node:tls";
import type { Allowance } from "../../contract/decision.ts";
import { headerKey } from "../../contract/header-key.ts";
import type { IdentityHeaders, Policy, Service } from "../../contract/policy.ts";
import type { Exchange } from "../exchange.ts";
import { connectionNames, isReserved } from "./header-fates.ts";
import { rememberInOrder } from "../remember.ts";
import { addIdentity } from "../../decision/identity-headers.ts";
import { requestIdOf, validTraceparent } from "./trace.ts";

type Fate = "pass" | "drop" | "requestId" | "traceparent" | "tracestate";

/** Field lines (RFC 9112 section 5) of all headers for the upstream but `Host` and those that frame the body, each behind a CRLF. */
export type RequestHeaders = (exchange: Exchange, allowance: Allowance) => string;

interface KnownName {
  readonly fate: Fate;
  /** CRLF, name and colon. */
  readonly begin: string;
}

/** Headers that the gateway reads before it writes its own. */
interface Ids {
  requestIds: readonly string[];
  traceparents: readonly string[];
  tracestates: readonly string[];
}

const NONE: readonly string[] = [];

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** Compiles what becomes of each header on a service's public, or on its other, routes. */
export function compileRequestHeaders(policy: Policy, service: Service, isPublic: boolean, newTraceparent: () => string): RequestHeaders {
  const { identity } = service.upstream;
  const passing = passingCredentials(service, isPublic);
  const known = rememberInOrder((name): KnownName => {
    return { fate: fateOfKey(headerKey(name), policy.strippedHeaders, passing), begin: `\r\n${name}: ` };
  });
  return (exchange, allowance) => {
    const ids: Ids = { requestIds: NONE, traceparents: NONE, tracestates: NONE };
    const lines = clientLines(exchange, known, ids);
    return lines + identityLines(identity, allowance) + idLines(ids, exchange.id, newTraceparent) + forwardingLines(exchange);
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

function clientLines(exchange: Exchange, known: (name: string, place: number) => KnownName, ids: Ids): string {
  const { rawHeaders } = exchange.request;
  const named = connectionNames(exchange.request.headers.connection, headerKey);
  let lines = "";
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const { fate, begin } = known(name, index >> 1);
    if (fate === "drop" || named?.has(headerKey(name))) continue;
    const value = rawHeaders[index + 1] as string;
    if (fate === "pass") lines += begin + value;
    else collect(ids, fate, value);
  }
  return lines;
}

function collect(ids: Ids, fate: Exclude<Fate, "pass" | "drop">, value: string): void {
  if (fate === "requestId") ids.requestIds = [...ids.requestIds, value];
  else if (fate === "traceparent") ids.traceparents = [...ids.traceparents, value];
  else ids.tracestates = [...ids.tracestates, value];
}

function identityLines(names: IdentityHeaders, allowance: Allowance): string {
  const headers: string[] = [];
  addIdentity(headers, names, allowance);
  let lines = "";
  for (let index = 0; index < headers.length; index += 2) lines += `\r\n${headers[index]}: ${headers[index + 1]}`;
  return lines;
}

/** A `tracestate` belongs to the `traceparent` beside it (W3C Trace Context, section 3.3): without a valid one it goes. */
function idLines(ids: Ids, decisionId: string, newTraceparent: () => string): string {
  const traceparent = validTraceparent(ids.traceparents);
  let lines = `\r\nx-request-id: ${requestIdOf(ids.requestIds, decisionId)}\r\ntraceparent: ${traceparent ?? newTraceparent()}`;
  if (traceparent !== undefined) for (const state of ids.tracestates) lines += `\r\ntracestate: ${state}`;
  return lines;
}

function forwardingLines(exchange: Exchange): string {
  const scheme = exchange.request.socket instanceof TLSSocket ? "https" : "http";
  const lines = `\r\nx-forwarded-for: ${exchange.facts.address}\r\nx-forwarded-proto: ${scheme}`;
  const host = publicHost(exchange);
  return host === "" ? lines : `${lines}\r\nx-forwarded-host: ${host}`;
}

/** The host, with its port, by which the client calls the gateway; without port where `Host` is not a plain one. */
export function publicHost(exchange: Exchange): string {
  const { host } = exchange.facts;
  const sent = exchange.request.headers.host;
  if (sent === undefined || !HOST.test(sent)) return host;
  const lowered = sent.toLowerCase();
  return lowered.startsWith(host) ? lowered : host;
}
