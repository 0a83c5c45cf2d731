/** What commands say of themselves: overview, usage line, help. No line is longer than 80 characters. */
import type { Command } from "./command.ts";
import { paragraph } from "./paragraph.ts";

const COLUMNS = 80;

/** The text of `COMMAND --help`; also the source of the command reference. */
export function helpOf(command: Command): string {
  const title = paragraph(`sallyport ${command.name}: ${command.summary}.`, COLUMNS, 0);
  return `${title}\n\n${usageOf(command)}\n\n${command.help.trimEnd()}\n`;
}

/** `usage: sallyport NAME …`, broken where an option or a word ends. */
export function usageOf({ name, usage }: Command): string {
  const head = `usage: sallyport ${name}`;
  let text = head;
  let column = head.length;
  for (const part of partsOf(usage)) {
    const fits = column + 1 + part.length <= COLUMNS;
    text += fits ? ` ${part}` : `\n    ${part}`;
    column = fits ? column + 1 + part.length : 4 + part.length;
  }
  return text;
}

/** Every command with its summary. */
export function overviewOf(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${paragraph(summary, COLUMNS, width + 4)}`);
  return `usage: sallyport COMMAND [--config FILE] …\n\n${lines.join("\n")}\n\nsallyport COMMAND --help tells more; sallyport --version says which one this is.\n`;
}

/** The words that the usage asks for beside options, in their order: `METHOD`, `URL`. */
export function positionalNames({ usage }: Command): readonly string[] {
  const [first = ""] = partsOf(usage).join("\n").split("\n|\n");
  return first.split("\n").filter((part) => /^[A-Z]/.test(part));
}

/** What belongs together: `[--service S]`, `--role R`, `ID`. */
function partsOf(usage: string): readonly string[] {
  return usage.match(/\[[^\]]*\]…?|--\S+ [^\s[|-]\S*|\S+/g) ?? [];
}
