/** The pages of the issuer: self-contained, and without a script where none is needed. */
import { sha256 } from "./secrets.ts";
import type { Person } from "./pool-options.ts";
import type { Pool, PersonTokens } from "./pool.ts";
import { STYLE } from "./style.ts";

export interface Page {
  readonly html: string;
  /** The part of a Content-Security-Policy that lets the page's own style and script in. */
  readonly sources: string;
}

export interface SignInForm {
  readonly pool: Pool;
  /** Query of the authorization request, which the form sends along. */
  readonly query: string;
  readonly csrf: string;
  /** Username of an attempt that has just failed. */
  readonly failed: string | undefined;
}

/** The sign-in form, with the people of the pool to choose from. */
export function signInPage({ pool, query, csrf, failed }: SignInForm): Page {
  const chosen = failed ?? pool.people[0]?.username;
  const alert = failed === undefined ? "" : `<p class="alert" role="alert">That is not the password of this person.</p>`;
  return page(
    "Sign in",
    `<h1>Sign in</h1>
<p class="quiet">Pool <code>${escape(pool.id)}</code></p>
${alert}
<form method="post" action="/${escape(pool.id)}/login?${escape(query)}">
<input type="hidden" name="_csrf" value="${escape(csrf)}">
<fieldset><legend>Who are you?</legend>
${pool.people.map((person) => personChoice(person, person.username === chosen)).join("\n")}
</fieldset>
<label class="field" for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="off" required autofocus>
<button type="submit">Sign in</button>
</form>
<p class="quiet">These people are made up. Their passwords stand in the terminal where the demo was started.</p>`,
  );
}

function personChoice(person: Person, checked: boolean): string {
  const facts = [...person.groups, ...Object.entries(person.custom).map(([name, value]) => `${name}: ${value}`)];
  const badges = facts.map((fact) => `<span class="badge">${escape(fact)}</span>`).join(" ");
  return `<label class="person"><input type="radio" name="username" value="${escape(person.username)}"${checked ? " checked" : ""}>
<span class="who"><strong>${escape(person.username)}</strong> <span class="quiet">${escape(person.email)}</span></span><span class="badges">${badges}</span></label>`;
}

const COPY_SCRIPT = `document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copies]");
  if (!button) return;
  const token = document.getElementById(button.dataset.copies);
  token.select();
  button.textContent = await navigator.clipboard.writeText(token.value).then(() => "Copied", () => "Press Ctrl+C");
});`;

/** The tokens of a sign-in, to look at and to copy. */
export function tokensPage(pool: Pool, tokens: PersonTokens): Page {
  return page(
    "Your tokens",
    `<h1>Your tokens</h1>
<p class="quiet">Pool <code>${escape(pool.id)}</code>. Code and PKCE went their way; this is what came of it.</p>
${tokenBlock("id-token", "ID token", tokens.idToken)}
${tokenBlock("access-token", "Access token", tokens.accessToken)}
<p><a href="/${escape(pool.id)}/logout">Sign out</a></p>`,
    COPY_SCRIPT,
  );
}

function tokenBlock(id: string, title: string, token: string): string {
  const claims = JSON.stringify(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()), undefined, 2);
  return `<section><div class="row"><label for="${id}"><strong>${title}</strong></label><button type="button" class="small" data-copies="${id}">Copy</button></div>
<textarea id="${id}" readonly rows="4" spellcheck="false">${escape(token)}</textarea>
<details><summary>What it says</summary><pre>${escape(claims)}</pre></details></section>`;
}

/** A page that says one thing. */
export function messagePage(title: string, message: string): Page {
  return page(title, `<h1>${escape(title)}</h1>\n<p>${escape(message)}</p>`);
}

function page(title: string, body: string, script?: string): Page {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} · Sallyport demo</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="brand"><span aria-hidden="true" class="gate"></span>Sallyport demo</p>
${body}
</main>
${script === undefined ? "" : `<script>${script}</script>`}
</body>
</html>
`;
  const scripts = script === undefined ? "" : `; script-src 'sha256-${sha256(script).toString("base64")}'`;
  return { html, sources: `img-src data:; style-src 'sha256-${sha256(STYLE).toString("base64")}'${scripts}` };
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES.get(character) ?? "");
}
