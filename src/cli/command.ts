/** What a command is, and how a line of arguments becomes a call of one. */
import { parseArgs, type ParseArgsConfig } from "node:util";

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
  readonly summary: string;
  /** After the name: `[--json] METHOD URL`. */
  readonly usage: string;
  /** What each option means, one line each, and at least one example. */
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

const COMMON = { config: { type: "string" }, help: { type: "boolean" } } as const;

/** Path of the gateway file that this call is about. */
export function configPath(call: Call): string {
  return text(call, "config") ?? "config/sallyport.yaml";
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
  const command = findCommand(commands, argv);
  if (!command) return unknownCommand(commands, argv, terminal);
  const rest = argv.slice(command.name.split(" ").length);
  try {
    const parsed = parse(command, rest);
    if (parsed.values["help"]) {
      terminal.out(helpOf(command));
      return 0;
    }
    checkCount(command, parsed.positionals);
    return await command.run({ ...parsed, terminal });
  } catch (error) {
    if (!isUsageError(error)) throw error;
    terminal.err(`sallyport ${command.name}: ${error.message}\nusage: sallyport ${command.name} ${command.usage}\n`);
    return 2;
  }
}

function findCommand(commands: readonly Command[], argv: readonly string[]): Command | undefined {
  return commands.find((command) => command.name.split(" ").every((word, index) => argv[index] === word));
}

function parse(command: Command, args: readonly string[]): { values: OptionValues; positionals: string[] } {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { ...COMMON, ...command.options },
    allowPositionals: true,
    strict: true,
  });
  return { values, positionals };
}

function checkCount(command: Command, positionals: readonly string[]): void {
  const [least, most] = command.positionals;
  if (positionals.length < least) throw new UsageError("something is missing");
  if (positionals.length > most) throw new UsageError(`unexpected argument "${positionals[most]}"`);
}

/** `parseArgs` reports wrong use with its own error codes. */
function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");
}

function unknownCommand(commands: readonly Command[], argv: readonly string[], terminal: Terminal): number {
  const asked = argv[0];
  if (asked === "--help" || asked === "help") {
    terminal.out(overview(commands));
    return 0;
  }
  const group = commands.filter((command) => command.name.startsWith(`${asked} `));
  if (group.length > 0 && argv[1] === "--help") {
    terminal.out(overview(group));
    return 0;
  }
  terminal.err(
    asked === undefined
      ? overview(commands)
      : `sallyport: unknown command "${argv.slice(0, group.length > 0 ? 2 : 1).join(" ")}"\n${overview(group.length > 0 ? group : commands)}`,
  );
  return 2;
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return `usage: sallyport COMMAND [--config FILE] …\n\n${lines.join("\n")}\n\nsallyport COMMAND --help tells more.\n`;
}

/** The text of `COMMAND --help`; also the source of the command reference. */
export function helpOf(command: Command): string {
  return `${command.summary}\n\nusage: sallyport ${command.name} ${command.usage}\n\n${command.help.trimEnd()}\n`;
}
