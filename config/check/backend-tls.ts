// TLS towards endpoints: where it means nothing, text that is no certificate, and keys that would have to travel.
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import { ownTunnel, speaksTls } from "#contract/snapshot.ts";
import { decodePem } from "#contract/identity/pem.ts";
import type { NativeBackend } from "../native/schema.ts";
import type { Path, Report } from "../report.ts";
import type { Check } from "./check.ts";

export const backendTls: Check = (config, report) => {
  for (const [index, backend] of config.backends.entries()) {
    const path = ["backends", index];
    if (backend.tunnel === ownTunnel) {
      report.add({
        code: "tunnel-reserved",
        path: [...path, "tunnel"],
        message: `the tunnel ${ownTunnel} is that of the agent which isthmus serve starts by itself`,
        remedy: "Leave tunnel out, or name another one and run an agent of it.",
      });
    }
    if (backend.tls) checkTls(backend, backend.tls, [...path, "tls"], report);
  }
};

function checkTls(
  backend: NativeBackend,
  { caCertificates, clientCertificate }: NonNullable<NativeBackend["tls"]>,
  path: Path,
  report: Report,
): void {
  const { name, protocol, tunnel } = backend;
  if (!speaksTls(protocol) && !isCheckedInTls(backend)) {
    report.add({
      code: "backend-tls-unexpected",
      path,
      message: `backend ${JSON.stringify(name)} speaks ${protocol}, without TLS`,
      remedy: "Set the backend's protocol to HTTPS, H2, GRPCS or TLS, or remove tls.",
    });
  }
  if (tunnel !== undefined && clientCertificate?.certificate !== undefined) {
    report.add({
      code: "backend-tls-key",
      path: [...path, "clientCertificate"],
      message:
        "a key that stands in the configuration is not handed on, so the agents of a tunnel cannot have it",
      remedy: "Put certificate and key into the agents' --tls-dir, and name them with certFile and keyFile.",
    });
  }
  if (caCertificates !== undefined) checkPem(caCertificates, [...path, "caCertificates"], report);
  if (clientCertificate?.certificate !== undefined)
    checkPem(clientCertificate.certificate, [...path, "clientCertificate", "certificate"], report);
}

function isCheckedInTls({ endpoints, healthCheck: { active } }: NativeBackend): boolean {
  const steps = [active, ...(active?.next ?? []), ...endpoints.map(({ healthCheck }) => healthCheck)];
  return steps.some((step) => step?.overrides?.tls === true);
}

function checkPem(pem: string, path: Path, report: Report): void {
  try {
    const certificates = decodePem("CERTIFICATE", pem);
    // Roots may be of any version and have any extension; whoever verifies with them decides.
    for (const der of certificates) AsnConvert.parse(der, Certificate);
    if (certificates.length > 0) return;
    report.add({ code: "backend-tls-certificate", path, message: "no certificate in the PEM text" });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    report.add({ code: "backend-tls-certificate", path, message });
  }
}
