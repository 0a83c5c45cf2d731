/** Why nothing listens, and what to do about it. */
import type { Policy } from "../contract/policy.ts";

/** What the system says of a door that it does not open. */
interface ListenError extends NodeJS.ErrnoException {
  readonly port?: number;
  readonly address?: string;
}

const PRIVILEGED_BELOW = 1024;

/**
 * A sentence for a person; the error's own words where it is about something else. `placeOf` says where the port is
 * written: "`listen.port` of config/sallyport.yaml".
 */
export function failureWords(error: unknown, placeOf: (port: number) => string): string {
  if (!(error instanceof Error)) return String(error);
  const { code, port, address = "this machine" }: ListenError = error;
  if (port === undefined) return error.message;
  const place = placeOf(port);
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} of ${address} is taken by another program: end that one, or write another port as ${place}`;
    case "EACCES":
      return `port ${port} of ${address} may not be opened by this user: ${accessRepair(port, place)}`;
    case "EADDRNOTAVAIL":
      return `${address} is no address of this machine: write one that is, or 0.0.0.0 for all, beside ${place}`;
    default:
      return error.message;
  }
}

function accessRepair(port: number, place: string): string {
  const another = `write another port as ${place}`;
  if (port >= PRIVILEGED_BELOW) return another;
  return `those below ${PRIVILEGED_BELOW} are root's; write a higher one as ${place}, or give the program CAP_NET_BIND_SERVICE`;
}

/** Where the gateway file names a port. */
export function doorOf(policy: Policy, file: string): (port: number) => string {
  return (port) => {
    const door = (["listen", "health", "admin"] as const).find((one) => policy.gateway[one]?.port === port) ?? "listen";
    return `\`${door}.port\` of ${file}`;
  };
}
