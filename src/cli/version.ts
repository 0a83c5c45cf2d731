/** Which Sallyport this is. */
import { readFileSync } from "node:fs";

/** As package.json has it, which lies two folders above, also of what is compiled. */
export function version(): string {
  const { version: written } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return written;
}
