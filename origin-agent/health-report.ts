// Health reports: what the agent found about its endpoints, cut into messages that the hub takes.
import { limits } from "#contract/limits.ts";
import type { AgentMessage } from "#contract/tunnel/control-message.ts";
import type { Verdict } from "./health-prober.ts";

/** Room for the message around the entries. */
const envelopeBytes = 1_024;

/**
 * Reports of these verdicts, each within `limits.reportBytes`; at least one, so the hub learns the configuration's
 * version. Of a full report only the first message says so: it replaces what the hub knew, the others add to it.
 */
export function healthReports(
  configVersion: number,
  verdicts: Readonly<Record<string, Verdict>>,
  full: boolean,
): AgentMessage[] {
  const parts: Record<string, Verdict>[] = [{}];
  let partBytes = 0;
  for (const [key, verdict] of Object.entries(verdicts)) {
    const entryBytes = Buffer.byteLength(JSON.stringify({ [key]: verdict }));
    if (partBytes + entryBytes > limits.reportBytes - envelopeBytes) {
      parts.push({});
      partBytes = 0;
    }
    parts.at(-1)![key] = verdict;
    partBytes += entryBytes;
  }
  return parts.map((endpoints, index) => ({
    type: "report",
    configVersion,
    full: full && index === 0,
    endpoints,
  }));
}
