// `npm run bench -- policies`: what each policy costs, as a ratio to the gateway without any and to a Worker on the same
// workerd that only forwards. Limits are so wide that nothing is refused, tokens are valid and endpoints well: what is
// measured is the checking and counting. Metrics are always counted, so they are part of every row but the bare Worker's.
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { compare } from "./compare.ts";
import { bareWorker } from "./peers/bare-worker.ts";
import { gateway, type GatewayVariant } from "./peers/isthmus.ts";

const limit = "limit: { requests: 10000000, unit: Second }";
const rateLimit = (block: string, more = "") =>
  `rateLimit: { ${block}: { rules: [{ name: bench, ${limit}${more} }] } }`;

const watched = (originPort: number): string =>
  `      endpoints: [{ address: 127.0.0.1, port: ${originPort} }]
      healthCheck: { passive: { consecutiveGatewayErrors: 5, latency: { factor: 4 } } }`;
const breaker = (originPort: number): string =>
  `      endpoints: [{ address: 127.0.0.1, port: ${originPort} }]
      circuitBreaker: { maxParallelRequests: 100000 }`;

type Policy = Omit<GatewayVariant, "name" | "routeCount">;

async function policies(): Promise<Record<string, Policy>> {
  return {
    JWT: await jwtPolicy(),
    "limit, local": { ruleField: rateLimit("local") },
    "limit, leased": { ruleField: rateLimit("global") },
    "limit, leased, untold": {
      ruleField: rateLimit("global"),
      listenerField: "headers: { disableRateLimitHeaders: true }",
    },
    "limit, leased, by client": {
      ruleField: rateLimit("global", ", clientSelectors: [{ sourceCIDR: { type: Distinct } }]"),
    },
    "limit, strict": { ruleField: rateLimit("global", ", mode: strict") },
    "concurrency limit": {
      ruleField: "rateLimit: { concurrency: { rules: [{ name: bench, maxParallelRequests: 100000 }] } }",
    },
    "retries armed": { ruleField: "retry: { attempts: 2, codes: [502, 503], backoff: 25ms }" },
    "timeouts armed": { ruleField: "timeouts: { request: 30s, backendRequest: 10s }" },
    "compression, gzip": {
      ruleField: "compression: { minContentLength: 0 }",
      headers: { "Accept-Encoding": "gzip" },
    },
    "outlier detection": { backend: watched },
    "circuit breaker": { backend: breaker },
    "access log of every request": { setting: "accessLog: { mode: all }" },
    "tracing, 1 % sampled": { setting: `accessLog: { mode: "off" }\ntracing: { samplingRate: 1 }` },
    // The aim: at least 0.85 of the bare Worker.
    "limit, leased, and outlier detection": { ruleField: rateLimit("global"), backend: watched },
    "the same, untold": {
      ruleField: rateLimit("global"),
      backend: watched,
      listenerField: "headers: { disableRateLimitHeaders: true }",
    },
  };
}

/** An RS256 token of an issuer whose key stands in the configuration. */
async function jwtPolicy(): Promise<Policy> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const { kty, n, e } = await exportJWK(publicKey);
  const token = await new SignJWT({ iss: "https://bench.example.com", sub: "load" })
    .setProtectedHeader({ alg: "RS256" })
    .setExpirationTime("1h")
    .sign(privateKey);
  const provider = `{ name: bench, issuer: "https://bench.example.com", localJWKS: { keys: [${JSON.stringify({ kty, n, e })}] } }`;
  return {
    ruleField: `securityPolicy: { jwt: { providers: [${provider}] } }`,
    headers: { Authorization: `Bearer ${token}` },
  };
}

export async function benchPolicies(quick: boolean): Promise<void> {
  const variants = Object.entries(await policies());
  await compare(
    [bareWorker, gateway({ name: "no policy", routeCount: 10 })],
    variants.map(([name, policy]) => gateway({ name, routeCount: 10, ...policy })),
    { title: "policies", rounds: quick ? 1 : 4, secondsPerRound: 1, connections: 16 },
  );
}
