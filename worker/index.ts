// Entry point of the gateway worker.
import { DurableObject } from "cloudflare:workers";

export { TunnelDoor } from "./tunnel/tunnel-door.ts";
export { TunnelHub } from "./tunnel/tunnel-hub.ts";

export class RegionState extends DurableObject {}

export default {
  fetch(): Response {
    return new Response("not built yet", { status: 503 });
  },
};
