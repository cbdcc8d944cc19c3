// The network of an address, as text.

/** `undefined`: it is no address, or nothing is to be left of its kind. */
export function maskedAddress(
  text: string,
  ipv4Bits: number,
  ipv6Bits: number | undefined,
): string | undefined {
  const isIpv4 = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/.test(text);
  if (isIpv4) {
    const bytes = text.split(".").map(Number);
    return bytes.some((byte) => byte > 255) ? undefined : masked(bytes, 8, ipv4Bits).join(".");
  }
  if (ipv6Bits === undefined || !/^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(text)) return undefined;
  const whole = canonical(text);
  if (whole === undefined) return undefined;
  const [head = "", tail] = whole.split("::");
  const groups = (part: string): string[] => part.split(":").filter((group) => group !== "");
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const numbers = [...before, ...zeros, ...after].map((group) => parseInt(group, 16));
  return canonical(
    masked(numbers, 16, ipv6Bits)
      .map((group) => group.toString(16))
      .join(":"),
  );
}

function masked(parts: readonly number[], bitsEach: number, bits: number): number[] {
  return parts.map((part, index) => {
    const kept = Math.min(bitsEach, Math.max(0, bits - index * bitsEach));
    return part & ~(2 ** (bitsEach - kept) - 1);
  });
}

/** The platform knows the canonical text (RFC 5952). */
function canonical(text: string): string | undefined {
  return URL.canParse(`http://[${text}]`) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : undefined;
}
