#!/usr/bin/env node
/** The door: arguments → command. */
import { text } from "node:stream/consumers";
import { commands } from "./cli/commands.ts";
import { runCommand, type Terminal } from "./cli/command.ts";

const terminal: Terminal = {
  out: (words) => void process.stdout.write(words),
  err: (words) => void process.stderr.write(words),
  environment: process.env,
  colour: process.stdout.isTTY && !process.env["NO_COLOR"],
  columns: process.stdout.columns ?? 80,
  readInput: () => text(process.stdin),
};

process.exitCode = await runCommand(commands, process.argv.slice(2), terminal);
