/** nginx as a proxy without any rule: the floor. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GATEWAY_CORE } from "../stage/machine.ts";
import { answering, freePort } from "../stage/pinned.ts";
import type { Stage } from "../stage/stage.ts";
import { nginxFrame, startNginx } from "../stage/upstream.ts";
import type { Running, Target } from "./target.ts";

/** With the buffers that it comes with. */
export const nginx = nginxWith("floor", "");
/** As one sets it for large downloads. */
export const nginxLargeBuffers = nginxWith("large-buffers", "proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;");

function nginxWith(name: string, buffers: string): Target {
  return { name: `nginx-${name}`, answers: "everybody", start: (stage) => start(stage, name, buffers) };
}

async function start({ folder, upstream }: Stage, name: string, buffers: string): Promise<Running> {
  const port = await freePort();
  const config = join(folder, `${name}.conf`);
  writeFileSync(
    config,
    nginxFrame(
      name,
      `  upstream service { server 127.0.0.1:${upstream.port}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=8192;
    location / {
      proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_request_buffering off; proxy_max_temp_file_size 0; ${buffers}
    }
  }`,
    ),
  );
  const program = startNginx(GATEWAY_CORE, folder, config);
  await answering(port);
  return { ...program, port };
}
