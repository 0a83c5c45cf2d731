/** The words after a command's name → options and positionals, or what is wrong with them. */
import { parseArgs } from "node:util";
import { nearest } from "../policy/suggest.ts";
import type { Command, OptionValues } from "./command.ts";
import { positionalNames } from "./help.ts";
import { fileNamed } from "./named-file.ts";

export type Arguments =
  | { readonly kind: "read"; readonly values: OptionValues; readonly positionals: readonly string[] }
  | { readonly kind: "wrong"; readonly message: string };

type Options = Command["options"];

const COMMON: Options = { config: { type: "string" }, help: { type: "boolean", short: "h" } };

/** Reads them by the command's own list of options. With `--help` nothing need be there. */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const options = { ...COMMON, ...command.options };
  const { values, positionals, tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  const faults = tokens.flatMap((token) => (token.kind === "option" ? (optionFault(token, options) ?? []) : []));
  const message = faults[0] ?? (values["help"] === true ? undefined : countFault(command, positionals));
  return message === undefined ? { kind: "read", values, positionals } : { kind: "wrong", message };
}

interface OptionToken {
  readonly name: string;
  /** As it was written: `--name`, or `-n`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** Written as `--name=value`. */
  readonly inlineValue: boolean | undefined;
}

function optionFault({ name, rawName, value, inlineValue }: OptionToken, options: Options): string | undefined {
  if (!Object.hasOwn(options, name)) return `unknown option ${rawName}${suggestion(name, options)}`;
  if (options[name]?.type === "boolean") return value === undefined ? undefined : `${rawName} takes no value`;
  const isNextOption = inlineValue === false && value !== undefined && value.length > 1 && value.startsWith("-");
  if (value === undefined || isNextOption) return `${rawName} takes a value, and has none`;
  return undefined;
}

/** The one option that begins so, or the one that is spelt much alike. */
function suggestion(name: string, options: Options): string {
  const names = Object.keys(options);
  const begun = names.filter((option) => option.startsWith(name));
  const meant = begun.length === 1 ? begun[0] : nearest(name, names);
  return meant === undefined ? "" : `; did you mean --${meant}?`;
}

/** For a command that takes no words: a file is most likely the gateway file. */
function configHint(word: string): string {
  return fileNamed(word) === undefined ? "" : `; did you mean --config ${word}?`;
}

function countFault(command: Command, positionals: readonly string[]): string | undefined {
  const [least, most] = command.positionals;
  const extra = positionals[most];
  if (extra !== undefined) return `unexpected argument ${JSON.stringify(extra)}${most === 0 ? configHint(extra) : ""}`;
  const missing = positionalNames(command).slice(positionals.length, least);
  return missing.length === 0 ? undefined : `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing`;
}
