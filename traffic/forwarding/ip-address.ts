// IP addresses as numbers, so that networks compare without string work. IPv4 inside IPv6 (`::ffff:a.b.c.d`) is IPv4:
// a socket that listens on both families reports such addresses, and a rule for 10.0.0.0/8 means them, too.

/** Four 32-bit words, most significant first; IPv4 is mapped (`0, 0, 0xffff, address`, RFC 4291 §2.5.5.2). */
export type IpAddress = readonly [number, number, number, number];

const mappedWord = 0xffff;

const [dot, zero, nine] = [0x2e, 0x30, 0x39];

/**
 * Dotted decimal only: no octal, hex or short forms, which parsers disagree on. `undefined`: not an IPv4 address. Read
 * by hand, because every request comes with one.
 */
export function parseIpv4(text: string): number | undefined {
  let address = 0;
  let octet = -1;
  let dots = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === dot) {
      if (octet < 0 || dots === 3) return undefined;
      address = address * 256 + octet;
      octet = -1;
      dots += 1;
    } else {
      // A digit after a leading zero is octal to some.
      if (code < zero || code > nine || octet === 0) return undefined;
      octet = octet < 0 ? code - zero : octet * 10 + code - zero;
      if (octet > 255) return undefined;
    }
  }
  return dots === 3 && octet >= 0 ? address * 256 + octet : undefined;
}

/** RFC 4291 §2.2 text, without brackets and without a zone. `undefined`: not an IPv6 address. */
export function parseIpv6(text: string): IpAddress | undefined {
  if (text.length < 2 || text.length > 45 || !/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group (RFC 5952 §4.2.2 forbids writing it for one, but parsers accept it).
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  const word = (index: number): number => groups[index]! * 65_536 + groups[index + 1]!;
  return [word(0), word(2), word(4), word(6)];
}

/** 16-bit groups of one side of `::`; an IPv4 tail counts as two. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (mayEndInIpv4 && index === parts.length - 1 && part.includes(".")) {
      const address = parseIpv4(part);
      if (address === undefined) return undefined;
      groups.push(Math.floor(address / 65_536), address % 65_536);
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** Either family, as {@link IpAddress}. `undefined`: not an address. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.includes(":")) return parseIpv6(text);
  const address = parseIpv4(text);
  return address === undefined ? undefined : [0, 0, mappedWord, address];
}

export function isIpv4(address: IpAddress): boolean {
  return address[0] === 0 && address[1] === 0 && address[2] === mappedWord;
}

/**
 * The address in what proxies write around it: `1.2.3.4:5678`, `[2001:db8::1]:443`, `"[2001:db8::1]"`, `fe80::1%eth0`.
 * Returns the bare address as text (lower case), `undefined` when it is not one (`unknown`, `_hidden`, garbage).
 */
export function bareAddress(text: string): string | undefined {
  // As sockets tell it: nothing to take off but the port.
  const colon = text.indexOf(":");
  const host = colon < 0 ? text : text.slice(0, colon);
  if (parseIpv4(host) !== undefined && (colon < 0 || isPort(text, colon + 1))) return host;
  let address = text.trim();
  if (address.length > 64) return undefined;
  if (address.startsWith('"') && address.endsWith('"')) address = address.slice(1, -1);
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(address);
  if (bracketed) address = bracketed[1]!;
  else if (address.indexOf(":") === address.lastIndexOf(":")) address = address.replace(/:\d{1,5}$/, "");
  const zone = address.indexOf("%");
  if (zone > 0) address = address.slice(0, zone);
  return parseIpAddress(address) === undefined ? undefined : address.toLowerCase();
}

/** One to five digits. */
function isPort(text: string, start: number): boolean {
  if (start === text.length || text.length > start + 5) return false;
  for (let index = start; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < zero || code > nine) return false;
  }
  return true;
}
