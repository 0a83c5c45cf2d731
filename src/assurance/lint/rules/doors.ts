/** L308, L309, L313: the admin door, the balancers that are believed, and the secret without which no signature is checked. */
import { isLoopback } from "../near.ts";
import { type Observation, type PolicyRule, quoted, type Subject } from "../observation.ts";

export const doors: PolicyRule = (subject) => [...openAdmin(subject), ...wideProxies(subject), ...unsealed(subject)];

function openAdmin({ policy, files }: Subject): readonly Observation[] {
  const host = policy.gateway.admin?.host;
  if (host === undefined || isLoopback(host) || files.gateway.isUnknown(["admin", "host"])) return [];
  return [
    { code: "L308", file: files.gateway, path: ["admin", "host"], message: `the admin door listens on \`${host}\`, over plain http` },
  ];
}

/** Large clouds publish networks of down to 13 bits; nobody's own balancers fill these. */
const WIDEST = { v4: 8, v6: 20 };

function wideProxies({ policy, files }: Subject): readonly Observation[] {
  return policy.gateway.trustProxy.cidrs.flatMap((cidr, index): readonly Observation[] => {
    const [address = "", length] = cidr.split("/");
    const widest = address.includes(":") ? WIDEST.v6 : WIDEST.v4;
    if (length === undefined || Number(length) >= widest || /^(?:f[cd]|fe[89ab])/i.test(address)) return [];
    return [{ code: "L309", file: files.gateway, path: ["trustProxy", index], message: `everybody in \`${cidr}\` may choose an address` }];
  });
}

function unsealed({ policy, files }: Subject): readonly Observation[] {
  const path = ["stores", "sealing"];
  if (policy.gateway.stores.sealing || files.gateway.isUnknown(path)) return [];
  const signing = policy.services.flatMap(({ name, authenticators }) =>
    authenticators.filter(({ kind }) => kind === "sigv4").map((one) => `${name} ${one.name}`),
  );
  if (signing.length === 0) return [];
  return [{ code: "L313", file: files.gateway, path, message: `requests signed for ${quoted(signing)} are answered with 503` }];
}
