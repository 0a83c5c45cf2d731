/** All commands, in the order in which the overview lists them. */
import { accountCommands } from "./accounts.ts";
import { checkCommand } from "./check.ts";
import type { Command } from "./command.ts";
import { demoPartCommands } from "./demo-parts.ts";
import { diffCommand } from "./diff.ts";
import { explainCommand } from "./explain.ts";
import { keyCommands } from "./keys.ts";
import { matrixCommand } from "./matrix.ts";
import { routesCommand } from "./routes.ts";
import { serve } from "./serve.ts";
import { testCommand } from "./test.ts";

export const commands: readonly Command[] = [
  serve,
  checkCommand,
  routesCommand,
  testCommand,
  explainCommand,
  diffCommand,
  matrixCommand,
  ...accountCommands,
  ...keyCommands,
  ...demoPartCommands,
];
