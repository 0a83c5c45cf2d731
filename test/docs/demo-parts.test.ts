import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { PROGRAM } from "../journey/child.ts";

t.test("the issuer runs as a process of its own, and prints where its clients ask for tokens", async (t) => {
  const issuer = start(t, ["demo", "issuer", "--port", "0", "--gateway", "http://gateway.invalid"]);
  const text = await outputUntil(issuer, "sign in as a person of StackFlow");
  t.match(text, "http://gateway.invalid/v2/clients/sealink/", "the calls go to the gateway that was named");
  const [, address, client, secret] = /(http:\S+)\/oauth2\/token\n# +(\S+) +(\S+)/.exec(text) ?? [];
  const answer = await fetch(`${address}/oauth2/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  t.equal(answer.status, 200);
  t.same(await ended(issuer), [0, null]);
});

t.test("the stand-ins run as a process of their own", async (t) => {
  const standIns = start(t, ["demo", "stand-ins", "--pie-port", "0", "--registry-port", "0", "--stackflow-port", "0"]);
  const addresses = (await outputUntil(standIns, "StackFlow http")).match(/http:\/\/127\.0\.0\.1:\d+/g) ?? [];
  t.equal(addresses.length, 3);
  t.equal((await fetch(`${addresses[0]}/v2/health`)).status, 200);
  t.same(await ended(standIns), [0, null]);
});

t.test("a taken port is said in a line, with exit code 1", async (t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.teardown(() => taken.close());
  const issuer = start(t, ["demo", "issuer", "--port", String((taken.address() as AddressInfo).port)]);
  const [words, [code]] = await Promise.all([allOf(issuer.stderr), once(issuer, "exit")]);
  const { port } = taken.address() as AddressInfo;
  t.equal(words, `sallyport: port ${port} of 127.0.0.1 is taken by another program: end that one, or write another port as --port\n`);
  t.equal(code, 1);
});

t.test("a port that is none is wrong use", async (t) => {
  const standIns = start(t, ["demo", "stand-ins", "--pie-port", "70000"]);
  const [words, [code]] = await Promise.all([allOf(standIns.stderr), once(standIns, "exit")]);
  t.match(words, '--pie-port: "70000" is no port');
  t.equal(code, 2);
});

type Child = ChildProcess & { readonly stdout: NonNullable<ChildProcess["stdout"]>; readonly stderr: NonNullable<ChildProcess["stderr"]> };

function start(t: Test, args: readonly string[]): Child {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  t.teardown(() => child.kill("SIGKILL"));
  return child;
}

/** What the child has written once these words are among it, whatever their case. */
async function outputUntil(child: Child, words: string): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.toLowerCase().includes(words.toLowerCase())) return text;
  }
  throw new Error(`the process ended without these words: ${words}`);
}

async function allOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Exit code and signal after a SIGTERM. */
async function ended(child: Child): Promise<unknown[]> {
  child.stdout.resume();
  child.kill("SIGTERM");
  return once(child, "exit");
}
