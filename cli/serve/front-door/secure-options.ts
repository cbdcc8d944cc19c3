// What TLS of a listener is made of, whichever certificate is chosen for a client.
import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import type { ListenerSettings } from "./settings.ts";

type SecureSettings = Pick<ListenerSettings, "trustPem" | "crls" | "certificates">;

/** What holds whichever certificate is chosen. */
export function sharedOptions({ trustPem, crls }: SecureSettings): SecureContextOptions {
  if (trustPem === "") return {};
  // A resumed session would keep the verdict on a certificate that has since expired or been revoked, or whose root was
  // rotated away.
  return {
    ca: trustPem,
    ...(crls.length > 0 && { crl: [...crls] }),
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** With the first certificate. */
export function secureOptions(settings: SecureSettings): SecureContextOptions {
  const { certPem, keyPem } = settings.certificates[0]!;
  return { ...sharedOptions(settings), cert: certPem, key: keyPem };
}
