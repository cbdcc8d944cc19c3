// `npm run bench`: everything but `tunnel`, which takes as long as all others; `npm run bench -- NAME…`: one or some;
// `--quick`: short rounds, to see that it runs.
import { benchConfig } from "./config/commands.ts";
import { benchFailover } from "./failover.ts";
import { benchGateway } from "./gateway.ts";
import { benchLayer4 } from "./layer-4.ts";
import { benchPolicies } from "./policies.ts";
import { benchSnapshot } from "./snapshot.ts";
import { benchTunnel } from "./tunnel.ts";

const benches: Record<string, (quick: boolean) => Promise<void>> = {
  gateway: benchGateway,
  policies: benchPolicies,
  "layer-4": benchLayer4,
  config: benchConfig,
  snapshot: benchSnapshot,
  failover: benchFailover,
  tunnel: benchTunnel,
};

const words = process.argv.slice(2);
const quick = words.includes("--quick");
const names = words.filter((word) => word !== "--quick");
const unknown = names.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`unknown benchmark ${unknown.join(", ")}; there are: ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}
const usual = Object.keys(benches).filter((name) => name !== "tunnel");
for (const name of names.length > 0 ? names : usual) await benches[name]!(quick);
