// TLS towards endpoints → snapshot. Private keys stay behind (decision 0013).
import type { BackendTls } from "#contract/backend-tls.ts";
import type { NativeBackend } from "./native/schema.ts";

type NativeTls = NonNullable<NativeBackend["tls"]>;

export function compileBackendTls(tls: NativeTls): BackendTls {
  const { hostname, subjectAltNames, clientCertificate, insecureSkipVerify } = tls;
  const authorities = authoritiesOf(tls);
  return {
    ...(hostname !== undefined && { hostname: hostname.toLowerCase() }),
    ...(subjectAltNames && { subjectAltNames }),
    ...(authorities && { authorities }),
    ...(clientCertificate && { clientCertificate: certificateOf(clientCertificate) }),
    ...(insecureSkipVerify && { insecureSkipVerify }),
  };
}

function authoritiesOf({
  caFiles,
  caCertificates,
  wellKnownCACertificates,
}: NativeTls): BackendTls["authorities"] {
  if (caFiles) return { files: caFiles };
  return caCertificates === undefined ? wellKnownCACertificates : { pem: caCertificates };
}

function certificateOf({
  certFile,
  keyFile,
  certificate,
}: NonNullable<NativeTls["clientCertificate"]>): NonNullable<BackendTls["clientCertificate"]> {
  // The schema sees to it that there is the one or the other.
  return certificate === undefined ? { certFile: certFile!, keyFile: keyFile! } : { certificate };
}
