/** The same rules as an application of Express would have them, from the packages that are most used for it. */
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import express, { type Request, type Response } from "express";
import { rateLimit } from "express-rate-limit";
import { createProxyMiddleware } from "http-proxy-middleware";
import { Agent } from "node:http";
import jsonwebtoken, { type JwtPayload } from "jsonwebtoken";
import type { PeerSetting } from "../node-peers.ts";

const { port, upstream, issuer, publicKeyFile, scope, origin } = JSON.parse(process.argv[2] ?? "") as PeerSetting;
const publicKey = createPublicKey(readFileSync(publicKeyFile));
const app = express();
app.disable("x-powered-by");

app.use((request, response, next) => {
  response.vary("Origin");
  if (request.headers.origin === origin) {
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-allow-credentials", "true");
  }
  next();
});

app.use((request, response, next) => {
  const claims = claimsOf(request.headers.authorization);
  if (claims === undefined) refuse(response, 401, "Unauthorized");
  else {
    response.locals["claims"] = claims;
    next();
  }
});

const subjectOf = (_request: Request, response: Response): string => String((response.locals["claims"] as JwtPayload).sub);
app.use(rateLimit({ windowMs: 60_000, limit: 100_000_000, keyGenerator: subjectOf }));

const proxy = createProxyMiddleware({ target: upstream, agent: new Agent({ keepAlive: true }) });
app.use("/v2/clients/:client", (request, response, next) => {
  const claims = response.locals["claims"] as JwtPayload;
  const scopes = String(claims["scope"]).split(" ");
  if (!scopes.includes(scope) || claims["client_id"] !== request.params["client"]) {
    refuse(response, 403, "Forbidden");
    return;
  }
  delete request.headers.authorization;
  request.headers["x-auth-subject"] = claims.sub ?? "";
  request.headers["x-auth-tenant"] = request.params["client"];
  // Express has taken the mount's part off.
  request.url = request.originalUrl;
  void proxy(request, response, next);
});

app.listen(port, "127.0.0.1");

function claimsOf(authorization: string | undefined): JwtPayload | undefined {
  if (authorization === undefined || !authorization.startsWith("Bearer ")) return undefined;
  try {
    const claims = jsonwebtoken.verify(authorization.slice(7), publicKey, { algorithms: ["RS256"], issuer });
    return typeof claims === "object" && claims["token_use"] === "access" ? claims : undefined;
  } catch {
    return undefined;
  }
}

function refuse(response: Response, status: number, message: string): void {
  response.status(status).json({ success: false, message });
}
