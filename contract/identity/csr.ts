// Certificate signing requests (PKCS #10, RFC 2986): the agent makes one, the certificate authority takes its key only.
import { AsnConvert } from "@peculiar/asn1-schema";
import { Attributes, CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { AlgorithmIdentifier, SubjectPublicKeyInfo } from "@peculiar/asn1-x509";
import { encodesTo } from "./certificate-fields.ts";
import { IdentityError } from "./identity-error.ts";
import { type CryptoKeyPair, exportPublicKey, keyAlgorithm } from "./key-pair.ts";
import { decodePem, encodePem } from "./pem.ts";
import { commonName } from "./sign-certificate.ts";
import { curveOf, ecdsaWithSha256Oid, signX509, verifyX509Signature } from "./x509-signature.ts";

/** Largest request that is looked at, in bytes of DER. */
const maxCsrBytes = 4096;

/** A signing request for the pair's public key, PEM. It names nobody: names come from the join token or the old certificate. */
export async function createCsr(keyPair: CryptoKeyPair): Promise<string> {
  const spki = await exportPublicKey(keyPair.publicKey);
  const info = new CertificationRequestInfo({
    version: 0,
    subject: commonName(""),
    subjectPKInfo: AsnConvert.parse(spki, SubjectPublicKeyInfo),
    attributes: new Attributes(),
  });
  const infoDer = new Uint8Array(AsnConvert.serialize(info));
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: new AlgorithmIdentifier({ algorithm: ecdsaWithSha256Oid }),
    signature: (await signX509(keyPair.privateKey, infoDer)).buffer,
  });
  request.certificationRequestInfoRaw = infoDer.buffer;
  return encodePem("CERTIFICATE REQUEST", new Uint8Array(AsnConvert.serialize(request)));
}

/**
 * The public key (SubjectPublicKeyInfo, DER) of a request whose own signature holds; subject and attributes are ignored.
 * Throws {@link IdentityError}: `certificate_malformed` when it is not one P-256 request, `proof_invalid` when the
 * signature was not made with its key.
 */
export async function verifyCsr(csrPem: string): Promise<Uint8Array<ArrayBuffer>> {
  const request = parseCsr(csrPem);
  const { subjectPKInfo } = request.certificationRequestInfo;
  const spki = new Uint8Array(AsnConvert.serialize(subjectPKInfo));
  if (curveOf(spki)?.namedCurve !== keyAlgorithm.namedCurve) throw malformed("the key is not ECDSA P-256");
  const holds = await verifyX509Signature(
    request.signatureAlgorithm.algorithm,
    spki,
    new Uint8Array(request.signature),
    new Uint8Array(request.certificationRequestInfoRaw!),
  );
  if (!holds) {
    throw new IdentityError("proof_invalid", "the signing request is not signed with the key that it names");
  }
  return spki;
}

function parseCsr(csrPem: string): CertificationRequest {
  try {
    const [der, ...others] = decodePem("CERTIFICATE REQUEST", csrPem);
    if (!der || others.length > 0)
      throw malformed("expected one PEM block -----BEGIN CERTIFICATE REQUEST-----");
    if (der.length > maxCsrBytes) throw malformed(`longer than ${maxCsrBytes} bytes`);
    const request = AsnConvert.parse(der, CertificationRequest);
    if (!encodesTo(request, der)) throw malformed("not DER");
    return request;
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    throw malformed("not PKCS #10", cause);
  }
}

function malformed(reason: string, cause?: unknown): IdentityError {
  return new IdentityError("certificate_malformed", `the signing request is malformed: ${reason}`, { cause });
}
