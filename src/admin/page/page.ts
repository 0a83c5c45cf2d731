/** The admin page: one self-contained document. Only its own style and script run, and nothing in it parses markup from data. */
import { hash } from "node:crypto";
import { BODY } from "./body.ts";
import { DOM_SCRIPT } from "./dom-script.ts";
import { MAIN_SCRIPT } from "./main-script.ts";
import { POLICY_SCRIPT } from "./policy-script.ts";
import { REFUSALS_SCRIPT } from "./refusals-script.ts";
import { STATUS_SCRIPT } from "./status-script.ts";
import { STYLE } from "./style.ts";

export interface Page {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

export const PAGE: Page = makePage();

/** The parts share one strict scope of their own. */
function makePage(): Page {
  const script = `"use strict";\n{\n${[DOM_SCRIPT, STATUS_SCRIPT, POLICY_SCRIPT, REFUSALS_SCRIPT, MAIN_SCRIPT].join("\n")}\n}\n`;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sallyport admin</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
${BODY}
<script>${script}</script>
</body>
</html>
`;
  return { html, contentSecurityPolicy: contentSecurityPolicy(script) };
}

/** Trusted Types make the browser refuse markup from strings, should a later hand write `innerHTML`. */
function contentSecurityPolicy(script: string): string {
  return [
    "default-src 'none'",
    `script-src 'sha256-${hash("sha256", script, "base64")}'`,
    `style-src 'sha256-${hash("sha256", STYLE, "base64")}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}
