#!/usr/bin/env node
/**
 * The door: arguments → command. What needs a Node of today is loaded once that is known to be there, so that an
 * older one is told in a sentence: this file itself keeps to what any Node knows that loads modules.
 */
import module from "node:module";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Terminal } from "./cli/command.ts";

const LEAST_NODE = 24;

/**
 * What V8 made of the program's files, kept for the next start: beside its packages, where only those can write who can change
 * the program itself. Where that is nobody, as in a read-only container, what is there is used, or nothing.
 */
const COMPILED = new URL("../node_modules/.cache/sallyport", import.meta.url);

if (Number.parseInt(process.versions.node, 10) < LEAST_NODE) {
  process.stderr.write(`sallyport: Node ${LEAST_NODE} or later is needed, and this is Node ${process.versions.node}\n`);
  process.exitCode = 2;
} else {
  module.enableCompileCache(fileURLToPath(COMPILED));
  const argv = process.argv.slice(2);
  const [{ commandsFor }, { runCommand }] = await Promise.all([import("./cli/commands.ts"), import("./cli/command.ts")]);
  const terminal: Terminal = {
    out: (words) => void process.stdout.write(words),
    err: (words) => void process.stderr.write(words),
    environment: process.env,
    colour: process.stdout.isTTY && !process.env["NO_COLOR"],
    columns: process.stdout.columns ?? 80,
    readInput: () => text(process.stdin),
  };
  process.exitCode = await runCommand(await commandsFor(argv), argv, terminal);
}
