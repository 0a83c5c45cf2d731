/** L302, L312: secrets that stand in the file, or have ended. */
import type { Secret } from "../../../contract/authenticators.ts";
import type { FilePath, PolicyFile } from "../../../contract/policy-files.ts";
import { authenticatorSpot, type Observation, type PolicyRule, type ServiceRule } from "../observation.ts";

export const secretsOfService: ServiceRule = (subject) =>
  subject.service.authenticators.flatMap((authenticator) => {
    if (authenticator.kind !== "bearer") return [];
    const { file, path } = authenticatorSpot(subject, authenticator, "bearer");
    return authenticator.secrets.flatMap((secret, index) => seen(file, [...path, index], secret, subject.now));
  });

export const secretsOfGateway: PolicyRule = ({ policy, files, now }) => {
  const file = files.gateway;
  const tokens = policy.gateway.admin?.tokens ?? [];
  const sealing: FilePath = ["stores", "sealing"];
  const sealingItems = file.keys(sealing).map((index): FilePath => [...sealing, index]);
  return [
    ...tokens.flatMap((token, index) => seen(file, ["admin", "tokens", index], token, now)),
    ...[sealing, ...sealingItems].flatMap((path) => literal(file, path)),
  ];
};

function seen(file: PolicyFile, path: FilePath, { id, until }: Secret, now: number): readonly Observation[] {
  const ended = until !== undefined && until <= now && !file.isUnknown([...path, "until"]);
  const found: readonly Observation[] = ended
    ? [{ code: "L312", file, path: [...path, "until"], message: `\`${id}\` has ended at ${new Date(until).toISOString()}` }]
    : [];
  return [...found, ...literal(file, [...path, "value"])];
}

/** A reference's default is as open to be read as the text itself. */
function literal(file: PolicyFile, path: FilePath): readonly Observation[] {
  const written = file.written(path);
  if (written === undefined) return [];
  if (!written.includes("${")) return [{ code: "L302", file, path, message: "this secret stands in the file" }];
  return /\$\{\w+:-[^}]/.test(written)
    ? [{ code: "L302", file, path, message: "this reference has a default, which stands in the file" }]
    : [];
}
