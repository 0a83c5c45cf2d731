/** The service that the tests of the hop ask for things: every method, a public route, and one with a tenant in its path. */
import type { RequestListener } from "node:http";
import type { Test } from "tap";
import { openRecorder, type Recorder } from "../forward/harness.ts";
import { startThings, type Things } from "./things.ts";

export const ROUTES = `
tenant: { path: tenant, query: tenant }
limits: { some: { by: caller, rate: 500/minute } }
body: { max: 1MB }
routes:
  GET /open: public
  GET /any/{rest...}: { access: authenticated, tenant: unchecked, body: { max: 1KB } }
  POST /any/{rest...}: { access: authenticated, tenant: unchecked }
  PUT /any/{rest...}: { access: authenticated, tenant: unchecked }
  PATCH /any/{rest...}: { access: authenticated, tenant: unchecked }
  DELETE /any/{rest...}: { access: authenticated, tenant: unchecked }
  OPTIONS /any/{rest...}: { access: authenticated, tenant: unchecked }
  GET /of/{tenant}/{thing}: authenticated
  POST /of/{tenant}/{thing}: authenticated
`;

export interface Standing extends Things {
  readonly upstream: Recorder;
}

export async function stand(t: Test, answer?: RequestListener, rest = ROUTES): Promise<Standing> {
  const upstream = await openRecorder(t, answer);
  return { ...(await startThings(t, { upstream: upstream.origin, rest })), upstream };
}
