// The endpoints of a Backend: names and addresses with their ports.
import type { ExtensionBackend } from "../gateway-api/extension.ts";
import type { EnvoyBackend } from "./schema/other-kinds.ts";

export function endpointsOf({ body }: EnvoyBackend): ExtensionBackend["endpoints"] {
  return (body.spec.endpoints ?? []).flatMap(({ fqdn, ip, zone }) => {
    const place = zone === undefined ? {} : { zone };
    if (fqdn) return [{ address: fqdn.hostname, port: fqdn.port, ...place }];
    return ip ? [{ address: ip.address, port: ip.port, ...place }] : [];
  });
}
