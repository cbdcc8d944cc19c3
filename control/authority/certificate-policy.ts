// What the certificate authority puts into the certificates it signs: names, purposes and lifetimes. Pure.
import type { CertificateTemplate } from "#contract/identity/sign-certificate.ts";

const secondMs = 1000;
const dayMs = 86_400 * secondMs;

/** An agent renews at half-life, so the default survives a control that is down for twelve hours. */
const defaultAgentTtlS = 24 * 3600;
const maxAgentTtlS = 7 * 24 * 3600;
const serverTtlMs = 30 * dayMs;
const rootTtlMs = 10 * 365 * dayMs;
/** Peers' clocks may be behind ours by as much. */
const backdateMs = 60 * secondMs;

/** Lifetime of an agent's certificate from `CERTIFICATE_TTL_SECONDS`; values that make no sense count as absent. */
export function agentTtlMs(configured: string | undefined): number {
  const seconds = Number(configured);
  const sensible = Number.isInteger(seconds) && seconds >= 1 && seconds <= maxAgentTtlS;
  return (sensible ? seconds : defaultAgentTtlS) * secondMs;
}

type Subject = Pick<CertificateTemplate, "serial" | "spki">;

export function rootTemplate(subject: Subject, rootName: string, nowMs: number): CertificateTemplate {
  return {
    ...subject,
    commonName: rootName,
    ...validity(nowMs, rootTtlMs, Infinity),
    // Leaves are signed directly: an authority below this one is never valid.
    authority: { pathLength: 0 },
  };
}

export function agentTemplate(
  subject: Subject,
  spiffeId: string,
  ttlMs: number,
  rootNotAfterMs: number,
  nowMs: number,
): CertificateTemplate {
  return {
    ...subject,
    commonName: "",
    ...validity(nowMs, ttlMs, rootNotAfterMs),
    purposes: ["clientAuth"],
    uris: [spiffeId],
  };
}

export function serverTemplate(
  subject: Subject,
  names: readonly string[],
  rootNotAfterMs: number,
  nowMs: number,
): CertificateTemplate {
  const isAddress = (name: string): boolean => name.includes(":") || /^[0-9.]+$/.test(name);
  return {
    ...subject,
    commonName: "",
    ...validity(nowMs, serverTtlMs, rootNotAfterMs),
    purposes: ["serverAuth"],
    dnsNames: names.filter((name) => !isAddress(name)),
    ipAddresses: names.filter(isAddress),
  };
}

/** X.509 counts whole seconds; nothing outlives its root. */
function validity(nowMs: number, ttlMs: number, endMs: number): { notBeforeMs: number; notAfterMs: number } {
  const wholeNowMs = nowMs - (nowMs % secondMs);
  return { notBeforeMs: wholeNowMs - backdateMs, notAfterMs: Math.min(wholeNowMs + ttlMs, endMs) };
}
