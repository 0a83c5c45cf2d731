/** Certificate files of the front door: judged when the policy is loaded to serve, and told where they are named. Needs `openssl`. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import t, { type Test } from "tap";
import { loadPolicy } from "../../src/policy/load.ts";
import { hasOpenssl } from "../forward/certificates.ts";
import { writeFolder } from "../journey/child.ts";
import { doorCertificate, makeAuthority } from "../journey/tls-files.ts";

const skip = hasOpenssl() ? false : "the `openssl` command is missing: certificate files are NOT tested";
const DAY_MS = 86_400_000;
const SERVICE = "version: 1\nservice: shop\nupstream: { url: http://shop:8080 }\nroutes: { GET /goods: public }\n";

interface Told {
  readonly line: number;
  readonly message: string;
}

/** Loads a policy with this `tls:` block, its files judged at `at` (epoch milliseconds); `[]` where it is good. */
function diagnose(t: Test, tls: Readonly<Record<string, string>>, at: number | "never" = Date.now()): readonly Told[] {
  const lines = Object.entries(tls).map(([key, value]) => `    ${key}: ${value}`);
  const gateway = ["version: 1", "listen:", "  port: 0", "  tls:", ...lines, "services: [shop.yaml]", ""].join("\n");
  const folder = writeFolder(t, { "sallyport.yaml": gateway, "shop.yaml": SERVICE });
  const loaded = loadPolicy({ configPath: join(folder, "sallyport.yaml"), environment: {}, ...(at !== "never" && { certificatesAt: at }) });
  return loaded.kind === "policy" ? [] : loaded.diagnostics.map(({ line, message }) => ({ line, message }));
}

t.test("a certificate with its key is taken; one that has ended, or has not begun, is refused at its line", { skip }, async (t) => {
  const authority = makeAuthority(t, "Authority");
  const { certFile: cert, keyFile: key } = doorCertificate(authority);
  t.same(diagnose(t, { cert, key, clientCa: authority.certFile, clientCertificates: "require", minVersion: "1.3" }), []);
  t.match(diagnose(t, { cert, key }, Date.now() + 2 * DAY_MS), [{ line: 5, message: /expired on \d{4}-/ }]);
  t.match(diagnose(t, { cert, key }, Date.now() - 3 * DAY_MS), [{ line: 5, message: /is not valid before \d{4}-/ }]);
});

t.test("a key of another certificate is refused at its line, and so is one with a passphrase", { skip }, async (t) => {
  const authority = makeAuthority(t, "Authority");
  const [one, other] = [doorCertificate(authority), doorCertificate(authority)];
  t.match(diagnose(t, { cert: one.certFile, key: other.keyFile }), [{ line: 6, message: /is not the key of the certificate in/ }]);
  const sealed = join(writeFolder(t, {}), "sealed.key");
  execFileSync("openssl", ["pkcs8", "-topk8", "-in", one.keyFile, "-out", sealed, "-passout", "pass:open sesame"]);
  t.match(diagnose(t, { cert: one.certFile, key: sealed }), [{ line: 6, message: /holds no private key that can be read/ }]);
});

t.test("the door's own certificate comes first in its file", { skip }, async (t) => {
  const authority = makeAuthority(t, "Authority");
  const { cert, keyFile } = doorCertificate(authority);
  const folder = writeFolder(t, { "right.crt": `${cert}${authority.cert}`, "wrong.crt": `${authority.cert}${cert}` });
  t.same(diagnose(t, { cert: join(folder, "right.crt"), key: keyFile }), []);
  t.match(diagnose(t, { cert: join(folder, "wrong.crt"), key: keyFile }), [{ line: 6, message: /is not the key/ }]);
});

t.test("what OpenSSL would not serve is refused: a key that is too short", { skip }, async (t) => {
  const folder = writeFolder(t, {});
  const [cert, key] = [join(folder, "weak.crt"), join(folder, "weak.key")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "1", "-subj", "/CN=x", "-keyout", key, "-out", cert], {
    stdio: "ignore",
  });
  t.match(diagnose(t, { cert, key }), [{ line: 5, message: /cannot be used for TLS \(ERR_SSL_EE_KEY_TOO_SMALL\)/ }]);
});

t.test("for commands that serve nothing, and for a door that is open already, the files are not read", async (t) => {
  t.same(diagnose(t, { cert: "nowhere.crt", key: "nowhere.key" }, "never"), []);
  t.equal(diagnose(t, { cert: "nowhere.crt", key: "nowhere.key" }).length, 2);
});
