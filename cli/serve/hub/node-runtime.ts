// The Node process's side of a hub: control and region over their Unix sockets, and how frames leave.
import { objectUrl } from "#contract/object-path.ts";
import { hubPushSchema } from "#contract/sync.ts";
import type { HubRuntime } from "#hub/hub-runtime.ts";
import { askUnixSocket } from "../../unix-request.ts";
import type { HubSettings } from "./settings.ts";

const controlTimeoutMs = 10_000;
const regionTimeoutMs = 5_000;

export function nodeRuntime({ control, state, region, zone }: HubSettings): HubRuntime {
  return {
    zone,
    askControl: (path, body) =>
      askUnixSocket(control, {
        method: "POST",
        path,
        host: "control",
        body: JSON.stringify(body),
        timeoutMs: controlTimeoutMs,
      }),
    async announce(target) {
      const { status, body } = await askUnixSocket(state, {
        method: "POST",
        path: new URL(objectUrl("RegionState", region, "/hub")).pathname,
        host: "object",
        body: JSON.stringify(target),
        timeoutMs: regionTimeoutMs,
      });
      if (status !== 200) throw new Error(`the region's state object answered ${status}`);
      return hubPushSchema.parse(body);
    },
    // What is written while one turn of the loop handles whatever has arrived leaves together.
    createFlushing: () => (flush) => void setImmediate(flush),
    log(level, line) {
      if (level === "info") console.info(line);
      else console.warn(line);
    },
  };
}
