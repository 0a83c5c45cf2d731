/** Which authenticator of the old policy is which of the new one: by name, or else by what it proves. */
import type { Authenticator } from "../../contract/authenticators.ts";

export interface AuthenticatorPair {
  /** The new one's name, where there is one. */
  readonly name: string;
  readonly before: Authenticator | undefined;
  readonly after: Authenticator | undefined;
}

export function pairAuthenticators(before: readonly Authenticator[], after: readonly Authenticator[]): readonly AuthenticatorPair[] {
  const left = new Set(before);
  const named = after.map((one) =>
    taken(
      left,
      before.find((other) => other.name === one.name && other.kind === one.kind),
    ),
  );
  const pairs = after.map((one, index) => {
    const other =
      named[index] ??
      taken(
        left,
        [...left].find((candidate) => proves(candidate) === proves(one)),
      );
    return { name: one.name, before: other, after: one };
  });
  const names = new Set(after.map(({ name }) => name));
  const gone = [...left].map((one) => ({ name: names.has(one.name) ? `${one.name} (before)` : one.name, before: one, after: undefined }));
  return [...pairs, ...gone];
}

function taken(left: Set<Authenticator>, one: Authenticator | undefined): Authenticator | undefined {
  if (one) left.delete(one);
  return one;
}

/** Two of one service that prove the same credentials do not load. */
function proves(authenticator: Authenticator): string {
  switch (authenticator.kind) {
    case "jwt": {
      const { issuer, use, caller, clients, audience } = authenticator;
      return JSON.stringify(["jwt", issuer.iss, use, caller, listed(clients), listed(audience)]);
    }
    case "bearer":
      return JSON.stringify(["bearer", authenticator.secrets.map(({ digest }) => Buffer.from(digest).toString("hex")).toSorted()]);
    case "apiKey":
      return JSON.stringify(["apiKey", authenticator.prefix]);
    case "sigv4":
      return JSON.stringify(["sigv4", authenticator.region, authenticator.service]);
    case "mtls":
      return "mtls";
  }
}

function listed(allowed: "any" | ReadonlySet<string> | undefined): unknown {
  return typeof allowed === "object" ? [...allowed].toSorted() : allowed;
}
