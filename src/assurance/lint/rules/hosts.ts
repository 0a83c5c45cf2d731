/** L110: a host that one service names exactly is out of reach of another one's pattern. */
import type { HostTable, Service } from "../../../contract/policy.ts";
import { mountsBelow } from "../mounts.ts";
import { type Observation, type PolicyRule, quoted } from "../observation.ts";

export const hosts: PolicyRule = ({ policy, files }) => {
  const found: Observation[] = [];
  for (const [suffix, table] of policy.hosts.suffix) {
    for (const service of new Set(mountsBelow(table, "").map(({ mount }) => mount.service))) {
      const taken = hostsTaken(policy.hosts, suffix, service);
      const file = files.ofService(service);
      const index = file.keys(["hosts"]).find((one) => file.written(["hosts", one])?.replaceAll(/["']/g, "").endsWith(`}.${suffix}`));
      if (taken.length > 0)
        found.push({ code: "L110", file, path: ["hosts", index ?? 0], message: `this service is not reached under ${quoted(taken)}` });
    }
  }
  return found;
};

/** Exact hosts that the pattern covers and that do not lead to the service. */
function hostsTaken({ exact }: HostTable, suffix: string, service: Service): readonly string[] {
  return [...exact]
    .filter(
      ([host, table]) =>
        host.slice(host.indexOf(".") + 1) === suffix && !mountsBelow(table, "").some(({ mount }) => mount.service === service),
    )
    .map(([host]) => host);
}
