// Header text on both sides of the tunnel. On the wire a character is one octet; workerd reads and writes header
// octets as UTF-8 (measured: é arrives as U+00E9 from C3 A9, and a lone E9 as U+FFFD).

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// oxlint-disable-next-line no-control-regex
const ascii = /^[\u0000-\u007f]*$/;

/** A header value of the Worker as one character per octet. */
export function toOctets(text: string): string {
  if (ascii.test(text)) return text;
  let octets = "";
  for (const byte of encoder.encode(text)) octets += String.fromCharCode(byte);
  return octets;
}

/** One character per octet as a header value of the Worker; octets that are not UTF-8 are kept as characters. */
export function fromOctets(octets: string): string {
  if (ascii.test(octets)) return octets;
  try {
    return decoder.decode(Uint8Array.from(octets, (char) => char.charCodeAt(0)));
  } catch {
    return octets;
  }
}
