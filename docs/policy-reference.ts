/** `docs/reference/policy.md` out of the schemas: every key, its type, its default, its meaning. */
import { jsonSchema, type JsonSchema } from "../src/policy/schema/json-schema.ts";

interface Section {
  readonly title: string;
  readonly rows: readonly string[];
}

/** The page as Markdown. */
export function policyReference(): string {
  const known = new Map<string, string>();
  const pages = (["gateway", "service", "tests"] as const).map((file) => {
    const sections = new Sections(known);
    sections.add(TOP[file].title, jsonSchema(file, { references: false }));
    return `## ${TOP[file].heading}\n\n${TOP[file].introduction}\n\n${sections.text()}`;
  });
  return `${INTRODUCTION}\n\n${pages.join("\n")}`;
}

const TOP = {
  gateway: {
    title: "Gateway file",
    heading: "The gateway file",
    introduction: "`config/sallyport.yaml`: one process, its doors, its stores, and what all services share.",
  },
  service: {
    title: "Service file",
    heading: "A service file",
    introduction: "`config/services/NAME.yaml`: one upstream system, who may call it, and its route table.",
  },
  tests: {
    title: "Test file",
    heading: "A test file",
    introduction: "`config/tests/NAME.yaml`: what the policy must say; see [Testing policies](../testing-policies.md).",
  },
};

const INTRODUCTION = `# Policy reference

Every key of the policy files. This page is generated from the schema; \`sallyport check\` holds files against the same one,
and editors complete keys from it where a file's first line names it:
\`# yaml-language-server: $schema=schema/gateway.schema.json\`.

Keys that are not listed here are errors. Keys in **bold** must be there.

**Values.** \`\${NAME}\` is a variable that must be set and not empty; \`\${NAME:-default}\` has a default; \`\${NAME?}\` drops the key
that holds it when it is unset, or the whole list item where it stands in one; \`\${file:/run/secrets/x}\` reads a file, without
the newline at its end. Inside \`[…]\` and \`{…}\` a reference is quoted. A value that is one reference and nothing else may stand
for a list, a number or \`true\`: typed, from the file that \`values:\` names, or as the text of an environment variable, where a
list is separated by commas. Environment variables come before \`values:\`.

**Units.** Durations \`500ms\`, \`2s\`, \`5m\`, \`24h\`, \`90d\`; sizes \`512KB\`, \`10MB\`, \`1GB\` (1 KB is 1024 bytes); rates \`N/second\`,
\`N/minute\`, \`N/hour\`, \`N/day\`; instants with their offset, \`2027-01-31T17:00:00Z\`.

**Limits** add up by name: gateway, service, route; at a nearer place the same name replaces it. Everything else in \`defaults:\` is
replaced whole by a service's block of that name. A route's \`body:\` and \`timeouts:\` replace single keys of its service's.

**Routes.** A key is \`METHOD /path\`. In a path \`{name}\` stands for one segment and a last \`{name...}\` for one or more. Paths count
from the service's prefix: \`GET /\` under \`/v2\` is \`/v2/\`. Paths are written decoded; case and a slash at the end matter. HEAD
follows GET. Two routes that match the same paths are an error, and so are two literals that differ only in case.
`;

/** Collects the blocks of a file; a block that was described before is linked. */
class Sections {
  readonly #sections: Section[] = [];
  /** Shape → title of its section. */
  readonly #known: Map<string, string>;

  constructor(known: Map<string, string>) {
    this.#known = known;
  }

  /** Adds the section of a map and of all maps in it. */
  add(title: string, schema: JsonSchema): void {
    const rows: string[] = [];
    this.#sections.push({ title, rows });
    for (const [key, value] of Object.entries(schema.properties ?? {})) {
      const part = value as JsonSchema;
      if (isUnavailable(part)) continue;
      const path = title.endsWith("file") ? key : `${title}.${key}`;
      const isRequired = schema.required?.includes(key) === true;
      rows.push(
        `| ${isRequired ? `**\`${key}\`**` : `\`${key}\``} | ${this.#type(part, path)} | ${defaultWords(part)} | ${cell(part.description ?? "")} |`,
      );
    }
  }

  text(): string {
    return this.#sections
      .map(({ title, rows }) => `### ${title}\n\n| key | type | default | meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`)
      .join("\n");
  }

  #type(schema: JsonSchema, path: string): string {
    const branches = schema.anyOf ?? schema.oneOf;
    if (branches) return branches.map((branch) => this.#type(branch, path)).join(" or ");
    if (schema.enum) return (schema.enum as unknown[]).map((word) => `\`${String(word)}\``).join(", ");
    if (schema.const !== undefined) return `\`${String(schema.const)}\``;
    if (schema.type === "array") return `list of ${this.#type(schema.items as JsonSchema, `${path}[]`)}`;
    if (schema.type === "object") return schema.properties ? this.#link(schema, path) : this.#record(schema, path);
    return schema.type === "string" ? (schema.title ?? "text") : (TYPES.get(String(schema.type)) ?? String(schema.type));
  }

  #record(schema: JsonSchema, path: string): string {
    const name = path === "routes" ? "`METHOD /path`" : "name";
    return `map of ${name} → ${this.#type(schema.additionalProperties as JsonSchema, `${path}.NAME`)}`;
  }

  #link(schema: JsonSchema, path: string): string {
    const { description: _, ...shape } = schema;
    const key = JSON.stringify(shape);
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, path);
      this.add(path, schema);
    }
    return `[map](#${anchor(known ?? path)})`;
  }
}

const TYPES = new Map([
  ["integer", "whole number"],
  ["boolean", "`true`, `false`"],
]);

function isUnavailable(schema: JsonSchema): boolean {
  return schema.not !== undefined;
}

function defaultWords({ default: fallback, unwritten }: JsonSchema): string {
  if (typeof unwritten === "string") return unwritten;
  if (fallback === undefined) return "";
  if (Array.isArray(fallback)) return fallback.length === 0 ? "none" : fallback.map((one) => `\`${String(one)}\``).join(", ");
  return `\`${JSON.stringify(fallback).replaceAll('"', "")}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** As Markdown renderers make it of a heading. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");
}
