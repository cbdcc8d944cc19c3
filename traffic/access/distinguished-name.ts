// What the certificate of a client says, and the text of a distinguished name in it (RFC 2253), one attribute at a time.

export interface ClientCertificateFacts {
  /** `SUCCESS`, `NONE` or `FAILED:<reason>`. */
  readonly verification: string;
  /** Empty without a certificate. */
  readonly subject: string;
  readonly issuer: string;
  /** In DER, as Base64. Absent: not known. */
  readonly certificate?: string;
}

/**
 * Value of the attribute that stands first in the certificate, which RFC 2253 writes last. `undefined`: the name has none.
 * Types of attributes are the same in either case.
 */
export function attributeOf(name: string, type: string): string | undefined {
  const wanted = type.toLowerCase();
  const values = (name.match(/(?:[^,+\\]|\\.)+/g) ?? []).flatMap((part) => {
    const equals = part.indexOf("=");
    return part.slice(0, equals).trim().toLowerCase() === wanted ? [part.slice(equals + 1)] : [];
  });
  const value = values.at(-1);
  return value === undefined ? undefined : unescaped(value);
}

/** A backslash stands in front of a special character, or of two digits for an octet of UTF-8. */
function unescaped(value: string): string {
  return value
    .replace(/(?:\\[0-9A-Fa-f]{2})+/g, (octets) =>
      new TextDecoder().decode(
        Uint8Array.from(octets.slice(1).split("\\"), (digits) => parseInt(digits, 16)),
      ),
    )
    .replace(/\\(.)/g, "$1");
}
