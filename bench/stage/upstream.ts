/** The service behind every gateway: nginx, on the load's core. */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LOAD_CORE } from "./machine.ts";
import { answering, freePort, startPinned, type Program } from "./pinned.ts";

export interface Upstream extends Program {
  readonly port: number;
}

/** What it answers to small requests. */
export const ANSWER = JSON.stringify({ success: true, data: { model: "m-1", status: "trained", versions: [1, 2, 3] } });

/** `/files/N` is a file of N bytes, for each of `fileBytes`; all else is a small answer. */
export async function startUpstream(folder: string, fileBytes: readonly number[]): Promise<Upstream> {
  const port = await freePort();
  const files = join(folder, "upstream", "files");
  mkdirSync(files, { recursive: true });
  for (const bytes of fileBytes) makeSparse(join(files, String(bytes)), bytes);
  const config = join(folder, "upstream.conf");
  writeFileSync(config, configOf(folder, port));
  const program = startNginx(LOAD_CORE, folder, config);
  await answering(port);
  return { ...program, port };
}

/** A service that reads what it is sent; on the load's core. */
export async function startSink(): Promise<Upstream> {
  const port = await freePort();
  const file = fileURLToPath(new URL("./sink.ts", import.meta.url));
  const program = startPinned({ core: LOAD_CORE, command: process.execPath, arguments: [file, String(port)] });
  await answering(port);
  return { ...program, port };
}

/** nginx in the foreground with one worker. */
export function startNginx(core: number, folder: string, config: string): Program {
  return startPinned({ core, command: "nginx", arguments: ["-p", folder, "-c", config, "-e", "stderr"] });
}

/** What each nginx of the bench begins with. */
export function nginxFrame(name: string, server: string): string {
  return `worker_processes 1; daemon off; master_process off; pid ${name}.pid;
events { worker_connections 16384; multi_accept on; }
http {
  access_log off; sendfile on; keepalive_requests 1000000000; client_max_body_size 0;
  client_body_temp_path tmp-${name}; proxy_temp_path tmp-proxy-${name}; fastcgi_temp_path tmp-f; uwsgi_temp_path tmp-u; scgi_temp_path tmp-s;
${server}
}
`;
}

function configOf(folder: string, port: number): string {
  const location = (path: string): string =>
    `${path} { root ${join(folder, "upstream")}; rewrite ^.*(/files/\\d+)$ $1 break; default_type application/octet-stream; }`;
  return nginxFrame(
    "upstream",
    `  server {
    listen 127.0.0.1:${port} reuseport backlog=8192;
    location ${location("~ /files/")}
    location / { default_type application/json; return 200 '${ANSWER}'; }
  }`,
  );
}

function makeSparse(path: string, bytes: number): void {
  const file = openSync(path, "w");
  ftruncateSync(file, bytes);
  closeSync(file);
}
