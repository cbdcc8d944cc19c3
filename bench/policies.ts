// `npm run bench -- policies`: what each policy costs, as a ratio to the gateway without any. Limits are so wide that
// nothing is refused: what is measured is the counting.
import { compare } from "./compare.ts";
import { bareWorker } from "./peers/bare-worker.ts";
import { gateway } from "./peers/isthmus.ts";

const limit = "limit: { requests: 10000000, unit: Second }";
const rateLimit = (block: string, more = "") =>
  `rateLimit: { ${block}: { rules: [{ name: bench, ${limit}${more} }] } }`;

/** Fields of the measured rule. */
const policies: Record<string, string> = {
  "limit, local": rateLimit("local"),
  "limit, leased": rateLimit("global"),
  "limit, leased, by client": rateLimit("global", ", clientSelectors: [{ sourceCIDR: { type: Distinct } }]"),
  "limit, strict": rateLimit("global", ", mode: strict"),
  "concurrency limit":
    "rateLimit: { concurrency: { rules: [{ name: bench, maxParallelRequests: 100000 }] } }",
};

export async function benchPolicies(quick: boolean): Promise<void> {
  await compare(
    [
      gateway({ name: "Isthmus, no policy", routeCount: 10 }),
      ...Object.entries(policies).map(([name, ruleField]) => gateway({ name, routeCount: 10, ruleField })),
      bareWorker,
    ],
    { title: "policies", rounds: quick ? 1 : 7, secondsPerRound: quick ? 1 : 2, connections: 32 },
  );
}
