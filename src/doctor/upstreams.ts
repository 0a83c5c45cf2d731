/** Upstreams: something listens, and over https it proves who it is. */
import type { Service, Upstream } from "../contract/policy.ts";
import { type Connected, connectOnce, type PeerCertificate } from "./connect.ts";
import { endWords, fail, type Finding, ok, SOON_MS, warn } from "./finding.ts";
import { networkFault } from "./network-words.ts";

/** An upstream, and the services that it is for. */
export interface SharedUpstream {
  readonly upstream: Upstream;
  readonly services: readonly string[];
}

export function upstreamsOf(services: readonly Service[]): readonly SharedUpstream[] {
  const shared = new Map<string, SharedUpstream>();
  for (const { name, upstream } of services) {
    const key = JSON.stringify([upstream.origin, upstream.verifyTls]);
    shared.set(key, { upstream, services: [...(shared.get(key)?.services ?? []), name] });
  }
  return [...shared.values()];
}

/** `now`: epoch milliseconds. */
export async function checkUpstream({ upstream, services }: SharedUpstream, now: number, timeoutMs: number): Promise<Finding> {
  const of = { area: "upstream", subject: `${upstream.origin} (${services.join(", ")})` } as const;
  const connected: Connected = await connectOnce(upstream.origin, timeoutMs);
  if (connected.kind === "failed") {
    const { words, repair } = networkFault(connected.code, connected.message);
    return fail(of, words, repair);
  }
  return connected.tls ? certificateFinding(of, upstream, connected.tls, now) : ok(of, "takes connections");
}

type Of = { readonly area: "upstream"; readonly subject: string };

function certificateFinding(of: Of, { verifyTls }: Upstream, { fault, end }: PeerCertificate, now: number): Finding {
  if (fault !== undefined && verifyTls) {
    const { words, repair } = networkFault(fault, "");
    return fail(of, words, repair);
  }
  if (!verifyTls) {
    const found = fault === undefined ? "though it is good" : `and would not be: ${networkFault(fault, "").words}`;
    return warn(
      of,
      `its certificate is not verified, ${found}`,
      fault === undefined ? "take `verify: off` out" : "renew it, and take `verify: off` out",
    );
  }
  if (end - now <= SOON_MS) return warn(of, `its certificate ends on ${endWords(end, now)}`, "renew it");
  return ok(of, "takes connections, and its certificate is good");
}
