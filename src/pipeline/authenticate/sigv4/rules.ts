/** What must hold of a signature before it is worth computing: none of it needs the secret. */
import { headerKey } from "../../../contract/header-key.ts";
import type { SigV4Authenticator } from "../../../contract/authenticators.ts";
import type { SignatureClaim } from "./claim.ts";

const PAYLOAD_HASH = "x-amz-content-sha256";

/** Why the claim cannot hold at this instant (epoch milliseconds), whatever its signature; undefined when it may. */
export function claimFault(
  claim: SignatureClaim,
  headers: ReadonlyMap<string, readonly string[]>,
  authenticator: Pick<SigV4Authenticator, "windowMs">,
  tenantHeader: string | undefined,
  now: number,
): string | undefined {
  return timeFault(claim, authenticator.windowMs, now) ?? signedHeadersFault(claim, headers, tenantHeader);
}

function timeFault({ scope, timestamp, signedAt, lifetimeMs }: SignatureClaim, windowMs: number, now: number): string | undefined {
  if (scope.date !== timestamp.slice(0, 8)) return "the credential's date is not that of signing";
  if (signedAt > now + windowMs) return "it was signed in the future";
  if (lifetimeMs === undefined) return signedAt < now - windowMs ? "it was signed too long ago" : undefined;
  return now >= signedAt + lifetimeMs ? "the presigned request has expired" : undefined;
}

function signedHeadersFault(
  { form, signedHeaders }: SignatureClaim,
  headers: ReadonlyMap<string, readonly string[]>,
  tenantHeader: string | undefined,
): string | undefined {
  if (!isAscending(signedHeaders)) return "the signed headers are not sorted, or one is repeated";
  if (!signedHeaders.includes("host")) return "`host` is not signed";
  if (form === "header" && !signedHeaders.includes("x-amz-date")) return "`x-amz-date` is not signed";
  if (!signedHeaders.every((name) => headers.has(name))) return "a signed header is absent";
  // whoever holds a presigned request must not choose whose data it is about
  if (tenantHeader !== undefined && headers.has(tenantHeader) && !signedHeaders.includes(tenantHeader))
    return "the tenant's header is not signed";
  for (const name of headers.keys()) {
    const key = headerKey(name);
    if (key === "x-amz-security-token") return "a session token, and there are no temporary credentials here";
    // whatever it is, the body is held against it, and its value is part of what is signed
    if (name === PAYLOAD_HASH) continue;
    if (key.startsWith("x-amz-") && !signedHeaders.includes(name)) return "an `x-amz-` header is not signed";
  }
  return undefined;
}

function isAscending(names: readonly string[]): boolean {
  return names.every((name, index) => index === 0 || names[index - 1]! < name);
}
