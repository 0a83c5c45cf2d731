/** A recorded decision's facts → what is known of its request and credential. */
import type { OwnedKey, Proof } from "../../contract/caller.ts";
import type { CanonicalPath, RequestFacts } from "../../contract/decision.ts";
import type { Service } from "../../contract/policy.ts";
import { EVERYDAY_HEADERS, LONGEST_NAME, type RecordedFacts, type RecordedKey, type RecordedProof } from "../../contract/recorded.ts";
import { hasSignatureFields } from "../../contract/signed-query.ts";
import { canonicalPath } from "../../decision/path.ts";
import { looseFieldName, queryFields } from "../../decision/query.ts";
import { trustsOf } from "./reads.ts";
import type { Evidence } from "./evidence.ts";
import type { Recorded } from "./recorded.ts";

/** Undefined where the facts cannot be the gateway's: their path is none. */
export function evidenceOf(record: Recorded, facts: RecordedFacts): Evidence | undefined {
  const mark = facts.target.indexOf("?");
  const canonical = canonicalPath(mark === -1 ? facts.target : facts.target.slice(0, mark));
  if (canonical.kind === "invalid") return undefined;
  const query = mark === -1 ? "" : facts.target.slice(mark + 1);
  const names = new Set(queryFields(query).map(({ name }) => looseFieldName(name)));
  const { proof, names: sent, headers = {}, fields = [] } = facts;
  const others = new Set(proof?.kind === "jwt" ? proof.others : []);
  const carriesHeader = (name: string) => hasHeader(sent, name);
  return {
    request: requestOf(record, facts, canonical.path, query),
    now: record.at,
    home: record.service,
    proof: recordedProofOf(record, facts),
    trusts: new Set(facts.trusts ?? []),
    trust: proof?.kind === "key" ? proof.trust : undefined,
    trustsOf: trustsKnown,
    carries: (place) => {
      if (place === "query") return hasSignatureFields(query);
      return place === "certificate" ? facts.certificate : carriesHeader(place);
    },
    hidesClaim: (name) => others.has(name),
    hidesHeader: (name) => !Object.hasOwn(headers, name) && carriesHeader(name) !== false,
    hidesField: (name) => !fields.includes(name) && names.has(name),
  };
}

const known = new WeakMap<Service, ReadonlySet<string>>();

function trustsKnown(service: Service): ReadonlySet<string> {
  const trusts = known.get(service) ?? new Set(trustsOf(service));
  known.set(service, trusts);
  return trusts;
}

/** Undefined where names of that kind are not kept. */
function hasHeader(sent: readonly string[] | undefined, name: string): boolean | undefined {
  return sent === undefined || EVERYDAY_HEADERS.has(name) || name.length > LONGEST_NAME ? undefined : sent.includes(name);
}

function requestOf({ method, address }: Recorded, facts: RecordedFacts, path: CanonicalPath, query: string): RequestFacts {
  const { host, origin, preflightMethod, websocket, headers = {} } = facts;
  return {
    method,
    path,
    query,
    host,
    address,
    ...(origin !== undefined && { origin }),
    ...(preflightMethod !== undefined && { preflightMethod }),
    websocket: websocket === true,
    header: (name) => (Object.hasOwn(headers, name) ? headers[name]! : []),
  };
}

/** The credential of a record. */
export function recordedProofOf(record: Recorded, facts: RecordedFacts): Proof | undefined {
  return facts.proof && proofOf(facts.proof, reasonOf(record, facts));
}

/** The reason of a refusal is the credential's own, unless something else than a rule refused. */
function reasonOf({ reason }: Recorded, { verdict }: RecordedFacts): string {
  return verdict === undefined || reason === undefined ? "why is not recorded" : reason;
}

function proofOf(proof: RecordedProof, reason: string): Proof {
  switch (proof.kind) {
    case "none":
      return { kind: "none" };
    case "ambiguous":
    case "unavailable":
      return { kind: proof.kind, reason };
    case "invalid":
      return { kind: "invalid", code: proof.code, reason };
    case "secret":
      return { kind: "secret", authenticator: proof.authenticator, id: proof.id };
    case "jwt":
      return { kind: "jwt", iss: proof.iss, claims: Object.assign(Object.create(null) as Record<string, unknown>, proof.claims) };
    case "key":
      return { kind: "key", authenticator: proof.authenticator, key: keyOf(proof.key) };
  }
}

/** When a key was made decides nothing, and is not recorded. */
function keyOf({ service, account, ...key }: RecordedKey): OwnedKey {
  return { ...key, service, account: { ...account, service }, createdAt: 0 };
}
