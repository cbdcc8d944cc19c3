// Bindings of the control worker (control/wrangler.toml).
import type { AuthorityEnv, CertificateAuthority } from "./authority/certificate-authority.ts";
import type { Target } from "#config/check/check-config.ts";
import type { ConfigStore } from "./store/config-store.ts";

export interface Env extends AuthorityEnv {
  readonly CONFIG_STORE: DurableObjectNamespace<ConfigStore>;
  readonly CERTIFICATE_AUTHORITY: DurableObjectNamespace<CertificateAuthority>;
  /** `serve` under `isthmus serve`. Absent: on Cloudflare, where a configuration can do less. */
  readonly TARGET?: string;
  /** Bootstrap bearer token with the role admin, at least 16 characters; absent: only stored tokens count. */
  readonly ADMIN_TOKEN?: string;
}

/** Each class has one object. Called over RPC: they always live in this Worker's own process (decision 0001 is about the others). */
export function configStore(env: Env): DurableObjectStub<ConfigStore> {
  return env.CONFIG_STORE.get(env.CONFIG_STORE.idFromName("default"));
}

export function certificateAuthority(env: Env): DurableObjectStub<CertificateAuthority> {
  return env.CERTIFICATE_AUTHORITY.get(env.CERTIFICATE_AUTHORITY.idFromName("default"));
}

/** Where configurations of this control run. */
export function targetOf({ TARGET }: Pick<Env, "TARGET">): Target {
  return TARGET === "serve" ? "serve" : "edge";
}
