import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parse } from "yaml";
import { allCommands } from "../../src/cli/commands.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { ROOT } from "./fixtures/markdown.ts";

interface ComposeService {
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly network_mode?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

const compose = parse(readFileSync(join(ROOT, "docker-compose.yml"), "utf8"), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
};
const services = Object.entries(compose.services);

t.test("every service of docker-compose.yml runs a command that there is, with options that it has", async (t) => {
  const commands = await allCommands();
  t.same(Object.keys(compose.services).toSorted(), ["gateway", "issuer", "stand-ins"]);
  for (const [name, { command }] of services) {
    const found = commands.find((one) => one.name.split(" ").every((word, index) => command[index] === word));
    t.ok(found, name);
    const options = command.filter((word) => word.startsWith("--")).map((word) => word.slice(2));
    t.same(
      options.filter((option) => !Object.hasOwn(found?.options ?? {}, option)),
      [],
      name,
    );
  }
});

t.test("every service of docker-compose.yml runs with as little as it needs", (t) => {
  for (const [name, { read_only, cap_drop, security_opt }] of services) {
    t.same({ read_only, cap_drop, security_opt }, { read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] }, name);
  }
  t.end();
});

t.test("what docker-compose.yml publishes is on loopback of the host, and the stand-ins are not", (t) => {
  for (const [name, { ports = [] }] of services) for (const port of ports) t.match(port, /^127\.0\.0\.1:/, name);
  t.equal(compose.services["stand-ins"]?.ports, undefined);
  t.end();
});

t.test("the shipped policy loads with the environment of docker-compose.yml and nothing else", (t) => {
  const loaded = loadPolicy({ configPath: join(ROOT, "config/sallyport.yaml"), environment: environmentOf("gateway") });
  t.equal(loaded.kind, "policy");
  if (loaded.kind !== "policy") return t.end();
  const { gateway, services: protectedOnes } = loaded.policy;
  t.same(gateway.admin?.host, "0.0.0.0", "a published port reaches the admin door");
  t.same(
    protectedOnes.map(({ upstream }) => upstream.origin).toSorted(),
    [4101, 4102, 4103].map((port) => `http://stand-ins:${port}`),
  );
  t.end();
});

t.test("the issuer's keys are on the gateway's loopback, where the policy looks for them", (t) => {
  const { issuer } = compose.services;
  t.equal(issuer?.network_mode, "service:gateway");
  const port = issuer?.command[(issuer?.command.indexOf("--port") ?? 0) + 1];
  const { PIE_ISSUER, STACKFLOW_ISSUER } = environmentOf("gateway");
  for (const iss of [PIE_ISSUER, STACKFLOW_ISSUER]) t.equal(new URL(iss ?? "").origin, `http://127.0.0.1:${port}`);
  t.end();
});

/** With the defaults of `${NAME:-default}` filled in, as Compose does it where nothing is set. */
function environmentOf(service: string): Readonly<Record<string, string>> {
  const entries = Object.entries(compose.services[service]?.environment ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, "$1")]));
}
