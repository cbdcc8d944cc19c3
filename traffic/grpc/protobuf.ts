// Messages of Protocol Buffers as they are on the wire (https://protobuf.dev/programming-guides/encoding/): as much of it
// as the few messages ask for that are written and read here.

/** A value of a field: text, octets, a number that is not negative, or a message of its own. Nothing is a message's default. */
export type ProtoField = readonly [
  field: number,
  value: string | number | Uint8Array | readonly ProtoField[],
];

const varint = 0;
const lengthDelimited = 2;
/** Octets of the types that have a fixed length, fixed64 and fixed32. */
const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeMessage(fields: readonly ProtoField[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const [field, value] of fields) {
    if (typeof value === "number") {
      parts.push(encodeVarints(field * 8 + varint, value));
      continue;
    }
    const octets = octetsOf(value);
    parts.push(encodeVarints(field * 8 + lengthDelimited, octets.length), octets);
  }
  return joined(parts);
}

function octetsOf(value: string | Uint8Array | readonly ProtoField[]): Uint8Array {
  if (typeof value === "string") return encoder.encode(value);
  return value instanceof Uint8Array ? value : encodeMessage(value);
}

/** Seven bits an octet, the lowest first. */
function encodeVarints(...values: number[]): Uint8Array {
  const octets: number[] = [];
  for (let value of values) {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) octets.push((value % 0x80) + 0x80);
    octets.push(value);
  }
  return Uint8Array.from(octets);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** A message that has come in. */
export class ProtoMessage {
  readonly #fields: readonly (readonly [field: number, value: number | Uint8Array])[];

  /** Throws for octets that are no message. */
  constructor(octets: Uint8Array) {
    this.#fields = [...decodeFields(octets)];
  }

  /** Each time that the field stands there; of numbers and single messages the last one counts. */
  all(field: number): Uint8Array[] {
    return this.#fields.flatMap(([name, value]) =>
      name === field && typeof value !== "number" ? value : [],
    );
  }

  has(field: number): boolean {
    return this.#fields.some(([name]) => name === field);
  }

  number(field: number): number {
    const value = this.#fields.findLast(([name]) => name === field)?.[1];
    return typeof value === "number" ? value : 0;
  }

  text(field: number): string {
    return decoder.decode(this.all(field).at(-1));
  }

  texts(field: number): string[] {
    return this.all(field).map((octets) => decoder.decode(octets));
  }

  message(field: number): ProtoMessage {
    return new ProtoMessage(this.all(field).at(-1) ?? new Uint8Array());
  }

  messages(field: number): ProtoMessage[] {
    return this.all(field).map((octets) => new ProtoMessage(octets));
  }
}

function* decodeFields(octets: Uint8Array): Generator<[field: number, value: number | Uint8Array]> {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    const end = offset + length;
    if (end > octets.length) throw new Error("a message is cut short");
    const taken = octets.subarray(offset, end);
    offset = end;
    return taken;
  };
  /** Of the 64 bits those that a number here can hold; no field that is read has more. */
  const takeVarint = (): number => {
    let value = 0;
    for (let place = 0; place < 10; place += 1) {
      const [octet = 0] = take(1);
      value += (octet % 0x80) * 0x80 ** place;
      if (octet < 0x80) return value;
    }
    throw new Error("a number of a message has no end");
  };
  while (offset < octets.length) {
    const tag = takeVarint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (type === varint) yield [field, takeVarint()];
    else if (type === lengthDelimited) yield [field, take(takeVarint())];
    else if (fixedBytes[type] !== undefined) take(fixedBytes[type]);
    else throw new Error(`a message has a field of type ${type}`);
  }
}
