// PEM armour (RFC 7468) and the encodings around it, with what every runtime has: btoa and atob.

/** Labels in use here. */
export type PemLabel = "CERTIFICATE" | "CERTIFICATE REQUEST" | "PRIVATE KEY" | "X509 CRL";

const pemPattern = /-----BEGIN ([A-Z ]{1,32})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Throws `SyntaxError` on anything but padded base64; white space is ignored. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new SyntaxError("not base64", { cause });
  }
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/** RFC 4648 §5, without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Lower-case hex, two digits a byte. */
export function encodeHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of {@link encodeHex}. */
export function decodeHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

/** One PEM block, lines of 64 characters, with a line feed at its end. */
export function encodePem(label: PemLabel, der: Uint8Array): string {
  const lines = encodeBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The DER of every block of that label, in order; blocks of other labels and text between are skipped. Throws `SyntaxError` on a block that is not base64. */
export function decodePem(label: PemLabel, text: string): Uint8Array<ArrayBuffer>[] {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (const [, found, body] of text.matchAll(pemPattern)) {
    if (found === label) blocks.push(decodeBase64(body!));
  }
  return blocks;
}
