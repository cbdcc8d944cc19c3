// Entry point of the gateway worker.
import { DurableObject } from "cloudflare:workers";

export class RegionState extends DurableObject {}
export class TunnelHub extends DurableObject {}

export default {
  fetch(): Response {
    return new Response("not built yet", { status: 503 });
  },
};
