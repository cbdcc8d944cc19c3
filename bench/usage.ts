// Preloaded into a program that is measured (`node --import`): says at its end what it has used, on descriptor 3.
import { writeSync } from "node:fs";

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeSync(
    3,
    JSON.stringify({ processorMs: (userCPUTime + systemCPUTime) / 1_000, peakMiB: maxRSS / 1_024 }),
  );
});
