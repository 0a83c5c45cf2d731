/** An upstream that is gone, slow, speaks nonsense or cannot be trusted, behind the whole gateway. */
import { execFileSync } from "node:child_process";
import https from "node:https";
import net from "node:net";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import t from "tap";
import { ask, listen, openRaw } from "../forward/harness.ts";
import { serveProgram, writeFolder } from "./child.ts";
import { startThings, thingsFiles } from "./things.ts";

async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const FORMATS: Readonly<Record<string, (status: number, code: string) => object>> = {
  problem: (status, code) => ({ type: "about:blank", status, code, decisionId: String }),
  detail: (status) => ({ detail: String, status_code: status }),
  envelope: () => ({ success: false, message: String }),
  coded: (_status, code) => ({ error: String, code, requestId: String }),
};

t.test("an upstream that is gone, slow or speaks nonsense is 502, 504, 502, in the service's own format", async (t) => {
  const slow = await openRaw(t, (socket) => socket.resume());
  const nonsense = await openRaw(t, (socket) => socket.once("data", () => socket.end("220 mail.example ESMTP\r\n")));
  const cases = [
    { what: "gone", upstream: `http://127.0.0.1:${await closedPort()}`, status: 502, code: "UPSTREAM_UNREACHABLE" },
    { what: "slow", upstream: slow.origin, status: 504, code: "UPSTREAM_TIMEOUT" },
    { what: "speaking nonsense", upstream: nonsense.origin, status: 502, code: "UPSTREAM_UNREACHABLE" },
  ];
  for (const [format, body] of Object.entries(FORMATS)) {
    for (const { what, upstream, status, code } of cases) {
      const rest = `errors: { format: ${format} }\ntimeouts: { headers: 100ms }\nroutes: { GET /x: public }`;
      const { port, sallyport } = await startThings(t, { upstream, rest });
      const answer = await ask(port, "/x");
      t.equal(answer.status, status, `${what}, ${format}`);
      t.match(JSON.parse(String(answer.body)), body(status, code));
      t.notMatch(String(answer.body), /127\.0\.0\.1|ECONN|HPE_|node:/, "no inner address, no cause");
      const logged = sallyport.log().find((line) => line["decision"] === answer.headers["x-decision-id"]);
      t.match(logged, { code, reason: /^upstream: / }, "the operator finds the cause");
    }
  }
});

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const skip = hasOpenssl() ? false : "the openssl command is missing: NOTHING of upstream TLS was shown";

t.test("an upstream's TLS is verified: 502 where nobody vouches for it, unless the file says `verify: off`", { skip }, async (t) => {
  const folder = writeFolder(t, {});
  const [key, cert] = [join(folder, "upstream.key"), join(folder, "upstream.crt")];
  const subject = ["-subj", "/CN=upstream", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "1",
      "-keyout",
      key,
      "-out",
      cert,
      ...subject,
    ],
    { stdio: "ignore" },
  );
  let reached = 0;
  const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
    reached += 1;
    response.end("over TLS");
  });
  const upstream = `https://127.0.0.1:${await listen(
    t,
    server.on("tlsClientError", () => {}),
  )}`;
  const rest = "routes: { GET /x: public }";
  const environment = { ISSUER: "https://issuer.example", JWKS: "http://127.0.0.1:1", ADMIN_TOKEN: "an-admin-token-of-some-length" };
  const answered = async (upstreamMore: string, more: Record<string, string> = {}): Promise<number> => {
    const program = await serveProgram(t, (ports) => thingsFiles({ upstream, upstreamMore, rest }, ports), { ...environment, ...more });
    return (await ask(program.ports.front, "/x")).status;
  };
  t.equal(await answered(""), 502);
  t.equal(reached, 0, "nothing was sent to it");
  t.equal(await answered("", { NODE_EXTRA_CA_CERTS: cert }), 200, "where the system vouches for it");
  t.equal(await answered("verify: off"), 200);
});
