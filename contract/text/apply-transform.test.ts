// What real HAProxy makes of the same texts (`test/haproxy-converters.test.ts` asks it anew), and what it has no say in.
import { describe, expect, test } from "vitest";
import { textTransformSchema } from "../text-transform.ts";
import { applyTransform, type PlainTransform } from "./apply-transform.ts";
import { hexText, toBytes } from "./bytes.ts";

const made = (text: string, transform: unknown): string | undefined =>
  applyTransform(textTransformSchema.parse(transform) as PlainTransform, text);

test.each([
  ["abc", { type: "Reverse" }, "cba"],
  ["abc", { type: "HexEncode" }, "616263"],
  ["616263", { type: "HexDecode" }, "abc"],
  ["61626", { type: "HexDecode" }, undefined],
  ["YWJj", { type: "Base64Decode" }, "abc"],
  ["YW!j", { type: "Base64Decode" }, undefined],
  ["YWI", { type: "Base64URLDecode" }, "ab"],
  ["/a+b?c+d", { type: "URLDecode" }, "/a+b?c d"],
  ["a%2", { type: "URLDecode" }, undefined],
  ["a+b", { type: "FormDecode" }, "a b"],
  ["abc", { type: "Checksum", checksum: { algorithm: "CRC32" } }, "891568578"],
  ["abc", { type: "Checksum", checksum: { algorithm: "CRC32C" } }, "910901175"],
  ["abc", { type: "Checksum", checksum: { algorithm: "DJB2" } }, "193485963"],
  ["abc", { type: "Checksum", checksum: { algorithm: "SDBM" } }, "807794786"],
  ["abc", { type: "Checksum", checksum: { algorithm: "XXH32", seed: 5 } }, "1562728233"],
  ["abc", { type: "Checksum", checksum: { algorithm: "XXH64" } }, "4952883123889572249"],
  ["abc", { type: "Substring", substring: { start: 1, length: 1 } }, "b"],
  ["abc", { type: "Substring", substring: { start: 5 } }, undefined],
  ["1.2.3.4", { type: "IPMask", ipMask: { ipv4Bits: 23 } }, "1.2.2.0"],
  ["1.2.3.400", { type: "IPMask", ipMask: { ipv4Bits: 23 } }, undefined],
  ["2001:db8:ff::1:2", { type: "IPMask", ipMask: { ipv4Bits: 24, ipv6Bits: 40 } }, "2001:db8::"],
  ["2001:db8::1", { type: "IPMask", ipMask: { ipv4Bits: 24 } }, undefined],
  [":::::", { type: "IPMask", ipMask: { ipv4Bits: 24, ipv6Bits: 24 } }, undefined],
  [
    "9223372036854775807",
    { type: "Arithmetic", arithmetic: { operation: "Add", operand: 1 } },
    "9223372036854775807",
  ],
  [
    "-9223372036854775808",
    { type: "Arithmetic", arithmetic: { operation: "Subtract", operand: 1 } },
    "-9223372036854775808",
  ],
  ["12x", { type: "Arithmetic", arithmetic: { operation: "Multiply", operand: -2 } }, "-24"],
  ["", { type: "Arithmetic", arithmetic: { operation: "Add", operand: 1 } }, undefined],
  ["0", { type: "Choose", choose: { whenTrue: "yes", whenFalse: "no" } }, "no"],
  ["  abc", { type: "Trim", trim: { start: " ", end: "c" } }, "ab"],
  ["a,b;c", { type: "Field", field: { position: 2, delimiters: ",;" } }, "b"],
  ["a,,c", { type: "Field", field: { position: 2, delimiters: "," } }, ""],
  ["a,,c", { type: "Field", field: { position: 2, delimiters: ",", skipEmpty: true } }, "c"],
  ["a,b,c,", { type: "Field", field: { position: 2, delimiters: ",", count: 0 } }, "b,c,"],
  ["a,b,c,d", { type: "Field", field: { position: -2, delimiters: ",", count: 2 } }, "b,c"],
  ["a,b", { type: "Field", field: { position: -2, delimiters: ",", count: 9 } }, "a"],
  ["a,b", { type: "Field", field: { position: 3, delimiters: "," } }, undefined],
  ['"a,\\",b",c', { type: "Field", field: { position: 2, delimiters: ",", quoted: true } }, "c"],
  ["www.shop.test.", { type: "ReverseLabels" }, "test.shop.www"],
  ["www..test", { type: "ReverseLabels" }, undefined],
  ["CN=ann\\, jr,O=Caf\\C3\\A9,C=FR", { type: "OneLineName" }, "/C=FR/O=Caf\u00C3\u00A9/CN=ann, jr"],
  ["0", { type: "HTTPDate" }, "Thu, 01 Jan 1970 00:00:00 GMT"],
  ["9223372036854775807", { type: "HTTPDate" }, undefined],
  ['{"a":{"b.c":[1,"x"]}}', { type: "JSONQuery", jsonQuery: { path: "$.a.b\\.c[1]" } }, "x"],
  ['{"a":{"b":[1,"x"]}}', { type: "JSONQuery", jsonQuery: { path: "$.a.b" } }, '[1,"x"]'],
  ['{"a":12345678}', { type: "JSONQuery", jsonQuery: { path: "$.a" } }, "12345678"],
  ['{"a":false}', { type: "JSONQuery", jsonQuery: { path: "$.a" } }, "0"],
  ['{"a":null}', { type: "JSONQuery", jsonQuery: { path: "$.a" } }, undefined],
  ['{"a":1}', { type: "JSONQuery", jsonQuery: { path: "$.constructor" } }, undefined],
  ['{"a":1}', { type: "JSONQuery", jsonQuery: { path: "$[0]" } }, undefined],
  ["{", { type: "JSONQuery", jsonQuery: { path: "$.a" } }, undefined],
  [
    "fr;q=0.1, de-CH;q=0.9",
    { type: "PreferredLanguage", preferredLanguage: { languages: ["fr", "de"] } },
    "de",
  ],
  ["d", { type: "PreferredLanguage", preferredLanguage: { languages: ["de"] } }, undefined],
  ["*", { type: "PreferredLanguage", preferredLanguage: { languages: ["de"], default: "en" } }, "en"],
])("%s, %o", (text, transform, expected) => {
  expect(made(text, transform)).toBe(expected);
});

describe("digests", () => {
  test.each([
    ["MD5", "900150983CD24FB0D6963F7D28E17F72"],
    ["SHA1", "A9993E364706816ABA3E25717850C26C9CD0D89D"],
    ["SHA256", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"],
  ])("%s (RFC 1321, RFC 6234)", (algorithm, expected) => {
    expect(hexText(toBytes(made("abc", { type: "Digest", digest: { algorithm } })!))).toBe(expected);
  });

  test("with a key, an HMAC", () => {
    const bytes = made("abc", { type: "Digest", digest: { algorithm: "SHA256", hmacKey: "a2V5" } })!;
    expect(hexText(toBytes(bytes))).toBe("9C196E32DC0175F86F4B1CB89289D6619DE6BEE699E4C378E68309ED97A1A6AB");
  });

  test("a key that is no Base64 is none", () => {
    expect(made("abc", { type: "Digest", digest: { algorithm: "SHA256", hmacKey: "!" } })).toBeUndefined();
  });
});
