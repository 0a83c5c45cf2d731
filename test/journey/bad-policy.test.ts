/** What starts no gateway, and how wrong use of a command is answered: with the program as users run it. */
import { connect, createServer, type AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { allCommands } from "../../src/cli/commands.ts";
import { answerOf } from "../cli/run-command.ts";
import { freePorts, runProgram, writeFolder, type Program } from "./child.ts";
import { AUTHENTICATORS, thingsFiles, type Ports } from "./things.ts";

const ENVIRONMENT = { ISSUER: "https://issuer.example", JWKS: "https://issuer.example/keys", ADMIN_TOKEN: "an-admin-token-of-some-length" };
const SHAPE = { upstream: "http://127.0.0.1:1", rest: "routes: { GET /x: authenticated }" };

type Change = (files: Record<string, string>) => void;
const inService =
  (from: string | RegExp, to: string): Change =>
  (files) =>
    void (files["services/things.yaml"] = files["services/things.yaml"]!.replace(from, to));
const inGateway =
  (from: string | RegExp, to: string): Change =>
  (files) =>
    void (files["sallyport.yaml"] = files["sallyport.yaml"]!.replace(from, to));

/** A mistake of each room: syntax, schema, variables, meaning, files. */
const BROKEN: readonly {
  readonly name: string;
  readonly change: Change;
  readonly says: RegExp;
  readonly environment?: Record<string, string>;
}[] = [
  { name: "no YAML", change: inService("routes: {", "routes: [{"), says: /services\/things\.yaml:\d+:\d+: / },
  {
    name: "an unknown key",
    change: inService("routes:", "ruotes:"),
    says: /things\.yaml:\d+:1: unknown key `ruotes`[^]*did you mean `routes`\?/,
  },
  { name: "a variable that is not set", change: () => undefined, says: /ADMIN_TOKEN/, environment: { ...ENVIRONMENT, ADMIN_TOKEN: "" } },
  {
    name: "an issuer without TLS",
    change: () => undefined,
    says: /https/,
    environment: { ...ENVIRONMENT, ISSUER: "http://issuer.example" },
  },
  {
    name: "a route twice",
    change: inService("GET /x: authenticated", "GET /x: authenticated, GET /x: public"),
    says: /things\.yaml:\d+:\d+: /,
  },
  { name: "no clients and no audience", change: inService(", clients: any", ""), says: /clients[^]*audience/ },
  { name: "no service of that name", change: inGateway("services/things.yaml", "services/none.yaml"), says: /sallyport\.yaml:\d+:\d+: / },
];

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function serveFiles(t: Test, ports: Ports, change: Change, environment: Record<string, string> = ENVIRONMENT): Promise<Program> {
  const files = thingsFiles({ ...SHAPE, authenticators: AUTHENTICATORS }, ports);
  change(files);
  return runProgram(t, ["serve", "--config", "sallyport.yaml"], { folder: writeFolder(t, files), environment });
}

t.test("no broken policy starts a gateway: exit 1, the mistake with its place on standard error, nothing listening", async (t) => {
  for (const { name, change, says, environment } of BROKEN) {
    const ports = await freePorts();
    const program = await serveFiles(t, ports, change, environment);
    t.equal(await program.ended, 1, name);
    t.match(program.err(), says, name);
    t.match(program.err(), /nothing was started\n$/, name);
    t.equal(program.out(), "", "nothing was logged");
    for (const port of Object.values(ports)) t.notOk(await listens(port), name);
  }
});

t.test("all mistakes of all files are told at once", async (t) => {
  const change: Change = (files) => {
    inGateway("counters: memory", "counters: redis")(files);
    inService("routes:", "colour: red\nroutes:")(files);
    inService("clients: any", "client: any")(files);
  };
  const program = await serveFiles(t, await freePorts(), change);
  t.equal(await program.ended, 1);
  t.match(program.err(), /sallyport\.yaml:\d+:\d+: [^]*services\/things\.yaml:\d+:\d+: [^]*colour[^]*/);
  t.match(program.err(), /the policy has \d+ mistakes; nothing was started/);
});

t.test("a gateway file that is not there: exit 1", async (t) => {
  const program = runProgram(t, ["serve", "--config", "nowhere.yaml"]);
  t.equal(await program.ended, 1);
  t.match(program.err(), /nowhere\.yaml/);
});

t.test("a door that is taken ends the start: exit 1, and none of the others stays open", async (t) => {
  for (const door of ["front", "health", "admin"] as const) {
    const ports = await freePorts();
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    const taken = { ...ports, [door]: (squatter.address() as AddressInfo).port };
    const program = await serveFiles(t, taken, () => undefined);
    t.equal(await program.ended, 1, door);
    const key = { front: "listen", health: "health", admin: "admin" }[door];
    const place = `write another port as \`${key}.port\` of sallyport.yaml`;
    t.equal(program.err(), `sallyport: port ${taken[door]} of 127.0.0.1 is taken by another program: end that one, or ${place}\n`);
    squatter.close();
  }
});

t.test("with the mistakes taken out the same files start", async (t) => {
  const program = await serveFiles(t, await freePorts(), () => undefined);
  await program.says('"msg":"serving"');
  program.process.kill("SIGTERM");
  t.equal(await program.ended, 0);
});

/* ── wrong use ────────────────────────────────────────────────────────── */

t.test("what a command needs and is not given is named, with exit 2", async (t) => {
  const needs: readonly [argv: string[], missing: RegExp][] = [
    [["accounts", "create"], /missing/],
    [["accounts", "create", "x", "--config", "config/sallyport.yaml"], /--service is missing/],
    [["keys", "create", "--config", "config/sallyport.yaml"], /--service is missing/],
    [["keys", "revoke"], /missing/],
    [["serve", "--demo", "--config", "x.yaml"], /--demo/],
    [["serve", "--demo=yes"], /--demo/],
  ];
  for (const [argv, missing] of needs) {
    const { code, err } = await answerOf(argv);
    t.equal(code, 2, argv.join(" "));
    t.match(err, missing, argv.join(" "));
    t.match(err, /\nusage: sallyport /, argv.join(" "));
  }
});

t.test("no command, an unknown one, and half of one: exit 2 and what there is", async (t) => {
  for (const argv of [[], ["sevre"], ["keys"], ["keys", "steal"], ["--config"], ["accounts", ""]]) {
    const { code, err } = await answerOf(argv);
    t.equal(code, 2, argv.join(" "));
    t.match(err, /usage: sallyport /, argv.join(" "));
  }
});

t.test("help is no wrong use", async (t) => {
  const commands = await allCommands();
  for (const argv of [["--help"], ["help"], ["keys", "--help"], ...commands.map(({ name }) => [...name.split(" "), "--help"])]) {
    const { code, out, err } = await answerOf(argv);
    t.match({ code, err }, { code: 0, err: "" }, argv.join(" "));
    t.match(out, /usage: sallyport /, argv.join(" "));
  }
});

t.test("the program's own exit code is the command's", async (t) => {
  for (const [args, code] of [
    [["sevre"], 2],
    [["serve", "--nope"], 2],
    [["--help"], 0],
  ] as const) {
    const program = runProgram(t, args);
    t.equal(await program.ended, code, args.join(" "));
  }
});
