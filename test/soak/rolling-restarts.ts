// The long run of test/replacement.test.ts: many restarts under mixed load. `npm run soak -- rolling-restarts [ROUNDS]`
// (default 50): each round restarts both agents in turn, or a hub and the gateway; ends with 1 when anything failed.
import { startReplacedSystem } from "../system/replaced-system.ts";

const rounds = Number(process.argv[2] ?? 50);
const replaced = await startReplacedSystem();
const load = replaced.startLoad({ mixed: 2, grpc: 2 });
const { mixed, grpc } = load;
for (let round = 1; round <= rounds; round += 1) {
  if (round % 2 === 1) await replaced.restartAgents();
  else {
    const processes = [`hub-${(round / 2) % 2}`, "gateway-1"].flatMap((name) => ["--process", name]);
    const reloaded = await replaced.system.run("reload", ...processes);
    if (reloaded.code !== 0) throw new Error(reloaded.stderr);
  }
  console.log(`round ${round}: ${mixed.answers()} answers, ${grpc.answers()} of gRPC`);
}
const failures = await load.stop();
await replaced.stop();
console.log(failures.join("\n"));
console.log(
  `${rounds} rounds, ${mixed.answers()} answers, ${grpc.answers()} of gRPC, ${failures.length} failures; close codes`,
  mixed.closeCodes,
  "statuses of long calls",
  grpc.endings,
);
process.exit(failures.length === 0 ? 0 : 1);
