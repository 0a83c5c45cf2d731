/** Rules about whom the whole policy trusts: issuers that agree, secrets that stand for one thing, proxies. */
import { issuerOf } from "../compile/authenticator.ts";
import type { AuthenticatorFile } from "../schema/authenticator.ts";
import type { GatewayFile } from "../schema/gateway.ts";
import type { Path } from "../tree.ts";
import type { Draft } from "../validate.ts";
import { placeWords } from "./places.ts";
import type { Scope } from "./scope.ts";

interface Placed {
  readonly draft: Draft<unknown>;
  readonly path: Path;
  readonly file: AuthenticatorFile;
}

/** Every authenticator once, where it is written. */
function allAuthenticators(gateway: Draft<GatewayFile>, scopes: readonly Scope[]): readonly Placed[] {
  const shared = Object.entries(gateway.content.authenticators ?? {}).map(([name, file]) => ({
    draft: gateway,
    path: ["authenticators", name],
    file,
  }));
  const own = scopes.flatMap(({ service }) =>
    Object.entries(service.content.authenticators ?? {}).flatMap(([name, file]) =>
      file === "shared" ? [] : [{ draft: service, path: ["authenticators", name], file }],
    ),
  );
  return [...shared, ...own];
}

/** Authenticators of one issuer share its keys, so that they must mean the same ones. */
export function checkIssuers(gateway: Draft<GatewayFile>, scopes: readonly Scope[]): void {
  const first = new Map<string, Placed>();
  for (const placed of allAuthenticators(gateway, scopes)) {
    const { jwt } = placed.file;
    if (!jwt) continue;
    const other = first.get(jwt.issuer);
    if (other?.file.jwt) checkAgreement(placed, jwt, other, other.file.jwt);
    else first.set(jwt.issuer, placed);
  }
}

type Jwt = NonNullable<AuthenticatorFile["jwt"]>;

function checkAgreement({ draft, path }: Placed, jwt: Jwt, other: Placed, otherJwt: Jwt): void {
  const [mine, theirs] = [issuerOf(jwt), issuerOf(otherJwt)];
  const place = placeWords(other.draft, [...other.path, "jwt", "issuer"]);
  if (mine.jwks !== theirs.jwks)
    draft.report([...path, "jwt", "jwks"], `the same issuer has another key set in ${place}`, "write the same `jwks` in both");
  if (mine.algorithms.toSorted().join() !== theirs.algorithms.toSorted().join())
    draft.report([...path, "jwt", "algorithms"], `the same issuer has other algorithms in ${place}`, "write the same `algorithms` in both");
}

/** One secret for two things could not be taken from one of them. */
export function checkSecretsDiffer(gateway: Draft<GatewayFile>, scopes: readonly Scope[]): void {
  const first = new Map<string, string>();
  const see = (draft: Draft<unknown>, path: Path, digest: Uint8Array): void => {
    const key = Buffer.from(digest).toString("hex");
    const other = first.get(key);
    if (other === undefined) first.set(key, placeWords(draft, path));
    else draft.report(path, `this is the same secret as in ${other}`, "make another one with `openssl rand -base64 32`");
  };
  for (const [index, token] of (gateway.content.admin?.tokens ?? []).entries())
    see(gateway, ["admin", "tokens", index, "value"], token.value);
  for (const { draft, path, file } of allAuthenticators(gateway, scopes)) {
    for (const [index, one] of (file.bearer ?? []).entries()) see(draft, [...path, "bearer", index, "value"], one.value);
  }
}

export function checkAdminTokens({ content, report }: Draft<GatewayFile>): void {
  const ids = new Set<string>();
  for (const [index, { id }] of (content.admin?.tokens ?? []).entries()) {
    if (ids.has(id)) report(["admin", "tokens", index, "id"], `another token has the id \`${id}\` too`, "give each an id of its own");
    ids.add(id);
  }
}

/** To believe everybody's `X-Forwarded-For` is to let everybody choose an address. */
export function checkTrustProxy({ content, report }: Draft<GatewayFile>): void {
  for (const [index, cidr] of (content.trustProxy ?? []).entries()) {
    if (cidr.endsWith("/0"))
      report(["trustProxy", index], "this lets every client choose its own address", "list the addresses of the load balancers");
  }
}
