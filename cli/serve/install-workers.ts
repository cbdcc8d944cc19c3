// Puts the bundled Workers where the processes of one run read them: a build does not change what a restarted process
// runs, only a reload does.
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleStaleWorkers } from "../build/bundle-workers.ts";
import { controlBundle, gatewayBundle } from "../installation.ts";
import type { SupervisorTask } from "./supervisor-message.ts";

export async function installWorkers(
  runDirectory: string,
  modules: SupervisorTask["modules"],
  log: (line: string) => void,
): Promise<void> {
  for (const file of await bundleStaleWorkers()) log(`built ${file}`);
  await copyFile(gatewayBundle, join(runDirectory, modules.gateway));
  await copyFile(controlBundle, join(runDirectory, modules.control));
}
