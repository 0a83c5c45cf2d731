/** What the loads of the comparison are called, in the results too. */
export const LANES = {
  sallyport: "sallyport",
  haproxy: "HAProxy, jwt_verify",
  rawHop: "raw hop",
  bareHttpProxy: "bare @fastify/http-proxy",
  expressStack: "Express stack",
  nginx: "nginx, no rule",
  apiKey: "sallyport, API key",
  oneLoad: "sallyport, one load alone",
  manyRoutes: "sallyport, 10,000 routes",
  unknownTokens: "sallyport, unknown tokens",
  haproxyUnknownTokens: "HAProxy, unknown tokens",
  manyTokens: "sallyport, 100,000 tokens",
  post: "sallyport, POST 1 KB",
  rawHopPost: "raw hop, POST 1 KB",
  refusal: "sallyport, refusal",
  plainAnswer: "node:http, the same refusal",
} as const;

export const DOWNLOADS = { sallyport: "sallyport", nginx: "nginx", nginxLargeBuffers: "nginx, 64 KB buffers", rawHop: "raw hop" } as const;

export const PACED = {
  direct: "no gateway",
  sallyport: "sallyport, every decision logged",
  rawHop: "raw hop",
  haproxy: "HAProxy, jwt_verify",
} as const;
