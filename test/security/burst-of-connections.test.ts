/** All clients come again at once, as after a restart: none waits for a second try of its handshake. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import t from "tap";
import { startGate } from "./gate.ts";

/** More than Node asks the kernel to let wait. */
const CONNECTIONS = 1_500;
const ALLOWED = Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
/** Whom the kernel turns away comes again after a second, as long as the process that listens does nothing. */
const CLIENT = `
  const { connect } = require("node:net");
  const [port, wanted] = process.argv.slice(1).map(Number);
  let open = 0;
  setTimeout(() => finish(1), 10_000);
  for (let number = 0; number < wanted; number++) connect(port, "127.0.0.1", () => ++open === wanted && finish(0));
  function finish(code) { process.stdout.write(String(open), () => process.exit(code)); }
`;

t.test("connections wait for a gateway that is busy, and are not turned away", { skip: tooFew() }, async (t) => {
  const gate = await startGate(t, { services: { shop: "routes: { GET /open: public }\n" } });
  // The gateway is in this process, and takes nothing while the client runs.
  const open = execFileSync(process.execPath, ["-e", CLIENT, String(gate.port), String(CONNECTIONS)], { encoding: "utf8" });
  t.equal(open, String(CONNECTIONS));
});

function tooFew(): string | false {
  return ALLOWED < CONNECTIONS && `the kernel lets ${ALLOWED} connections wait, and ${CONNECTIONS} are wanted (net.core.somaxconn)`;
}
