// `npm run build`: both Workers into dist/.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../installation.ts";
import { bundleWorkers } from "./bundle-workers.ts";

try {
  for (const file of await bundleWorkers()) {
    const { size } = await stat(join(packageRoot, file));
    console.log(`${file}  ${(size / 1024).toFixed(0)} KiB`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
