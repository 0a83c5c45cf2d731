/** What a command is, and how a line of arguments becomes a call of one. */
import type { ParseArgsConfig } from "node:util";
import { nearest } from "../policy/suggest.ts";
import { readArguments } from "./arguments.ts";
import { helpOf, overviewOf, usageOf } from "./help.ts";
import { fileNamed } from "./named-file.ts";
import { paragraph } from "./paragraph.ts";
import { version } from "./version.ts";

/** The world as a command sees it. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly colour: boolean;
  /** Width of the terminal in characters; 80 where it is no terminal. */
  readonly columns: number;
  /** Everything on standard input, as UTF-8. */
  readonly readInput: () => Promise<string>;
}

export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

export interface Command {
  /** One word, or two for a command of a group: `keys create`. */
  readonly name: string;
  /** What it does, without a capital and a full stop: `shows the route table`. */
  readonly summary: string;
  /** After the name: `[--json] METHOD URL`. */
  readonly usage: string;
  /** What each option means, one line each, and at least one example; no line over 80 characters. */
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** How many words may follow the options: [least, most]. */
  readonly positionals: readonly [number, number];
  /** Exit code: 0 done, 1 the answer is no. Throws UsageError for 2. */
  readonly run: (call: Call) => Promise<number> | number;
}

export interface Call {
  readonly values: OptionValues;
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
}

/** Wrong use: exit code 2, with the message and the command's usage line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Path of the gateway file that this call is about; of a folder, that of the `sallyport.yaml` in it. */
export function configPath(call: Call): string {
  const given = text(call, "config");
  return given === undefined ? "config/sallyport.yaml" : (fileNamed(given) ?? given);
}

/** Value of a string option; undefined where it was not given. */
export function text(call: Call, option: string): string | undefined {
  const value = call.values[option];
  return typeof value === "string" ? value : undefined;
}

/** Value of a string option that must be given. */
export function required(call: Call, option: string): string {
  const value = text(call, option);
  if (value === undefined || value === "") throw new UsageError(`--${option} is missing`);
  return value;
}

/** True where a flag was given. */
export function flag(call: Call, option: string): boolean {
  return call.values[option] === true;
}

/** Runs the command that `argv` (without node and script) names; the exit code is the answer. */
export async function runCommand(commands: readonly Command[], argv: readonly string[], terminal: Terminal): Promise<number> {
  const command = commandNamed(commands, argv);
  if (!command) return withoutCommand(commands, argv, terminal);
  const read = readArguments(command, argv.slice(command.name.split(" ").length));
  if (read.kind === "wrong") return refuse(command, read.message, terminal);
  if (read.values["help"]) {
    terminal.out(helpOf(command));
    return 0;
  }
  try {
    return await command.run({ ...read, terminal });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return refuse(command, error.message, terminal);
  }
}

/** Of the lines after the first of what is said of wrong use. */
const INDENT = 4;

function commandNamed(commands: readonly Command[], argv: readonly string[]): Command | undefined {
  return commands.find((command) => command.name.split(" ").every((word, index) => argv[index] === word));
}

function refuse(command: Command, message: string, terminal: Terminal): number {
  terminal.err(`${paragraph(`sallyport ${command.name}: ${message}`, terminal.columns, INDENT)}\n${usageOf(command)}\n`);
  return 2;
}

/** Asked for help, for the version, for a group of commands, or for what there is not. */
function withoutCommand(commands: readonly Command[], argv: readonly string[], terminal: Terminal): number {
  const [first = ""] = argv;
  if (first === "--version") {
    terminal.out(`${version()}\n`);
    return 0;
  }
  const group = commands.filter((command) => command.name.startsWith(`${first} `));
  const asksForHelp = ["help", "--help", "-h"].includes((group.length > 0 ? argv[1] : argv[0]) ?? "");
  const list = overviewOf(group.length > 0 ? group : commands);
  if (asksForHelp) terminal.out(list);
  else terminal.err(argv.length === 0 ? list : `sallyport: ${commandFault(commands, group, argv)}\n${list}`);
  return asksForHelp ? 0 : 2;
}

function commandFault(commands: readonly Command[], group: readonly Command[], argv: readonly string[]): string {
  const [first = "", second] = argv;
  if (first.startsWith("-")) return `the command comes first, and then its options: ${first} is no command`;
  if (group.length > 0 && second === undefined) return `${first} is a group of commands`;
  const asked = group.length > 0 ? `${first} ${second}` : first;
  const words = group.length > 0 ? group.map((command) => command.name) : commands.flatMap(({ name }) => [name, name.split(" ")[0]!]);
  const meant = nearest(asked, words);
  return `unknown command ${JSON.stringify(asked)}${meant === undefined ? "" : `; did you mean "${meant}"?`}`;
}
