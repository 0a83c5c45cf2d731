/** A shadow policy is asked in every worker, and follows its files in all of them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ask, openRecorder } from "../forward/harness.ts";
import { freePorts, runProgram, writeFolder } from "../journey/child.ts";
import { startThingsIssuer, thingsFiles } from "../journey/things.ts";
import { countedByEach } from "./program.ts";

const COUNT = 2;
const OPEN = "routes: { GET /open: public }";

t.test("differences are told by each worker, until the shadow policy has none any more", async (t) => {
  const upstream = await openRecorder(t);
  const { environment } = await startThingsIssuer(t);
  const ports = await freePorts();
  const files = countedByEach(thingsFiles({ upstream: upstream.origin, rest: OPEN }, ports));
  const folder = writeFolder(t, files);
  mkdirSync(join(folder, "shadow/services"), { recursive: true });
  const shadowed = (rest: string) => {
    const shadow = countedByEach(thingsFiles({ upstream: upstream.origin, rest }, ports));
    for (const [path, text] of Object.entries(shadow)) writeFileSync(join(folder, "shadow", path), text);
  };
  shadowed("routes: { GET /open: authenticated }");
  const args = ["serve", "--config", "sallyport.yaml", "--workers", String(COUNT), "--shadow", "shadow"];
  const program = runProgram(t, args, { folder, environment });
  await program.says('"msg":"serving"');
  t.match(
    program.log().find(({ msg }) => msg === "serving"),
    { shadowPolicy: /^[0-9a-f]{12}$/ },
  );
  const different = () => program.log().filter(({ shadow }) => shadow !== undefined);
  for (let count = 0; count < 4; count += 1) await ask(ports.front, "/open");
  await program.says(/"worker":1.*"shadow":[^]*"worker":2.*"shadow":|"worker":2.*"shadow":[^]*"worker":1.*"shadow":/);

  shadowed(OPEN);
  await program.says('"msg":"shadow policy loaded"');
  const metrics = async () => String((await ask(ports.admin, "/metrics")).body);
  const same = /^sallyport_shadow_decisions_total\{.*result="same"\} ([0-9]+)$/m;
  // It goes from process to process: a worker may be a request late.
  while (Number(same.exec(await metrics())?.[1] ?? 0) < COUNT) await ask(ports.front, "/open");
  const told = different().length;
  for (let count = 0; count < 4; count += 1) await ask(ports.front, "/open");
  t.match(await metrics(), /^sallyport_shadow_policy_info\{revision="[0-9a-f]+"\} 1$/m);
  t.equal(different().length, told);
});
