// What the statistics are made of, read from the store.
import { type Env, configStore } from "../env.ts";
import { currentSnapshot } from "./current-snapshot.ts";
import type { Observed } from "./system-stats.ts";

export async function observe(env: Env): Promise<Observed> {
  const store = configStore(env);
  const [{ version, snapshot }, observed] = await Promise.all([currentSnapshot(store), store.observe()]);
  return { version, snapshot, ...observed };
}
