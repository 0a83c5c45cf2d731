/** No route of ours has a schema of the framework's: what would compile one is a third of what the framework loads, and stays unread. */
export const NO_SCHEMAS = { compilersFactory: { buildValidator: compilesNone, buildSerializer: compilesNone } };

function compilesNone(): never {
  throw new Error("a route has a schema");
}
