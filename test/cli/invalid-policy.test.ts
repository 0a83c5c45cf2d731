/** What every command that reads a policy says of one that is not valid: the same to people, and the same to machines. */
import { join } from "node:path";
import t from "tap";
import { writeFiles } from "../policy/fixtures.ts";
import { answerOf } from "./run-command.ts";

const API = JSON.stringify({ openapi: "3.0.3", info: { title: "A", version: "1" }, paths: {} });
const BROKEN = "version: 1\nservice: shop\nupstream: { url: http://127.0.0.1:9 }\nrutes: {}\n";

const COMMANDS: readonly string[] = [
  "check",
  "test",
  "doctor",
  "routes",
  "explain GET /",
  "matrix",
  "coverage --openapi API --service shop",
  "accounts list",
  "keys list",
  "diff CONFIG CONFIG",
  "replay - --policy CONFIG",
];

for (const line of COMMANDS) {
  t.test(`${line}: exit code 1, mistakes in words on the error stream, or as diagnostics on the other`, async (t) => {
    const folder = writeFiles(t, { "services/shop.yaml": BROKEN, "api.json": API });
    const [config, api] = [join(folder, "sallyport.yaml"), join(folder, "api.json")];
    const argv = line.split(" ").map((word) => (word === "CONFIG" ? config : word === "API" ? api : word));
    const told = await answerOf([...argv, "--config", config]);
    t.match(told, { code: 1, out: "", err: /shop\.yaml:4:1: unknown key `rutes`[^]*mistakes? in 1 file\n$/ });
    const forMachines = await answerOf([...argv, "--config", config, "--json"]);
    t.match(forMachines, { code: 1, err: "" });
    const { diagnostics } = JSON.parse(forMachines.out) as { diagnostics: { message: string }[] };
    t.match(diagnostics[0], { file: /shop\.yaml$/, line: 4, column: 1, message: String });
  });
}

t.test("--config may name the folder that holds a sallyport.yaml", async (t) => {
  const folder = writeFiles(t, { "services/shop.yaml": BROKEN });
  t.match(await answerOf(["check", "--config", folder]), { code: 1, err: /shop\.yaml:4:1: unknown key `rutes`/ });
  t.match(await answerOf(["check", "--config", join(folder, "services")]), { code: 1, err: /services\/sallyport\.yaml.* does not exist/ });
});
