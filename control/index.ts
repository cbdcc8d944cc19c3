// Entry points of the control worker: the admin API for people, `Internal` for our gateways, and two objects.
import { WorkerEntrypoint } from "cloudflare:workers";
import { createAdminApp } from "./admin/admin-app.ts";
import type { Env } from "./env.ts";
import { createInternalApp } from "./internal/internal-app.ts";

export { CertificateAuthority } from "./authority/certificate-authority.ts";
export { ConfigStore } from "./store/config-store.ts";

const internalApp = createInternalApp();

export class Internal extends WorkerEntrypoint<Env> {
  override fetch(request: Request): Response | Promise<Response> {
    return internalApp.fetch(request, this.env, this.ctx);
  }
}

export default createAdminApp();
