/**
 * The facts of a decision, as a line of the log keeps them: what rules read, and nothing else. Never a credential, a query's
 * values (but of a tenant), a cookie or a body; of a token only the claims that some rule of the policy reads.
 */
import {
  type DecidedExchange,
  EVERYDAY_HEADERS,
  LONGEST_NAME,
  type NoFacts,
  type RecordedFacts,
  type RecordedProof,
} from "../../contract/recorded.ts";
import type { Claims, OwnedKey, Proof } from "../../contract/caller.ts";
import type { RequestFacts } from "../../contract/decision.ts";
import type { Service } from "../../contract/policy.ts";
import { decide } from "../../decision/decide.ts";
import { looseFieldName, queryFields } from "../../decision/query.ts";
import { NAMES_OF_PEOPLE, type Reads, readsOf, trustsOf, trustsOfOne } from "./reads.ts";
import { isTenant } from "../../decision/tenant.ts";
import { encodeSegment } from "../../decision/upstream-path.ts";

const LONGEST_TARGET = 4096;
const LONGEST_CLAIMS = 8192;
const MOST_NAMES = 40;

/** Stands for what is not kept and no rule could have taken: no tenant, origin or name is written so. */
const WITHHELD = "~";

/** The facts of an exchange that is over. */
export function factsOf(exchange: DecidedExchange): RecordedFacts | NoFacts {
  const { facts: request, policy } = exchange;
  if (isUnread(request)) return { none: "edge" };
  const reads = readsOf(policy);
  const target = targetOf(request, reads);
  const proof = exchange.proof && proofOf(exchange, exchange.proof, reads);
  if (target.length > LONGEST_TARGET || isTooLong(proof)) return { none: "size" };
  const service = serviceOf(exchange);
  const verdict = verdictOf(exchange);
  return {
    ...(verdict !== undefined && { verdict }),
    host: request.host,
    target,
    ...(reads.fields.size > 0 && { fields: [...reads.fields] }),
    ...pageFacts(exchange),
    ...(request.websocket && { websocket: true }),
    ...(reads.headers.size > 0 && { headers: headersOf(request, reads) }),
    ...namesOf(exchange, reads),
    ...(policy.gateway.listen.tls?.clients === undefined && { certificate: false }),
    ...(proof && { proof }),
    ...(proof && service && { trusts: [...new Set(trustsOf(service))] }),
  };
}

/** True where the edge refused: every path has a segment. */
export function isUnread({ path }: RequestFacts): boolean {
  return path.segments.length === 0;
}

/** What the policy's rules said of the exchange; undefined where a limit, a fault or a client that left came before them. */
export function verdictOf({ outcome, allowance, policy, facts: request, proof, now }: DecidedExchange): string | undefined {
  if (allowance) return "allow";
  if (outcome?.kind === "preflight") return "preflight";
  if (outcome?.kind !== "refused") return undefined;
  const decision = decide(policy, { request, proof: proof ?? { kind: "none" }, now });
  return decision.outcome === "deny" && decision.code === outcome.code ? outcome.code : undefined;
}

function serviceOf({ match }: DecidedExchange): Service | undefined {
  return match.kind === "route" ? match.route.service : match.mount?.service;
}

/* ── the request ──────────────────────────────────────────────────────── */

function targetOf({ path, query }: RequestFacts, reads: Reads): string {
  const written = `/${path.segments.map(encodeSegment).join("/")}`;
  return query === "" ? written : `${written}?${withoutValues(query, reads)}`;
}

/** Separators stay where they are, so that whoever reads at `&` or at `;` finds the same names as before. */
function withoutValues(query: string, reads: Reads): string {
  return query
    .split(/([&;])/)
    .map((piece, index) => (index % 2 === 1 ? piece : withoutValue(piece, reads)))
    .join("");
}

function withoutValue(piece: string, reads: Reads): string {
  const equals = piece.indexOf("=");
  const [field] = queryFields(piece);
  if (!field) return "";
  const name = nameKept(equals === -1 ? piece : piece.slice(0, equals), field.name, equals === -1, reads);
  if (!reads.fields.has(looseFieldName(field.name))) return equals === -1 ? name : `${name}=`;
  return `${name}=${isTenant(field.value) ? field.value : WITHHELD}`;
}

const LONGEST_FIELD = 40;
const LONGEST_BARE_FIELD = 20;

/** A name that is rather a value (`?SECRET`) is not kept, unless some rule names it. */
function nameKept(written: string, name: string, isBare: boolean, { fields, fieldNames }: Reads): string {
  if (written.length <= (isBare ? LONGEST_BARE_FIELD : LONGEST_FIELD) || fieldNames.has(name)) return written;
  const loose = looseFieldName(name);
  const isRead = fields.has(loose) || [...fieldNames].some((one) => looseFieldName(one) === loose);
  return isRead ? `${encodeURIComponent(loose)}%5B${WITHHELD}%5D` : WITHHELD;
}

const LONGEST_ORIGIN = 256;
const METHOD = /^[A-Za-z-]{1,32}$/;

function pageFacts({ facts: request, corsHeaders }: DecidedExchange): Pick<RecordedFacts, "origin" | "preflightMethod" | "readable"> {
  const { origin, preflightMethod, method } = request;
  if (origin === undefined) return {};
  const isPlain = origin.length <= LONGEST_ORIGIN && /^[\x21-\x7e]*$/.test(origin);
  const asked = method === "OPTIONS" ? preflightMethod : undefined;
  return {
    origin: isPlain ? origin : WITHHELD,
    readable: corsHeaders?.["access-control-allow-origin"] !== undefined,
    ...(asked !== undefined && { preflightMethod: METHOD.test(asked) ? asked : WITHHELD }),
  };
}

function headersOf(request: RequestFacts, reads: Reads): Record<string, readonly string[]> {
  const values = (name: string) => new Set(request.header(name).map((value) => (isTenant(value) ? value : WITHHELD)));
  // Two that differ name no single tenant, and more of them name none either.
  return Object.fromEntries([...reads.headers].map((name) => [name, [...values(name)].slice(0, 2)]));
}

function namesOf({ request: { rawHeaders } }: DecidedExchange, reads: Reads): Pick<RecordedFacts, "names"> {
  const names = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (name.length <= LONGEST_NAME && !EVERYDAY_HEADERS.has(name) && !reads.headers.has(name)) names.add(name);
  }
  return names.size > MOST_NAMES ? {} : { names: [...names] };
}

/* ── the credential ───────────────────────────────────────────────────── */

function proofOf({ match }: DecidedExchange, proof: Proof, reads: Reads): RecordedProof {
  switch (proof.kind) {
    case "none":
    case "ambiguous":
    case "unavailable":
      return { kind: proof.kind };
    case "invalid":
      return { kind: "invalid", code: proof.code };
    case "secret":
      return { kind: "secret", authenticator: proof.authenticator, id: proof.id };
    case "jwt":
      return { kind: "jwt", iss: proof.iss, ...claimsOf(proof.claims, reads) };
    case "key":
      return { kind: "key", authenticator: proof.authenticator, trust: trustOf(match, proof.authenticator), key: keyOf(proof.key) };
  }
}

function claimsOf(claims: Claims, { claims: read, ownClaims }: Reads): Pick<Extract<RecordedProof, { kind: "jwt" }>, "claims" | "others"> {
  const names = Object.keys(claims);
  const kept = names.filter((name) => read.has(name));
  return {
    claims: Object.fromEntries(kept.map((name) => [name, hides(name, ownClaims) ? nameOfPerson(claims[name]) : claims[name]])),
    // The signature was good: these are the issuer's words and not a stranger's.
    others: names.filter((name) => !read.has(name) && name !== "iss"),
  };
}

function hides(name: string, ownClaims: ReadonlySet<string>): boolean {
  return NAMES_OF_PEOPLE.has(name) && !ownClaims.has(name);
}

function nameOfPerson(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? WITHHELD : null;
}

function trustOf(match: DecidedExchange["match"], name: string): string {
  const service = match.kind === "route" ? match.route.service : undefined;
  const authenticator = service?.authenticators.find((one) => one.name === name);
  return (authenticator && trustsOfOne(authenticator, service?.tenant?.header ?? "")[0]) ?? "";
}

/** Field by field: the record of a store holds digests and sealed secrets beside them. */
function keyOf({ id, service, scopes, expiresAt, revokedAt, account }: OwnedKey): Extract<RecordedProof, { kind: "key" }>["key"] {
  return {
    id,
    service,
    scopes,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(revokedAt !== undefined && { revokedAt }),
    account: {
      id: account.id,
      kind: account.kind,
      role: account.role,
      ...(account.tenant !== undefined && { tenant: account.tenant }),
      enabled: account.enabled,
    },
  };
}

function isTooLong(proof: RecordedProof | undefined): boolean {
  return proof?.kind === "jwt" && JSON.stringify(proof).length > LONGEST_CLAIMS;
}
