/** Reaches everything that the policy needs, at the same time, and says what is wrong. */
import type { Issuer } from "../contract/authenticators.ts";
import type { Policy, Service } from "../contract/policy.ts";
import { checkDoorCertificate, checkSecrets } from "./ends.ts";
import type { Finding } from "./finding.ts";
import { checkIssuer, type IssuerParts } from "./issuers.ts";
import { checkCounters, checkKeyStore } from "./stores.ts";
import { checkUpstream, upstreamsOf } from "./upstreams.ts";

export interface DoctorParts extends IssuerParts {
  /** How long a connection may take, milliseconds. */
  readonly timeoutMs: number;
}

/** Findings in the order of the parts: issuers, upstreams, stores, certificates, secrets. Never rejects. */
export async function examine(policy: Policy, parts: DoctorParts): Promise<readonly Finding[]> {
  const now = parts.now();
  const reached = await Promise.all([
    ...issuersOf(policy.services).map((issuer) => checkIssuer(issuer, parts)),
    ...upstreamsOf(policy.services).map((shared) => checkUpstream(shared, now, parts.timeoutMs)),
  ]);
  return [
    ...reached,
    ...checkKeyStore(policy, now),
    checkCounters(policy),
    ...checkDoorCertificate(policy.gateway.listen.tls, now),
    ...checkSecrets(policy, now),
  ];
}

function issuersOf(services: readonly Service[]): readonly Issuer[] {
  const issuers = services.flatMap(({ authenticators }) => authenticators.flatMap((one) => (one.kind === "jwt" ? [one.issuer] : [])));
  return [...new Map(issuers.map((issuer) => [issuer.iss, issuer])).values()];
}
