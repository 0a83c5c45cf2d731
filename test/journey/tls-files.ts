/** An authority and its certificates, made with the `openssl` command in a folder of the test's own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";

export interface Issued {
  /** Paths of PEM files. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export interface IssueWish {
  /** As OpenSSL's `-subj` has it: `/CN=name`. */
  readonly subject: string;
  /** As OpenSSL's `subjectAltName` has it: `DNS:localhost`. */
  readonly names?: string;
  readonly usage?: "serverAuth" | "clientAuth";
  /** Epoch milliseconds; a day around now where nothing is given. */
  readonly from?: number;
  readonly until?: number;
}

export interface Authority extends Issued {
  readonly issue: (wish: IssueWish) => Issued;
}

const DAY_MS = 86_400_000;
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const CONFIG = `[ca]
default_ca = it
[it]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
organizationName = optional
`;

/** A certificate authority of the test's own. */
export function makeAuthority(t: Test, name: string): Authority {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-authority-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: readonly string[]): unknown => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  writeFileSync(join(folder, "ca.conf"), CONFIG);
  writeFileSync(join(folder, "index.txt"), "");
  openssl("req", "-x509", ...NEW_KEY, "-days", "1", "-subj", `/CN=${name}`, "-keyout", "ca.key", "-out", "ca.crt");
  let count = 0;
  const issue = ({ subject, names, usage = "clientAuth", from = Date.now() - DAY_MS, until = Date.now() + DAY_MS }: IssueWish): Issued => {
    const file = `issued-${++count}`;
    openssl("req", "-new", ...NEW_KEY, "-subj", subject, "-keyout", `${file}.key`, "-out", `${file}.csr`);
    const extensions = [`extendedKeyUsage = ${usage}`, ...(names === undefined ? [] : [`subjectAltName = ${names}`])];
    writeFileSync(join(folder, `${file}.ext`), `${extensions.join("\n")}\n`);
    const term = ["-startdate", instant(from), "-enddate", instant(until)];
    const files = ["-in", `${file}.csr`, "-out", `${file}.crt`, "-extfile", `${file}.ext`, "-cert", "ca.crt", "-keyfile", "ca.key"];
    openssl("ca", "-batch", "-notext", "-preserveDN", "-config", "ca.conf", ...term, ...files);
    return issued(folder, file);
  };
  return { ...issued(folder, "ca"), issue };
}

/** A certificate for `localhost`, for the front door. */
export function doorCertificate(authority: Authority, wish: Partial<IssueWish> = {}): Issued {
  return authority.issue({ subject: "/CN=localhost", names: "DNS:localhost", usage: "serverAuth", ...wish });
}

function issued(folder: string, file: string): Issued {
  const [certFile, keyFile] = [join(folder, `${file}.crt`), join(folder, `${file}.key`)];
  return { certFile, keyFile, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}

/** UTC time as `openssl ca` reads it. */
function instant(epochMs: number): string {
  return `${new Date(epochMs).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`;
}
