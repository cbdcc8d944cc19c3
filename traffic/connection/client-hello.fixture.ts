// ClientHellos for tests, made part by part so that each length can lie.

export interface HelloParts {
  readonly serverName?: string;
  readonly protocols?: readonly string[];
  /** In place of the extensions that `serverName` and `protocols` make. */
  readonly extensions?: readonly (readonly [type: number, data: readonly number[]])[];
  readonly sessionIdBytes?: number;
}

export const u16 = (value: number): number[] => [value >> 8, value & 0xff];
const vector16 = (bytes: readonly number[]): number[] => [...u16(bytes.length), ...bytes];

const octets = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));

export function serverNameData(name: string): number[] {
  return vector16([0, ...vector16(octets(name))]);
}

export function protocolsData(names: readonly string[]): number[] {
  return vector16(names.flatMap((name) => [name.length, ...octets(name)]));
}

/** The handshake message, without records. */
export function helloMessage({
  serverName,
  protocols,
  extensions,
  sessionIdBytes = 32,
}: HelloParts = {}): number[] {
  const all = extensions ?? [
    // GREASE (RFC 8701) first, as browsers send it.
    [0x1a1a, []] as const,
    ...(serverName === undefined ? [] : [[0, serverNameData(serverName)] as const]),
    ...(protocols === undefined ? [] : [[16, protocolsData(protocols)] as const]),
    [0x002b, [2, 3, 4]] as const,
  ];
  const body = [
    3,
    3,
    ...Array.from({ length: 32 }, (_, index) => index),
    sessionIdBytes,
    ...Array.from({ length: sessionIdBytes }, () => 7),
    ...vector16([0x13, 0x01, 0x13, 0x02]),
    1,
    0,
    ...vector16(all.flatMap(([type, data]) => [...u16(type), ...vector16(data)])),
  ];
  return [1, body.length >> 16, ...u16(body.length & 0xffff), ...body];
}

/** The message in records of at most `recordBytes`. */
export function records(message: readonly number[], recordBytes = 16_384): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    const part = message.slice(at, at + recordBytes);
    out.push(22, 3, 1, ...vector16(part));
  }
  return Uint8Array.from(out);
}
