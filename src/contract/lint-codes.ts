/** The one table of findings: what in a policy that loads is probably not meant. Codes never change their meaning. */

/**
 * `error`: it cannot do what it says. `warning`: it works, and is probably not meant or not safe.
 * `information`: nothing is wrong; whoever reviews the policy should have seen it.
 */
export type LintLevel = "error" | "warning" | "information";

export interface LintEntry {
  readonly level: LintLevel;
  /** What is found, in the plural: heads a list of them. */
  readonly title: string;
  /** What can come of it. */
  readonly why: string;
  /** What to write instead, or when to accept it. */
  readonly instead: string;
}

export const LINT = {
  /* ── acceptances ──────────────────────────────────────────────────────── */
  L001: {
    level: "warning",
    title: "acceptances that accept nothing",
    why: "What was accepted is mended or renamed. The entry would accept it in silence if it came back.",
    instead: "Take the entry out of `accept:`, or correct its `at`, which must be written as `check` writes it.",
  },

  /* ── routes ───────────────────────────────────────────────────────────── */
  L101: {
    level: "error",
    title: "routes that nobody can call",
    why: "No caller of any authenticator that counts on the line can hold what the line needs, so that every request is refused. Most often a permission is misspelt, or granted by an authenticator that the line leaves out.",
    instead: "Correct the permission, grant it, or write `denied` where nobody shall pass.",
  },
  L102: {
    level: "warning",
    title: "permissions that nothing grants by name",
    why: "Whoever has `*` has it, and nobody else; without `*` it is an alternative that nobody has. That may be meant; it is also what a misspelt permission looks like.",
    instead: "Correct the permission or grant it, or accept it where only who has `*` shall pass.",
  },
  L103: {
    level: "warning",
    title: "routes that are hidden under one of their service's prefixes",
    why: "Under this prefix or host the path belongs to a longer prefix, so that the line is reached under the others alone.",
    instead: "Move the line to the service that has the longer prefix, or rename its first segments.",
  },
  L104: {
    level: "warning",
    title: "wildcard routes that ask for less than a route below them",
    why: "A more specific line wins for its own path alone. The same path with a slash at its end, and whatever lies below it, is met by the wildcard, which lets callers through whom the specific line refuses; many services answer `/admin/users/` as they do `/admin/users`.",
    instead: "Let the wildcard ask for as much, list the paths that it is for, or add `denied` lines for what must not go through it.",
  },
  L105: {
    level: "warning",
    title: "`encodedSlash: keep` beside routes that ask for more",
    why: "The gateway passes `a%2Fb` on as one segment. A service that decodes before it splits the path sees `a/b`, which another line of the table guards, and guards more closely.",
    instead: "Leave `encodedSlash` out, give both lines one rule, or accept it where the service is known to split before it decodes.",
  },
  L106: {
    level: "warning",
    title: "public routes that change something",
    why: "Anybody may call them, without a credential, as often as the limits by address let them.",
    instead: "Ask for `authenticated` or a permission, or accept it where strangers shall call, such as for a sign-in.",
  },
  L107: {
    level: "warning",
    title: "changes that ask for less than the reading of the same path",
    why: "The line that changes something is open to callers whom the GET of the same path refuses. One of the two is probably a slip.",
    instead: "Ask for a permission on the line that changes something, or accept it where that is meant.",
  },
  L108: {
    level: "warning",
    title: "query rules that keep the tenant out",
    why: "The service's `tenant.query` names the tenant by a parameter that this line refuses, so that nobody can name one here.",
    instead: "Let the parameter in: add it to `allow`, or take it out of `deny`.",
  },
  L109: {
    level: "information",
    title: "public routes",
    why: "Everybody may call them, and no credential is read.",
    instead: "Nothing, where that is meant.",
  },
  L110: {
    level: "information",
    title: "hosts that another service takes out of a pattern",
    why: "A service that names a host exactly has that host to itself: a pattern such as `{tenant}.example.com` of another service does not reach there, not even under another prefix.",
    instead: "Let the service with the pattern name that host too, where it shall be reached under it.",
  },

  /* ── permissions and roles ────────────────────────────────────────────── */
  L201: {
    level: "warning",
    title: "permissions that are granted and that nothing needs",
    why: "The grant gives nothing today, and something as soon as a route of that name appears. It is also what a misspelt grant looks like.",
    instead: "Correct it, or leave it out.",
  },
  L202: {
    level: "warning",
    title: "roles that nothing uses",
    why: "No authenticator takes its role from a claim or from an account, and none has this one.",
    instead: "Take the role out, or give it to an authenticator.",
  },
  L203: {
    level: "warning",
    title: "grants that the role cuts off",
    why: "A role caps what scopes, groups and secrets give. No role that the caller can have holds this permission, so that it never arrives.",
    instead: "Add the permission to the role, or take it out of the grant.",
  },
  L204: {
    level: "warning",
    title: "`crossTenant` words that grant nothing",
    why: "Whoever has this scope or group may ask for every tenant's data, and no line of `scopes` or `groups` knows it: it may be misspelt.",
    instead: "Write the scope or group as it stands in `scopes` or `groups`, or add it there.",
  },
  L205: {
    level: "warning",
    title: "authenticators that no route uses",
    why: "Every line is `public` or `denied`, or names other authenticators. The credential is still looked for, and takes part in `CREDENTIALS_AMBIGUOUS`.",
    instead: "Take the authenticator out, or name it in the routes that it is for.",
  },
  L206: {
    level: "warning",
    title: "authenticators whose callers can call nothing",
    why: "The credential is proved, and then no line is open to anybody who has it: it grants nothing that a line needs.",
    instead: "Give it `scopes`, `groups`, `access` or a `role`, or take it out.",
  },
  L207: {
    level: "warning",
    title: "shared authenticators that no service takes",
    why: "An authenticator of the gateway file counts only in services that name it with the word `shared`.",
    instead: "Take it out, or name it: `authenticators: { NAME: shared }`.",
  },

  /* ── trust ────────────────────────────────────────────────────────────── */
  L301: {
    level: "information",
    title: "tokens that count whichever client they were made for",
    why: "With `any` a token that the issuer made for another application opens this service too.",
    instead: "List the clients or audiences, unless every one that the issuer knows shall count.",
  },
  L302: {
    level: "warning",
    title: "secrets that stand in the file",
    why: "Whoever reads the file, its history or a copy of it has the secret.",
    instead:
      "Write a reference, such as `${SERVICE_TOKEN}` or `${file:/run/secrets/token}`, and make a new secret: the old one has been seen.",
  },
  L303: {
    level: "warning",
    title: "upstreams over http that may be far away",
    why: "Requests and identity headers travel in clear, and whoever sits between can change them. Loopback and private addresses, one-word names and names that end in `.internal`, `.local`, `.localhost` or `.svc` are not found.",
    instead: "Write an `https:` address.",
  },
  L304: {
    level: "warning",
    title: "upstreams whose certificate is not verified",
    why: "Anybody between the gateway and the service can stand in for it.",
    instead: "Leave `verify: off` out, and let the service have a certificate of an authority that the gateway's machine trusts.",
  },
  L305: {
    level: "warning",
    title: "origins over http",
    why: "Whoever sits between a browser and such a page can change the page, and call the service in its name.",
    instead: "Write the page's `https:` origin.",
  },
  L306: {
    level: "information",
    title: "pages that cannot send a credential",
    why: "Browsers send `authorization` or a key's header to another origin only where a preflight allows it, and `cors.headers` lists no header that carries a credential here. Every request that such a page makes to a route that is not public is refused.",
    instead: "Add the header: `headers: [authorization]`.",
  },
  L307: {
    level: "warning",
    title: "clients that stand for one tenant together",
    why: "Two values of an alias table lead to one tenant, so that each of the two sees the other's data. It may be meant, and it may be a line that was copied.",
    instead: "Give each its own tenant, or accept it where both belong to one customer.",
  },
  L308: {
    level: "warning",
    title: "an admin door beyond this machine",
    why: "The admin door speaks plain http; its tokens can be read on the way, and metrics need none.",
    instead: "Listen on `127.0.0.1`, or see that the network in front of it is private and accept it.",
  },
  L309: {
    level: "warning",
    title: "very wide networks in `trustProxy`",
    why: "Everybody in such a network can choose the address by which they are limited and let through.",
    instead: "List the addresses of the load balancers themselves.",
  },
  L310: {
    level: "information",
    title: "tokens that may live for longer than a day",
    why: "A token counts until it ends, whatever has become of its owner.",
    instead: "Leave `maxLifetime` out, and let the issuer make shorter ones.",
  },
  L311: {
    level: "information",
    title: "services that receive their callers' credentials",
    why: "A service that is told credentials or cookies can use them elsewhere in its callers' names, and so can whoever reads its log.",
    instead: "Leave `forward` out where the identity headers are enough.",
  },
  L312: {
    level: "warning",
    title: "secrets that have ended",
    why: "Their `until` has passed: whoever sends them is refused.",
    instead: "Take the entry out, or put a new secret in its place.",
  },
  L313: {
    level: "warning",
    title: "signed requests that nobody can check",
    why: "Signatures need the secrets of access keys, which are sealed in the store; without `stores.sealing` every signed request is answered with 503.",
    instead: "Set `stores.sealing` in the gateway file: `sealing: ${ACCESS_KEY_SEALING_SECRET}`.",
  },

  /* ── tenants ──────────────────────────────────────────────────────────── */
  L401: {
    level: "warning",
    title: "placeholders that look like a tenant and are not held against the caller",
    why: "The path names a tenant, by its look, and no `tenant:` block says so: any caller with the permission reaches any tenant's data.",
    instead: "Name the placeholder in the service's `tenant:` block, or rename it; accept it where it names something else.",
  },
  L402: {
    level: "information",
    title: "routes that let every tenant's data through",
    why: "With `tenant: unchecked` the caller's tenant is not held against the request.",
    instead: "Nothing, where the data belongs to no tenant or the service itself looks.",
  },
  L403: {
    level: "warning",
    title: "authenticators whose callers have no tenant",
    why: "The service has a `tenant:` block, and this authenticator neither says where its callers' tenants come from nor who may cross them: whoever names a tenant is refused.",
    instead: "Add `tenant:` or `crossTenant:` to the authenticator.",
  },
  L404: {
    level: "information",
    title: "tenants that no request is held against",
    why: "The authenticator names its callers' tenants, and the service has no `tenant:` block: the service is told the tenant and must look itself.",
    instead: "Add a `tenant:` block where requests name one.",
  },
  L405: {
    level: "information",
    title: "services where a request may leave its tenant out",
    why: "Requests can name their tenant in the query or in a header, and need not: one that names none passes, and the service is told a tenant only where the caller has a single one.",
    instead: "Add `required: true`, unless the service itself copes with requests that name none.",
  },

  /* ── limits and bounds ────────────────────────────────────────────────── */
  L501: {
    level: "warning",
    title: "limits that can never bind",
    why: "Whatever counts here counts in a wider place too, whose limit is used up first.",
    instead:
      "Make it tighter than the wider one, or leave it out. A limit that shall let more through has the name of the one it stands in for.",
  },
  L502: {
    level: "warning",
    title: "limits that count nothing",
    why: "No request can count there: no route has those methods or authenticators, or none that reads a credential.",
    instead: "Correct `methods` or `authenticators`, or leave the limit out.",
  },
  L503: {
    level: "information",
    title: "limits that let more through than the one they stand in for",
    why: "A limit of the same name at a nearer place replaces the farther one, here with a looser one.",
    instead: "Nothing, where that is meant.",
  },
  L504: {
    level: "information",
    title: "services without a brake on failed credentials",
    why: "Whoever tries secrets or keys may do so as fast as the machine answers.",
    instead: "Add one: `failures: { by: address, rate: 30/minute, of: failures }`.",
  },
  L505: {
    level: "warning",
    title: "bodies without a bound",
    why: "One caller can send as much as the service takes.",
    instead: "Write the largest that is meant: `max: 100MB`.",
  },
  L506: {
    level: "warning",
    title: "time-outs that are lifted",
    why: "A peer that stands still keeps its connection for good.",
    instead: "Write the longest that is meant, such as `idle: 5m`. `total: none` is the default, and not found.",
  },
} as const satisfies Record<string, LintEntry>;

export type LintCode = keyof typeof LINT;

/** All codes, in their order. */
export const LINT_CODES = Object.keys(LINT) as [LintCode, ...LintCode[]];
