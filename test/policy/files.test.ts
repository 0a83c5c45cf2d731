/** What the files of a policy may be: nothing in them or about them makes loading throw. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadPolicy } from "../../src/policy/load.ts";
import { GATEWAY, load, loadFolder, mistakes, policyOf, ROUTES, SHOP, writeFiles } from "./fixtures.ts";

const GOOD = SHOP + ROUTES;

t.test("a gateway file that is missing, a folder, or none at all is refused in so many words", async (t) => {
  const folder = writeFiles(t, {});
  const of = (configPath: string) => mistakes(loadPolicy({ configPath, environment: {} }));
  t.match(of(join(folder, "other.yaml")), [/other\.yaml` does not exist/]);
  t.match(of(folder), [/is a folder, not a file/]);
  t.match(of(join(folder, "sallyport.yaml", "x")), [/does not exist/]);
});

const UNREADABLE: Readonly<Record<string, [Uint8Array | string, RegExp]>> = {
  "with a NUL byte": [`${GOOD}\0`, /NUL byte/],
  "of bytes that are no UTF-8": [Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe, 0x0a]), /not valid UTF-8/],
  "in UTF-16": [Buffer.from(`\ufeff${GOOD}`, "utf16le"), /UTF-16/],
  "larger than 4 MB": [`${GOOD}${"# filling\n".repeat(450_000)}`, /larger than 4 MB/],
  "that is empty": ["", /is empty/],
  "of comments only": ["# nothing\n", /is empty/],
};

for (const [name, [content, expected]] of Object.entries(UNREADABLE)) {
  t.test(`a file ${name} is refused`, async (t) => {
    t.match(mistakes(load(t, { "services/shop.yaml": content })), [expected]);
  });
}

t.test("a named pipe is refused and does not hold the start up", async (t) => {
  const folder = writeFiles(t, { "services/shop.yaml": GOOD });
  execFileSync("mkfifo", [join(folder, "services/pipe.yaml")]);
  t.match(mistakes(loadFolder(folder)), [/is no plain file/]);
});

t.test("a byte order mark and Windows line ends change nothing", async (t) => {
  const text = `\ufeff${GOOD}`.replaceAll("\n", "\r\n");
  t.equal(policyOf(load(t, { "services/shop.yaml": text })).services[0]!.routes[0]!.source.line, 9);
  const broken = `\ufeff${SHOP}routes:\n  GET /orders: Orders.Read\n`.replaceAll("\n", "\r\n");
  t.match(mistakes(load(t, { "services/shop.yaml": broken })), [/^9:16 a permission is/]);
});

const HOSTILE: Readonly<Record<string, string>> = {
  "ten thousand opening brackets": "[".repeat(10_000),
  "ten thousand closing brackets": `a: ${"}".repeat(10_000)}`,
  "two thousand levels of blocks": Array.from({ length: 2000 }, (_, level) => `${" ".repeat(level)}a:\n`).join(""),
  "ten thousand question marks": "? ".repeat(10_000),
  "keys of a prototype": "constructor: 1\ntoString: 2\nhasOwnProperty: 3\n",
};

for (const [name, text] of Object.entries(HOSTILE)) {
  t.test(`${name} are refused, and nothing is thrown`, async (t) => {
    t.not(mistakes(load(t, { "services/shop.yaml": text })).length, 0);
    t.equal(({} as Record<string, unknown>)["scopes"], undefined);
  });
}

t.test("no line that is lost, doubled or cut short makes loading throw", async (t) => {
  const lines =
    `${SHOP}tenant: { path: id }\nlimits:\n  all: { by: caller, rate: 10/minute }\nroutes:\n  GET /orders/{id}: { access: orders.read, from: [10.0.0.0/8] }\n`.split(
      "\n",
    );
  const folder = writeFiles(t, { "services/shop.yaml": "" });
  for (const [index, line] of lines.entries()) {
    for (const change of [[], [line, line], [line.slice(0, line.length / 2)], [`${line}: [`], [`  ${line}`], [line.replaceAll(":", "")]]) {
      writeFileSync(join(folder, "services/shop.yaml"), lines.with(index, change.join("\n")).join("\n"));
      const loaded = loadFolder(folder);
      t.ok(
        loaded.kind === "policy" || loaded.diagnostics.every((one) => one.line > 0 && one.column > 0 && one.width > 0),
        `line ${index + 1}`,
      );
    }
  }
});

/* ── aliases ──────────────────────────────────────────────────────────── */

t.test("aliases that bring more than a person writes are refused before they are read", async (t) => {
  const many = Array.from({ length: 2_000 }, (_, index) => `o${index}.x`).join(", ");
  const uses = Array.from({ length: 50 }, (_, index) => `  r${index}: *all`).join("\n");
  const folder = writeFiles(t, { "services/shop.yaml": `x: &all [${many}]\nroles:\n${uses}\n${GOOD}` });
  t.match(mistakes(loadFolder(folder)).join("\n"), "aliases bring more than 20000 values into this file");
});

/* ── links ────────────────────────────────────────────────────────────── */

t.test("a link that leads out of the folder is refused", async (t) => {
  const outside = writeFiles(t, { "shop.yaml": GOOD });
  const folder = writeFiles(t, { "services/.keep": "" });
  symlinkSync(join(outside, "shop.yaml"), join(folder, "services/shop.yaml"));
  t.match(mistakes(loadFolder(folder)), [/link that leads out/]);
  rmSync(join(folder, "services"), { recursive: true });
  mkdirSync(join(outside, "services"));
  writeFileSync(join(outside, "services/shop.yaml"), GOOD);
  symlinkSync(join(outside, "services"), join(folder, "services"));
  t.match(mistakes(loadFolder(folder)), [/link that leads out/], "a folder's link too");
});

t.test("a link to nothing is told from a file that is not there", async (t) => {
  const folder = writeFiles(t, { "services/.keep": "" });
  symlinkSync("nothing.yaml", join(folder, "services/shop.yaml"));
  t.match(mistakes(loadFolder(folder)), [/shop.yaml` is a link that leads nowhere/]);
});

t.test("the folder itself may be a link", async (t) => {
  const folder = writeFiles(t, { "services/shop.yaml": GOOD });
  const link = `${folder}-link`;
  symlinkSync(folder, link);
  t.teardown(() => rmSync(link));
  t.equal(policyOf(loadFolder(link)).services.length, 1);
});

t.test("the links of a Kubernetes ConfigMap lead where they should", async (t) => {
  const folder = writeFiles(t, { "services/.keep": "" });
  for (const [place, name, text] of [
    ["", "sallyport.yaml", GATEWAY],
    ["services", "shop.yaml", GOOD],
  ] as const) {
    const mount = join(folder, place);
    rmSync(join(mount, name), { force: true });
    mkdirSync(join(mount, "..2026_11_21"));
    writeFileSync(join(mount, "..2026_11_21", name), text);
    symlinkSync("..2026_11_21", join(mount, "..data"));
    symlinkSync(join("..data", name), join(mount, name));
  }
  const before = loadFolder(folder);
  t.same(
    policyOf(before).services.map((service) => service.name),
    ["shop"],
  );

  mkdirSync(join(folder, "services/..2026_11_22"));
  writeFileSync(join(folder, "services/..2026_11_22/shop.yaml"), GOOD.replace("service: shop", "service: store"));
  symlinkSync("..2026_11_22", join(folder, "services/..data_tmp"));
  renameSync(join(folder, "services/..data_tmp"), join(folder, "services/..data"));
  const after = loadFolder(folder);
  t.same(
    policyOf(after).services.map((service) => service.name),
    ["store"],
  );
  t.same(after.files, before.files, "the same files are watched");
});

t.test("files are included in the order of their names, hidden ones not at all, and each once", async (t) => {
  const service = (name: string) =>
    `version: 1\nservice: ${name}\nprefix: /${name}\nupstream: { url: "http://${name}" }\nroutes:\n  GET /: public\n`;
  const files = {
    "sallyport.yaml": `${GATEWAY}  - services/b*.yaml\n`,
    "services/b.yaml": service("b"),
    "services/a.yaml": service("a"),
    "services/.c.yaml": service("c"),
    "services/d.yml": service("d"),
    "services/deep/e.yaml": service("e"),
  };
  t.same(
    policyOf(load(t, files)).services.map((one) => one.name),
    ["a", "b"],
  );
});

/* ── revision ─────────────────────────────────────────────────────────── */

t.test("the revision changes with a file or a value, and with nothing else", async (t) => {
  const files = { "services/shop.yaml": SHOP.replace("http://shop:8080", "${URL}") + ROUTES };
  const revision = (content: typeof files, URL: string) =>
    policyOf(load(t, content, { environment: { URL, OTHER: String(Math.random()) } })).revision;
  const first = revision(files, "http://a");
  t.match(first, /^[0-9a-f]{12}$/);
  t.equal(revision(files, "http://a"), first, "another folder, another environment beside it");
  t.not(revision(files, "http://b"), first);
  t.not(revision({ "services/shop.yaml": `${files["services/shop.yaml"]}# changed\n` }, "http://a"), first);
});
