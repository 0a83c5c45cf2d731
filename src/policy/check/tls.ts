/** Rules about TLS of the front door: files that fit together, and client certificates only where the door asks for them. */
import { readCertificate } from "../certificate-files.ts";
import { compileTls } from "../compile/gateway.ts";
import type { GatewayFile } from "../schema/gateway.ts";
import type { Draft } from "../validate.ts";
import { authenticatorsOf, type Scope } from "./scope.ts";

/** `now` (epoch milliseconds) is when the files are judged; undefined: they are not read. */
export function checkTls({ content, source, report }: Draft<GatewayFile>, now: number | undefined): void {
  const tls = content.listen?.tls;
  if (!tls) return;
  if (tls.clientCertificates !== undefined && tls.clientCa === undefined)
    report(
      ["listen", "tls", "clientCertificates"],
      "there is no `clientCa`, so that no client certificate could be proved",
      "name the file of your authority: `clientCa: PATH`",
      "key",
    );
  const reading = now === undefined ? undefined : readCertificate(compileTls(tls, source.file), now);
  for (const { part, path, reason, repair } of reading?.kind === "faults" ? reading.faults : [])
    report(["listen", "tls", part], `\`${path}\` ${reason}`, repair ?? "name a file that this user may read");
}

/** A certificate that the door never asks for would let nobody in. */
export function checkClientCertificates(scope: Scope): void {
  const { listen } = scope.gateway.content;
  if (!listen || listen.tls?.clientCa !== undefined) return;
  for (const { file, path, report } of authenticatorsOf(scope)) {
    if (file.mtls)
      report(
        [...path, "mtls"],
        "the front door asks no client for a certificate",
        "set `listen.tls.clientCa` in the gateway file to the file of the authority that issues them",
        "key",
      );
  }
}
