import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parseAllDocuments } from "yaml";
import { formatDiagnostic } from "../../src/policy/diagnostic.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { markdownFiles, readMarkdown, type Block } from "./fixtures/markdown.ts";

const blocks = markdownFiles().flatMap((file) => file.blocks);
const GATEWAY = "version: 1\nlisten: { port: 8080 }\nservices: [service.yaml]\n";

t.test("every YAML block in the documents parses", (t) => {
  const yaml = blocks.filter(({ language }) => language === "yaml");
  t.ok(yaml.length > 15, "the blocks were found");
  for (const { place, text } of yaml) {
    const documents = parseAllDocuments(text);
    const faults = Array.isArray(documents) ? documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]) : [];
    t.same(
      faults.map(({ message }) => message),
      [],
      place,
    );
  }
  t.end();
});

t.test("every JSON block in the documents parses", (t) => {
  const json = blocks.filter(({ language }) => language === "json");
  t.ok(json.length > 0, "the blocks were found");
  for (const { place, text } of json) {
    for (const line of text.split("\n")) t.type(JSON.parse(line), Object, place);
  }
  t.end();
});

t.test("every whole service file in the documents loads", (t) => {
  const services = blocks.filter(isServiceFile);
  t.ok(services.length > 7, "the blocks were found");
  for (const { place, text } of services.filter((block) => !usesShared(block))) {
    t.equal(mistakes(t.testdir({ "sallyport.yaml": GATEWAY, "service.yaml": text })), "", place);
  }
  t.end();
});

t.test("every whole gateway file in the documents loads, with services in place of those that it names", (t) => {
  const gateways = blocks.filter(isGatewayFile);
  t.ok(gateways.length > 2, "the blocks were found");
  for (const { place, text } of gateways) {
    const folder = t.testdir({ "sallyport.yaml": text, "notes.yaml": noteService("notes") });
    mkdirSync(join(folder, "services"));
    writeFileSync(join(folder, "services/other.yaml"), noteService("other"));
    t.equal(mistakes(folder), "", place);
  }
  t.end();
});

t.test("the README's own service loads as it stands, with its two secrets set", (t) => {
  const [gateway, service] = readMarkdown("README.md").blocks.filter(({ language }) => language === "yaml");
  const folder = t.testdir({ "sallyport.yaml": gateway!.text, "notes.yaml": service!.text });
  const loaded = loadPolicy({
    configPath: join(folder, "sallyport.yaml"),
    environment: { NOTES_TOKEN: "0123456789abcdef0123456789abcdef", EDITOR_TOKEN: "fedcba9876543210fedcba9876543210" },
  });
  t.equal(loaded.kind, "policy");
  t.end();
});

t.test("what the shared authenticators' example says loads together", (t) => {
  const page = readMarkdown("docs/writing-policies.md").blocks;
  const gateway = page.find((block) => isGatewayFile(block));
  const service = page.find((block) => isServiceFile(block) && usesShared(block));
  const folder = t.testdir({ "sallyport.yaml": gateway!.text, services: { "notes.yaml": service!.text } });
  t.equal(mistakes(folder), "");
  t.end();
});

t.test("the policies in the documents' ConfigMaps load", (t) => {
  const manifests = blocks.filter(({ language, text }) => language === "yaml" && text.includes("kind: ConfigMap"));
  t.ok(manifests.length > 0, "the blocks were found");
  for (const { place, text } of manifests) {
    const documents = parseAllDocuments(text).map((document) => document.toJS() as { kind: string; data?: Record<string, string> });
    for (const { data } of documents.filter(({ kind }) => kind === "ConfigMap")) t.equal(mistakes(t.testdir(data ?? {})), "", place);
  }
  t.end();
});

/** Every mistake of the policy in this folder; secrets need not be there. */
function mistakes(folder: string): string {
  const loaded = loadPolicy({ configPath: join(folder, "sallyport.yaml"), environment: {}, offline: true });
  if (loaded.kind === "policy") return "";
  return loaded.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, { colour: false })).join("\n");
}

function noteService(name: string): string {
  return `version: 1\nservice: ${name}\nprefix: /${name}\nupstream: { url: "http://127.0.0.1:3000" }\nroutes:\n  GET /health: public\n`;
}

function isServiceFile({ language, text }: Block): boolean {
  return language === "yaml" && /^version: 1$/m.test(text) && /^service:/m.test(text) && /^routes:/m.test(text);
}

function isGatewayFile({ language, text }: Block): boolean {
  return language === "yaml" && /^version: 1$/m.test(text) && /^services:/m.test(text) && /^listen:/m.test(text);
}

function usesShared({ text }: Block): boolean {
  return text.includes(": shared");
}
