// Random frames for property tests.
import * as fc from "fast-check";
import type { Frame } from "../frame.ts";
import type { Fields, OpenHead } from "../head.ts";

const chars = (allowed: string[], maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...allowed), maxLength });
const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String.fromCharCode(from + index));
const octets = ["\t", ...range(0x20, 0x7e), ...range(0x80, 0xff)];
const name = fc.string({
  unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~"),
  minLength: 1,
  maxLength: 20,
});
const text = chars(octets, 40);
const json = fc.jsonValue().map((value) => JSON.stringify(value));
const stream = fc.integer({ min: 1, max: 0x7fff_ffff });
const bytes = fc.uint8Array({ maxLength: 300 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const flag = fc.boolean();
const reason = fc.string({ unit: "grapheme", maxLength: 20 });

const fields: fc.Arbitrary<Fields> = fc.array(fc.tuple(name, text), { maxLength: 8 });

const openHead: fc.Arbitrary<OpenHead> = fc.record({
  kind: fc.constantFrom("http", "websocket", "tcp"),
  endpoint: text,
  method: text,
  scheme: text,
  authority: text,
  target: text,
  fields,
});

/** Every frame that the protocol allows, of every type. */
export const arbitraryFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constantFrom("challenge", "proof", "ready", "refused"), json }),
  fc.record({ type: fc.constant("ping"), ack: flag, token: u32 }),
  fc.record({
    type: fc.constant("goAway"),
    ack: flag,
    lastStream: fc.integer({ min: 0, max: 0x7fff_ffff }),
    code: u16,
    reason,
  }),
  fc.record({ type: fc.constant("control"), last: fc.constant(true), bytes }),
  fc.record({
    type: fc.constant("credit"),
    stream: fc.oneof(fc.constant(0), stream),
    bytes: fc.integer({ min: 1, max: 0x7fff_ffff }),
  }),
  fc.record({ type: fc.constant("open"), stream, end: flag, head: openHead }),
  fc.record({
    type: fc.constant("head"),
    stream,
    end: flag,
    status: fc.integer({ min: 100, max: 599 }),
    fields,
  }),
  fc.record({ type: fc.constant("data"), stream, end: fc.constant(true), bytes }),
  fc.record({
    type: fc.constant("data"),
    stream,
    end: flag,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  }),
  fc.record({ type: fc.constant("trailers"), stream, fields }),
  fc.record({ type: fc.constant("reset"), stream, code: u16, detail: reason }),
  fc.record({ type: fc.constant("message"), stream, text: flag, last: fc.constant(true), bytes }),
  fc.record({
    type: fc.constant("signal"),
    stream,
    kind: fc.constantFrom("ping", "pong"),
    bytes: fc.uint8Array({ maxLength: 125 }),
  }),
  fc.record({
    type: fc.constant("close"),
    stream,
    code: fc.integer({ min: 1000, max: 4999 }),
    reason: fc.string({ unit: "grapheme-ascii", maxLength: 123 }),
  }),
  fc.record({ type: fc.constant("ignored"), number: fc.integer({ min: 0x80, max: 0xff }) }),
) as fc.Arbitrary<Frame>;
