/** A renewed certificate, and a changed shadow policy, reach every worker. Needs the `openssl` command. */
import { X509Certificate } from "node:crypto";
import { copyFileSync, renameSync } from "node:fs";
import { Agent } from "node:https";
import { join } from "node:path";
import t from "tap";
import { hasOpenssl } from "../forward/certificates.ts";
import { openRecorder } from "../forward/harness.ts";
import { freePorts, runProgram, writeFolder } from "../journey/child.ts";
import { startThingsIssuer, thingsFiles, until } from "../journey/things.ts";
import { askSecurely, serialSeen } from "../journey/tls-client.ts";
import { doorCertificate, makeAuthority, type Issued } from "../journey/tls-files.ts";
import { countedByEach } from "./program.ts";

const skip = hasOpenssl() ? false : "the `openssl` command is missing: renewal of certificates is NOT tested";
const COUNT = 3;

const serialOf = ({ cert }: Issued): string => new X509Certificate(cert).serialNumber;

t.test("handshakes with every worker are given the new one, and connections that are open go on", { skip }, async (t) => {
  const upstream = await openRecorder(t);
  const authority = makeAuthority(t, "Authority of the door");
  const [door, renewed] = [doorCertificate(authority), doorCertificate(authority)];
  const { environment } = await startThingsIssuer(t);
  const ports = await freePorts();
  const shape = { upstream: upstream.origin, rest: "routes: { GET /: public }", tls: "{ cert: tls.crt, key: tls.key }" };
  const folder = writeFolder(t, { ...countedByEach(thingsFiles(shape, ports)), "tls.crt": door.cert, "tls.key": door.key });
  const args = ["serve", "--config", "sallyport.yaml", "--workers", String(COUNT)];
  const program = runProgram(t, args, { folder, environment });
  await program.says('"msg":"serving"');
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  t.equal(await serialSeen(ports.front, authority, agent), serialOf(door));

  for (const [name, file] of [
    ["tls.crt", renewed.certFile],
    ["tls.key", renewed.keyFile],
  ] as const) {
    copyFileSync(file, join(folder, `${name}.new`));
    renameSync(join(folder, `${name}.new`), join(folder, name));
  }
  await program.says('"msg":"certificate loaded"');
  const seenByAll = async () => new Set(await Promise.all(Array.from({ length: COUNT * 3 }, () => serialSeen(ports.front, authority))));
  await until(async () => (await seenByAll()).size === 1);
  t.same(await seenByAll(), new Set([serialOf(renewed)]));
  t.equal((await askSecurely(ports.front, authority, "/", { agent })).status, 200);
  t.equal(program.log().filter(({ msg }) => msg === "certificate loaded").length, 1, "read once for all");
});
