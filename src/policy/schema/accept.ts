/** Findings of `sallyport check` that the operator has accepted. They change nothing that the gateway does. */
import * as z from "zod";
import { LINT_CODES } from "../../contract/lint-codes.ts";
import { shown } from "./example.ts";
import { block, list, words } from "./parts.ts";

const places = z.union([words.transform((text) => [text]), list(words)]).register(shown, { example: "GET /health" });

const acceptance = block({
  code: z.enum(LINT_CODES).describe("Code of the finding."),
  at: places.describe("Where it is found, or several such places: exactly as `check` writes it, `GET /health` or `upstream.verify`."),
  reason: words.describe("Why it is meant, for whoever reads the file next.").register(shown, { example: "balancers ask for it" }),
}).register(shown, { example: "{ code: L109, at: GET /health, reason: balancers ask for it }" });

export const accept = list(acceptance);
export type Acceptances = z.output<typeof accept>;
