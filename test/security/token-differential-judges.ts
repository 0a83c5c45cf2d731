/** Two judges of one token: the gateway's own proving and naming, and AWS's published verifier, which shares no code with it. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CognitoJwtVerifier } from "aws-jwt-verify";
import { JwtNotBeforeError } from "aws-jwt-verify/error";
import type { Policy, Route } from "../../src/contract/policy.ts";
import { identify } from "../../src/decision/identify.ts";
import { createIssuers } from "../../src/pipeline/authenticate/jwks.ts";
import { createProver, issuersOf } from "../../src/pipeline/authenticate/prove.ts";
import { HeldBodies } from "../../src/pipeline/authenticate/sigv4/held-bodies.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { exchangeWith } from "../authenticate/fixtures/exchange.ts";
import { keyStore } from "../authenticate/fixtures/key-store.ts";
import { ISS, type KeyRing } from "./token-differential-keys.ts";
import type { Use } from "./token-differential-tokens.ts";
import { CLIENT } from "./token-differential-values.ts";

export type Claims = Readonly<Record<string, unknown>>;

export type Verdict =
  | { readonly taken: true; readonly claims: Claims; readonly subject: string }
  | { readonly taken: false; readonly code: string; readonly reason: string };

/** `now` is epoch milliseconds. */
export type OurJudge = (token: string, use: Use, now: number) => Promise<Verdict>;

/** `early` says that `nbf` alone stands in the way, and by no more than 60 s. */
export type TheirVerdict =
  { readonly taken: true; readonly claims: Claims } | { readonly taken: false; readonly early: boolean; readonly reason: string };
export type TheirJudge = (token: string, use: Use, now: number) => TheirVerdict;

const GATEWAY = `version: 1
listen: { host: 127.0.0.1, port: 8080 }
stores: { keys: "sqlite:data/keys.db", counters: memory }
services: [services/things.yaml]
`;

/** The shortest that an operator would write: everything else is the default. */
const SERVICE = `version: 1
service: things
upstream: { url: "http://127.0.0.1:9" }
authenticators:
  access: { jwt: { issuer: "${ISS}", use: access, clients: [${CLIENT}] } }
  id: { jwt: { issuer: "${ISS}", use: id, caller: person, audience: [${CLIENT}] } }
routes:
  GET /access: { access: authenticated, authenticators: [access] }
  GET /id: { access: authenticated, authenticators: [id] }
`;

/** Our judge: a policy from files, the key sets, the prover and `identify`, put together as the gateway does it. */
export async function createOurJudge({ jwks }: KeyRing): Promise<OurJudge> {
  const policy = policyFromFiles();
  const monotonicNow = (): number => 0;
  const fetch = async (): Promise<Uint8Array> => Buffer.from(JSON.stringify(jwks));
  const issuers = createIssuers({ fetch, monotonicNow, onEvent: () => undefined, schedule: () => () => undefined });
  issuers.use(issuersOf(policy));
  await issuers.ready();
  const prover = createProver({
    policy,
    issuers,
    keys: keyStore(() => undefined),
    now: () => 0,
    monotonicNow,
    heldBodies: new HeldBodies(),
    randomBytes,
  });
  return async (token, use, now) => {
    const route = routeTo(policy, use);
    const proof = await prover.prove(route.service, exchangeWith({ rawHeaders: ["Authorization", `Bearer ${token}`] }), now);
    const named = identify(route, proof, now);
    if (named.outcome === "deny") return { taken: false, code: named.code, reason: named.reason };
    if (named.caller === undefined || proof.kind !== "jwt") throw new Error("a route that is not public took a caller without a token");
    return { taken: true, claims: proof.claims, subject: named.caller.subject };
  };
}

function policyFromFiles(): Policy {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-differential-"));
  try {
    mkdirSync(join(folder, "services"));
    writeFileSync(join(folder, "sallyport.yaml"), GATEWAY);
    writeFileSync(join(folder, "services/things.yaml"), SERVICE);
    const loaded = loadPolicy({ configPath: join(folder, "sallyport.yaml"), environment: {} });
    if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.diagnostics));
    return loaded.policy;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function routeTo(policy: Policy, use: Use): Route {
  const route = policy.services[0]?.routes.find(({ pattern }) => pattern.endsWith(`/${use}`));
  if (route === undefined) throw new Error(`no route /${use}`);
  return route;
}

/** Their judge, without any grace; it reads the process's clock, which is set for as long as it judges. */
export function createTheirJudge({ jwks }: KeyRing): TheirJudge {
  const strict = cognitoVerifier(jwks, 0);
  const lenient = cognitoVerifier(jwks, 60);
  return (token, use, now) =>
    atInstant(now, () => {
      const options = { tokenUse: use, clientId: CLIENT };
      try {
        return { taken: true, claims: strict.verifySync(token, options) };
      } catch (error) {
        // `exp` is looked at before `nbf`, without grace: what is left to say is all that grace could excuse.
        const early = error instanceof JwtNotBeforeError && passes(() => lenient.verifySync(token, options));
        return { taken: false, early, reason: String(error) };
      }
    });
}

function cognitoVerifier(jwks: KeyRing["jwks"], graceSeconds: number) {
  const userPoolId = ISS.slice(ISS.lastIndexOf("/") + 1);
  const verifier = CognitoJwtVerifier.create({ userPoolId, tokenUse: null, clientId: null, graceSeconds });
  verifier.cacheJwks(jwks as unknown as Parameters<typeof verifier.cacheJwks>[0]);
  return verifier;
}

function passes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function atInstant<Result>(now: number, run: () => Result): Result {
  const clock = Date.now;
  Date.now = () => now;
  try {
    return run();
  } finally {
    Date.now = clock;
  }
}
