// Entry point of the control worker.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

export class ConfigStore extends DurableObject {}
export class CertificateAuthority extends DurableObject {}
export class Internal extends WorkerEntrypoint {
  override fetch(): Response {
    return new Response("not built yet", { status: 503 });
  }
}

export default {
  fetch(): Response {
    return new Response("not built yet", { status: 503 });
  },
};
