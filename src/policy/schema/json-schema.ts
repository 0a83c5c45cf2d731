/** The schemas as JSON Schema: for editors, and for the reference. */
import * as z from "zod";
import { gateway } from "./gateway.ts";
import { service } from "./service.ts";
import { tests } from "../tests/schema.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** A `${…}` may stand for a value of any type; editors must let it. */
const REFERENCE: JsonSchema = { type: "string", pattern: "^\\$\\{[^{}]+\\}$" };

const FILES = {
  gateway: { schema: gateway, title: "Sallyport gateway file" },
  service: { schema: service, title: "Sallyport service file" },
  tests: { schema: tests, title: "Sallyport test file" },
} as const;

/** Schema of one of the files; `references`: a `${…}` passes wherever something else than a text stands. */
export function jsonSchema(file: keyof typeof FILES, { references }: { readonly references: boolean }): JsonSchema {
  const { title } = FILES[file];
  const schema = z.toJSONSchema(FILES[file].schema, { io: "input", target: "draft-7", override: giveBackDefaults });
  return { title, ...(references ? (tellBranchesApart(letReferencesPass(schema)) as JsonSchema) : schema) };
}

/** The library leaves out what a transformed value's file would say; here these are what a file says. */
function giveBackDefaults({ zodSchema, jsonSchema: made }: { zodSchema: z.core.$ZodTypes; jsonSchema: JsonSchema }): void {
  const about = z.globalRegistry.get(zodSchema);
  if (about?.["default"] !== undefined) made.default = about["default"];
  if (Array.isArray(about?.["examples"]) && about["examples"].length > 0) made.examples = about["examples"];
}

/**
 * Of the branches that miss, an editor shows the one that misses least, which for a misspelt key of a map is the text
 * that might stand there instead. So the map is asked for by its type.
 */
function tellBranchesApart(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(tellBranchesApart);
  if (typeof part !== "object" || part === null) return part;
  const told = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, tellBranchesApart(value)])) as JsonSchema;
  const { anyOf, ...rest } = told;
  // a key of a map may have this name too
  if (!Array.isArray(anyOf)) return told;
  const others = anyOf.filter(({ type }) => type !== "object");
  const [map, another] = anyOf.filter(({ type }) => type === "object");
  const [other] = others;
  if (map === undefined || another !== undefined || other === undefined) return told;
  const examples = others.flatMap(examplesOf);
  return {
    ...rest,
    // what is offered where nothing stands yet is not looked for in `else`
    ...(examples.length > 0 && { examples }),
    if: { type: "object" },
    else: others.length === 1 ? other : { anyOf: others },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema, and no promise's
    then: map,
  };
}

function examplesOf({ examples, const: only, enum: words }: JsonSchema): readonly unknown[] {
  return only === undefined ? [...(words ?? []), ...(Array.isArray(examples) ? examples : [])] : [only];
}

function letReferencesPass(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(letReferencesPass);
  if (typeof part !== "object" || part === null) return part;
  const { unwritten, ...shown } = part as JsonSchema;
  if (typeof unwritten === "string") shown.description = `${shown.description} Without it: ${unwritten}.`;
  const copy = Object.fromEntries(
    Object.entries(shown).map(([key, value]) => [key, key === "default" || key === "examples" ? value : letReferencesPass(value)]),
  );
  return isClosed(copy) ? withReference(copy) : copy;
}

/** Whether the schema's own type keeps a text out. */
function isClosed(schema: JsonSchema): boolean {
  return (
    schema.type === "array" ||
    schema.type === "integer" ||
    schema.type === "number" ||
    schema.type === "boolean" ||
    (schema.type === "string" && schema.enum !== undefined)
  );
}

function withReference({ title, description, default: fallback, ...own }: JsonSchema): JsonSchema {
  const about = {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
  };
  return own.const === undefined ? { ...about, anyOf: [own, REFERENCE] } : { ...about, ...own };
}
