/** curl signs for itself (`--aws-sigv4`): an independent client, held against the registry's own way of signing. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import t from "tap";
import { SIGNER, startSigV4 } from "./sigv4-fixture.ts";

/** curl prints the body and then the status. */
async function curl(url: string, options: readonly string[], user = `${SIGNER.id}:${SIGNER.secret}`): Promise<string> {
  const args = ["--silent", "--write-out", " %{http_code}", "--aws-sigv4", "aws:amz:us-east-1:service", "--user", user, ...options, url];
  return (await promisify(execFile)("curl", args)).stdout;
}

t.test("S1 what curl signs is let through: paths, queries and bodies", async (t) => {
  const { sallyport, witness, clock } = await startSigV4(t, { hold: "1MB" });
  clock.now = Date.now();
  const at = (path: string): string => sallyport.url + path;
  t.equal(await curl(at("/a/b"), []), "heard 200");
  t.equal(await curl(at("/a?x=1&y=2"), []), "heard 200");
  t.equal(await curl(at("/a"), ["--header", "X-Thing: one two"]), "heard 200");
  witness.take();
  t.equal(await curl(at("/a"), ["--data", "name=value"]), "heard 200");
  t.equal(witness.take()[0]?.body, "name=value");
  t.match(await curl(at("/a"), [], `${SIGNER.id}:another-secret`), /SIGNATURE_INVALID.* 401$/);
  t.same(witness.take(), []);
});
