// A certificate authority of one's own, root and issuing certificate, as files that `isthmus` takes.
import { issueAuthority, type FixtureCertificate } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";

export interface OwnAuthority {
  readonly root: FixtureCertificate;
  /** Signs agents' certificates. */
  readonly issuing: FixtureCertificate;
  /** PEM: the issuing certificate, then the root. */
  readonly chainPem: string;
  readonly keyPem: string;
}

const dayMs = 86_400_000;

export async function ownAuthority(name: string): Promise<OwnAuthority> {
  const validity = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + 365 * dayMs };
  const root = await issueAuthority(`${name} root`, undefined, validity);
  const issuing = await issueAuthority(`${name} issuing`, root, {
    ...validity,
    authority: { pathLength: 0 },
  });
  return {
    root,
    issuing,
    chainPem: issuing.pem + root.pem,
    keyPem: await exportPrivateKeyPem(issuing.keyPair.privateKey),
  };
}
