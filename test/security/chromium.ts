/** A real browser without a window, driven over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/). */
import { spawn, type ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Test } from "tap";
import { WebSocket } from "ws";

/** Where the browser is; undefined when this machine has none. */
export const CHROMIUM = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => path !== undefined && existsSync(path),
);

export interface Page {
  /** Value of an expression in the page, a promise's where it is one. Rejects with what the page threw. */
  evaluate(expression: string): Promise<unknown>;
}

export interface Chromium {
  /** Opens a page and waits until it has loaded. */
  open(url: string): Promise<Page>;
}

/** A reply, which has the id of its call, or an event, which has a method. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-extensions",
  "--disable-background-networking",
  "--remote-debugging-port=0",
];

/** Starts a browser of its own profile; it is gone when the test ends. */
export async function startChromium(t: Test, path: string): Promise<Chromium> {
  const profile = mkdtempSync(join(tmpdir(), "sallyport-chromium-"));
  const browser = spawn(path, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
  t.teardown(async () => {
    await ended(browser);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  const socket = new WebSocket(await debuggerOf(browser));
  t.teardown(() => socket.terminate());
  await once(socket, "open");
  return connected(socket);
}

async function ended(browser: ChildProcess): Promise<void> {
  if (browser.exitCode !== null) return;
  browser.kill("SIGKILL");
  await once(browser, "exit");
}

/** The browser says on standard error where it listens. */
async function debuggerOf(browser: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: browser.stderr! })) {
    const [, url] = /^DevTools listening on (ws:\S+)$/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error("the browser ended before it listened");
}

function connected(socket: WebSocket): Chromium {
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  const loads = new EventEmitter();
  let lastId = 0;
  socket.on("message", (data: Buffer) => {
    const { id = 0, result = {}, error, method, sessionId = "" } = JSON.parse(data.toString()) as Message;
    if (error) waiting.get(id)?.reject(new Error(error.message));
    else waiting.get(id)?.resolve(result);
    if (method === "Page.loadEventFired") loads.emit(sessionId);
  });
  const call = (method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> => {
    const reply = Promise.withResolvers<Record<string, unknown>>();
    waiting.set((lastId += 1), reply);
    socket.send(JSON.stringify({ id: lastId, method, params, ...(sessionId !== undefined && { sessionId }) }));
    return reply.promise;
  };
  return {
    async open(url) {
      const { targetId } = await call("Target.createTarget", { url: "about:blank" });
      const session = String((await call("Target.attachToTarget", { targetId, flatten: true }))["sessionId"]);
      await call("Page.enable", {}, session);
      const loaded = once(loads, session);
      await call("Page.navigate", { url }, session);
      await loaded;
      return pageOf((method, params) => call(method, params, session));
    },
  };
}

function pageOf(call: (method: string, params: object) => Promise<Record<string, unknown>>): Page {
  return {
    async evaluate(expression) {
      const reply = await call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
      if (reply["exceptionDetails"] !== undefined) throw new Error(JSON.stringify(reply["exceptionDetails"]));
      return (reply["result"] as { readonly value?: unknown }).value;
    },
  };
}
