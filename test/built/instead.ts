/** For `node --import`: whoever imports a source gets what the build makes of it, packages and all. */
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { builtFile, SOURCES } from "./sources.ts";

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    return resolved.url.startsWith(SOURCES)
      ? { ...resolved, format: "module", url: pathToFileURL(builtFile(resolved.url)).href }
      : resolved;
  },
});
