/** Policies with one mistake each: it is said once, at its word, with what to write instead. */
import t from "tap";
import type { Diagnostic } from "../../src/policy/diagnostic.ts";
import { load } from "./fixtures.ts";

/** Two sound files, in which each row changes one piece. */
const FILES = {
  gateway: `version: 1
listen: { port: 8080 }
admin: { port: 9712, tokens: [{ id: ops, value: "\${ADMIN_TOKEN}" }] }
log: { level: info }
services:
  - services/*.yaml
`,
  service: `version: 1
service: notes
upstream: { url: "http://notes:8080" }
roles: { reader: [notes.read] }
authenticators:
  people:
    jwt: { issuer: https://issuer.example, clients: any }
    groups: { staff: [notes.read] }
    tenant: { claim: client_id }
tenant: { path: client_id }
limits:
  all: { by: address, rate: 20/minute }
body: { max: 1MB }
timeouts: { total: 30s }
routes:
  GET /health: public
  GET /notes/{client_id}: notes.read
`,
};

interface Row {
  readonly file: keyof typeof FILES;
  /** The piece of the sound file, and what stands in its place. */
  readonly from: string;
  readonly to: string;
  /** Line, the word that the caret is under, what is wrong, what to write. */
  readonly expected: readonly [line: number, word: string, message: string, repair: string];
}

const COMMON = "write it as in";

const ROWS: readonly Row[] = [
  // a map is expected
  {
    file: "gateway",
    from: '{ id: ops, value: "${ADMIN_TOKEN}" }',
    to: '"${ADMIN_TOKEN}"',
    expected: [
      3,
      '"${ADMIN_TOKEN}"',
      "this must be a map, and `${ADMIN_TOKEN}` stands for a text",
      'write `{ id: NAME, value: "${ADMIN_TOKEN}" }`',
    ],
  },
  {
    file: "gateway",
    from: "listen: { port: 8080 }",
    to: "listen: 8080",
    expected: [2, "8080", "this must be a map", "write `listen: { port: 8080 }`"],
  },
  {
    file: "gateway",
    from: "log: { level: info }",
    to: "log: debug",
    expected: [4, "debug", "this must be a map", "write `log: { level: debug }`"],
  },
  {
    file: "service",
    from: '{ url: "http://notes:8080" }',
    to: "http://notes:8080",
    expected: [3, "http://notes:8080", "this must be a map", "write `upstream: { url: http://notes:8080 }`"],
  },
  {
    file: "service",
    from: "{ by: address, rate: 20/minute }",
    to: "20/minute",
    expected: [12, "20/minute", "this must be a map", "write `all: { by: caller, rate: 20/minute }`"],
  },
  {
    file: "service",
    from: "{ reader: [notes.read] }",
    to: "[notes.read, notes.write]",
    expected: [4, "roles", "this must be a map, not a list", `${COMMON} \`roles: { reader: [models.read] }\``],
  },
  {
    file: "service",
    from: "    tenant: { claim: client_id }",
    to: "    tenant: client_id",
    expected: [9, "client_id", "this must be `account` or a map", "write `tenant: { claim: client_id }`"],
  },
  {
    file: "service",
    from: "    tenant: { claim: client_id }",
    to: "    tenant: acount",
    expected: [9, "acount", "this must be `account` or a map", "did you mean `account`?"],
  },
  {
    file: "service",
    from: "routes:\n  GET /health: public\n  GET /notes/{client_id}: notes.read\n",
    to: "routes: 5\n",
    expected: [15, "5", "this must be a map", `${COMMON} \`routes: { GET /notes: notes.read }\``],
  },
  {
    file: "gateway",
    from: "log: { level: info }",
    to: 'log: "${LOG}"',
    expected: [4, '"${LOG}"', "this must be a map, and `${LOG}` stands for a text", 'write `log: { level: "${LOG}" }`'],
  },
  {
    file: "gateway",
    from: "log: { level: info }",
    to: "defaults: 5",
    expected: [4, "5", "this must be a map", `${COMMON} \`defaults: { body: { max: 512KB } }\``],
  },
  {
    file: "gateway",
    from: '[{ id: ops, value: "${ADMIN_TOKEN}" }]',
    to: "[]",
    expected: [3, "tokens", "this list is empty", "list at least one"],
  },
  // another kind of value is expected
  {
    file: "gateway",
    from: "listen: { port: 8080 }",
    to: 'listen: { port: "eighty" }',
    expected: [2, '"eighty"', "this must be a number", `${COMMON} \`port: 8080\``],
  },
  {
    file: "gateway",
    from: "listen: { port: 8080 }",
    to: 'listen: { port: "8080" }',
    expected: [2, '"8080"', "this must be a number", "write `8080`, without quotes"],
  },
  {
    file: "gateway",
    from: "version: 1",
    to: 'version: "1"',
    expected: [1, '"1"', "this must be `1`", "write `1`, without quotes"],
  },
  {
    file: "gateway",
    from: "listen: { port: 8080 }",
    to: 'listen: { port: "08080" }',
    expected: [2, '"08080"', "this must be a number", `${COMMON} \`port: 8080\``],
  },
  {
    file: "gateway",
    from: "listen: { port: 8080 }",
    to: "listen: { port: 99999 }",
    expected: [2, "99999", "this must be at most 65535", "write `65535` or less"],
  },
  {
    file: "service",
    from: "total: 30s",
    to: "total: 30",
    expected: [14, "30", "this must be a duration or none, such as `2s`", "write the unit: `30s`"],
  },
  {
    file: "service",
    from: "max: 1MB",
    to: "max: 1000",
    expected: [13, "1000", "this must be a size or none, such as `512KB`", "write the unit: `1000B`"],
  },
  {
    file: "service",
    from: "rate: 20/minute",
    to: "rate: 20",
    expected: [12, "20", "this must be a rate, such as `100/minute`", "write the unit: `20/minute`"],
  },
  {
    file: "service",
    from: "staff: [notes.read]",
    to: "staff: notes.read",
    expected: [8, "notes.read", "this must be a list", "write a list: [notes.read]"],
  },
  {
    file: "service",
    from: "service: notes",
    to: "service: 12",
    expected: [2, "12", "this must be a name, such as `pie`", 'quote it: "12"'],
  },
  {
    file: "service",
    from: "service: notes",
    to: "service: notes\nstripPrefix: yes",
    expected: [3, "yes", "this must be `true` or `false`", "write `true`"],
  },
  {
    file: "service",
    from: "service: notes",
    to: "service: notes\nhosts: [5]",
    expected: [3, "5", "this must be a host, such as `api.example.com`", "write one such as `api.example.com`"],
  },
  // a word of a few is expected
  {
    file: "gateway",
    from: "version: 1",
    to: "version: 2",
    expected: [1, "2", "this must be `1`", "write `version: 1`"],
  },
  {
    file: "gateway",
    from: "level: info",
    to: "level: warning",
    expected: [4, "warning", "this must be one of `debug`, `info`, `warn`, `error`, `silent`", `${COMMON} \`level: debug\``],
  },
  {
    file: "gateway",
    from: "level: info",
    to: "decisions: true",
    expected: [4, "true", "this must be one of `refusals`, `all`", `${COMMON} \`decisions: refusals\``],
  },
  {
    file: "service",
    from: "by: address",
    to: "by: user",
    expected: [12, "user", "this must be one of `caller`, `address`, `tenant`, `apiKey`", `${COMMON} \`by: caller\``],
  },
  {
    file: "service",
    from: "by: address",
    to: "by: adress",
    expected: [12, "adress", "this must be one of `caller`, `address`, `tenant`, `apiKey`", "did you mean `address`?"],
  },
  {
    file: "service",
    from: "clients: any }",
    to: "clients: any, caller: service }",
    expected: [7, "service", "this must be one of `person`, `machine`", `${COMMON} \`caller: person\``],
  },
  // a key is missing, empty or unknown
  {
    file: "service",
    from: "issuer: https://issuer.example, ",
    to: "",
    expected: [7, "jwt", "`issuer` is missing", "add `issuer: https://cognito-idp.us-east-2.amazonaws.com/us-east-2_EXAMPLE`"],
  },
  {
    file: "service",
    from: ", rate: 20/minute",
    to: "",
    expected: [12, "all", "`rate` is missing", "add `rate: 100/minute`"],
  },
  {
    file: "service",
    from: 'upstream: { url: "http://notes:8080" }\n',
    to: "",
    expected: [1, "v", "`upstream` is missing", "add `upstream: { url: http://pie:8080 }`"],
  },
  {
    file: "service",
    from: "body: { max: 1MB }",
    to: "body:",
    expected: [13, "body", "`body` has no value", `${COMMON} \`body: { max: 512KB }\`, or leave it out`],
  },
  {
    file: "gateway",
    from: "log: { level: info }",
    to: "log: { levle: info }",
    expected: [4, "levle", "unknown key `levle`", "did you mean `level`?"],
  },
  {
    file: "service",
    from: 'url: "http://notes:8080"',
    to: 'targets: ["http://notes:8080"]',
    expected: [3, "targets", "`upstream.targets` is not available in this version", "write `url` in place of it"],
  },
  {
    file: "service",
    from: 'url: "http://notes:8080"',
    to: 'url: "http://notes:8080", target: a',
    expected: [3, "target", "unknown key `target`", "known here: url, verify, connections, identity, forward"],
  },
  // a text does not say what it must
  {
    file: "service",
    from: "service: notes",
    to: "service: Notes API",
    expected: [2, "Notes API", "a service's name consists of lower-case letters, digits, `_` and `-`, at most 63", "write `notes-api`"],
  },
  {
    file: "service",
    from: "http://notes:8080",
    to: "http://notes:8080/v1?key=1",
    expected: [3, '"http://notes:8080/v1?key=1"', "an upstream's address has no query", "write `http://notes:8080/v1`"],
  },
  {
    file: "service",
    from: "http://notes:8080",
    to: "http://127.0.0.1:99999",
    expected: [3, '"http://127.0.0.1:99999"', "a port is at most 65535", "write the port that the other side listens on"],
  },
  {
    file: "service",
    from: "http://notes:8080",
    to: "notes",
    expected: [3, '"notes"', "this is no URL", "write scheme and host: `https://service.example.com`"],
  },
  {
    file: "service",
    from: "{client_id}: notes.read",
    to: "{client_id}: notes:read",
    expected: [17, "notes:read", "a permission is a dotted word in lower case, such as `models.read`", "write `notes.read`"],
  },
  {
    file: "service",
    from: "  all: {",
    to: "  of all: {",
    expected: [12, "of all", "a name consists of letters, digits, `_`, `.` and `-`, at most 64", "write `of-all`"],
  },
  // routes
  {
    file: "service",
    from: "GET /health",
    to: "GET,POST /health",
    expected: [16, "GET,POST /health", "a route has one method", "write one line for each method"],
  },
  {
    file: "service",
    from: "GET /health",
    to: "ANY /health",
    expected: [16, "ANY /health", "no word stands for all methods", "write one line for each method"],
  },
  {
    file: "service",
    from: "GET /health",
    to: "FETCH /health",
    expected: [16, "FETCH /health", "this is no HTTP method", "write a method that clients send: GET, POST, PUT, PATCH, DELETE, OPTIONS"],
  },
  {
    file: "service",
    from: "GET /health: public",
    to: "GET /health:",
    expected: [
      16,
      "GET /health",
      "`GET /health` has no value",
      "say who may call: `public`, `authenticated`, `denied` or a permission, as in `GET /health: notes.read`",
    ],
  },
  {
    file: "service",
    from: "notes.read\n",
    to: "notes.read\n  GET /notes/{id}: notes.read\n",
    expected: [18, "GET /notes/{id}", "this is the same route as `GET /notes/{client_id}` in line 17", "leave one out"],
  },
  {
    file: "service",
    from: "path: client_id",
    to: "path: tenant",
    expected: [10, "tenant", "no route has the placeholder `{tenant}`", "known here: client_id"],
  },
  // what follows from a mistake is none of its own
  {
    file: "service",
    from: "  people:\n",
    to: "  people: 5\n  others:\n",
    expected: [
      6,
      "5",
      "this must be `shared` or a map",
      `${COMMON} \`people: { jwt: { issuer: https://issuer.example, clients: [ID] } }\``,
    ],
  },
  {
    file: "service",
    from: "    jwt: {",
    to: "    jtw: {",
    expected: [7, "jtw", "unknown key `jtw`", "did you mean `jwt`?"],
  },
  {
    file: "service",
    from: "GET /notes/{client_id}",
    to: "/notes/{client_id}",
    expected: [17, "/notes/{client_id}", "a route is written `METHOD /path`", "put the method before it: `GET /notes/{client_id}`"],
  },
  {
    file: "service",
    from: "roles: { reader: [notes.read] }\nauthenticators:\n  people:\n",
    to: "roles: 5\nauthenticators:\n  people:\n    role: reader\n",
    expected: [4, "5", "this must be a map", `${COMMON} \`roles: { reader: [models.read] }\``],
  },
  // names that nothing has
  {
    file: "service",
    from: "  people:\n",
    to: "  shoppers: shared\n  people:\n",
    expected: [6, "shared", "the gateway file has no authenticator `shoppers`", "add it to `authenticators:` there"],
  },
  {
    file: "service",
    from: "rate: 20/minute }",
    to: "rate: 20/minute, methods: [GTE] }",
    expected: [12, "GTE", "this is no HTTP method", "did you mean `GET`?"],
  },
];

for (const row of ROWS) {
  t.test(`\`${row.to.trim()}\` for \`${row.from.trim()}\` is one mistake`, async (t) => {
    t.ok(FILES[row.file].includes(row.from), "the piece is there");
    const textOf = (file: Row["file"]) => (file === row.file ? FILES[file].replace(row.from, () => row.to) : FILES[file]);
    const loaded = load(t, { "sallyport.yaml": textOf("gateway"), "services/notes.yaml": textOf("service") }, { offline: true });
    t.strictSame(loaded.kind === "invalid" && loaded.diagnostics.map(shownOf), [row.expected]);
    const file = row.file === "gateway" ? "sallyport.yaml" : "services/notes.yaml";
    t.ok(loaded.kind === "invalid" && loaded.diagnostics.every((one) => one.file.endsWith(file)));
  });
}

t.test("a key of a file that is misspelt is one mistake, whatever its block would have held", async (t) => {
  let keys = 0;
  for (const file of ["gateway", "service"] as const) {
    for (const [, key = ""] of FILES[file].matchAll(/^(\w{4,}):/gm)) {
      if (key === "version") continue;
      const misspelt = key.slice(0, -2) + key.slice(-1);
      const textOf = (name: Row["file"]) => (name === file ? FILES[name].replace(`\n${key}:`, `\n${misspelt}:`) : FILES[name]);
      const loaded = load(t, { "sallyport.yaml": textOf("gateway"), "services/notes.yaml": textOf("service") }, { offline: true });
      keys += 1;
      const said = loaded.kind === "invalid" ? loaded.diagnostics.map(({ message, repair }) => [message, repair]) : [];
      t.strictSame(said, [[`unknown key \`${misspelt}\``, `did you mean \`${key}\`?`]], key);
    }
  }
  t.ok(keys >= 10, `${keys} keys`);
});

t.test("of two keys that are equally near, the one that must be there is meant", async (t) => {
  const service = 'version: 1\nservice: notes\nupstream: { url: "http://notes:8080" }\nrotes: { GET /health: public }\n';
  const loaded = load(t, { "sallyport.yaml": FILES.gateway, "services/notes.yaml": service }, { offline: true });
  const said = loaded.kind === "invalid" ? loaded.diagnostics.map(({ message, repair }) => [message, repair]) : [];
  t.strictSame(said, [["unknown key `rotes`", "did you mean `routes`?"]], "and not `roles`, which may be left out");
});

t.test("without the mistake the files are a policy", async (t) => {
  t.equal(load(t, { "sallyport.yaml": FILES.gateway, "services/notes.yaml": FILES.service }, { offline: true }).kind, "policy");
  t.ok(ROWS.length >= 40);
});

function shownOf({ line, column, excerpt, excerptColumn, width, message, repair }: Diagnostic): readonly unknown[] {
  const start = column - excerptColumn;
  return [line, excerpt.slice(start, start + width), message, repair];
}
