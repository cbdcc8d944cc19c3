// One step of a text's making. `undefined`: there is no such text, and nothing is left of it.
import { hmac } from "@noble/hashes/hmac.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { sha224, sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import type { DigestAlgorithm, Operation, TextTransform } from "../text-transform.ts";
import { fromBytes, hexText, toBytes } from "./bytes.ts";
import { checksum } from "./checksum.ts";
import { fieldOf } from "./field-of.ts";
import { queryJson } from "./json-query.ts";
import { maskedAddress } from "./masked-address.ts";
import { preferredLanguage } from "./preferred-language.ts";

/** All but expressions, which are compiled once. */
export type PlainTransform = Exclude<TextTransform, { type: "ReplaceRegexMatch" }>;

export function applyTransform(transform: PlainTransform, text: string): string | undefined {
  switch (transform.type) {
    case "Lower":
      return text.toLowerCase();
    case "Upper":
      return text.toUpperCase();
    case "Reverse":
      return [...text].reverse().join("");
    case "URLEncode":
      return encodeText(text);
    case "URLDecode":
      return decodeText(text, text.indexOf("?"));
    case "FormDecode":
      return decodeText(text, 0);
    case "HexEncode":
      return hexText(toBytes(text));
    case "HexDecode":
      return decodeHex(text);
    case "Base64Encode":
      return btoa(fromBytes(toBytes(text)));
    case "Base64URLEncode":
      return btoa(fromBytes(toBytes(text)))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replaceAll("=", "");
    case "Base64Decode":
      return decodeBase64(text);
    case "Base64URLDecode":
      return decodeBase64Url(text);
    case "Length":
      return String(toBytes(text).length);
    case "Substring": {
      const { start, length } = transform.substring;
      return start > text.length
        ? undefined
        : text.slice(start, length === undefined ? undefined : start + length);
    }
    case "Field":
      return fieldOf(text, transform.field);
    case "ReverseLabels":
      return reverseLabels(text);
    case "HTTPDate":
      return httpDate(text);
    case "OneLineName":
      return oneLineName(text);
    case "JSONQuery":
      return queryJson(text, transform.jsonQuery.path);
    case "PreferredLanguage":
      return preferredLanguage(text, transform.preferredLanguage);
    case "Trim":
      return trimmed(text, transform.trim);
    case "Affix":
      return (transform.affix.prefix ?? "") + text + (transform.affix.suffix ?? "");
    case "Digest":
      return digest(transform.digest, text);
    case "Checksum":
      return String(
        BigInt.asIntN(
          64,
          checksum(transform.checksum.algorithm, toBytes(text), transform.checksum.seed ?? 0),
        ),
      );
    case "IPMask":
      return maskedAddress(text, transform.ipMask.ipv4Bits, transform.ipMask.ipv6Bits);
    case "Arithmetic":
      return calculated(text, transform.arithmetic);
    case "Choose":
      return integerOf(text) === 0n ? transform.choose.whenFalse : transform.choose.whenTrue;
  }
}

/** Everything but unreserved characters (RFC 3986 §2.3); half a surrogate pair has no code and is left out. */
export function encodeText(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "")).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `formStart`: from there on, `+` is a space; -1: nowhere. Nothing is left of a text with half an escape. */
function decodeText(text: string, formStart: number): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  const form = formStart < 0 ? text.length : formStart;
  return (text.slice(0, form) + text.slice(form).replaceAll("+", " ")).replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 16)),
  );
}

function decodeHex(text: string): string | undefined {
  if (text.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(text)) return undefined;
  return text.replace(/../g, (digits) => String.fromCharCode(parseInt(digits, 16)));
}

/** With padding, and nothing else in it. */
function decodeBase64(text: string): string | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return atob(text);
}

function decodeBase64Url(text: string): string | undefined {
  if (text.length % 4 === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
}

function trimmed(
  text: string,
  { start = "", end = "" }: { start?: string | undefined; end?: string | undefined },
): string {
  let from = 0;
  let to = text.length;
  while (from < to && start.includes(text[from]!)) from += 1;
  while (to > from && end.includes(text[to - 1]!)) to -= 1;
  return text.slice(from, to);
}

/** A dot at the end does not count; a name with an empty label is none. */
function reverseLabels(text: string): string | undefined {
  const labels = text.replace(/\.$/, "").split(".");
  return labels.includes("") ? undefined : labels.reverse().join(".");
}

/** The last of the attributes comes first (RFC 2253 §2.1); octets and special characters are as they are. */
function oneLineName(text: string): string {
  const attributes = text.match(/(?:[^,\\]|\\.)+/g) ?? [];
  const plain = attributes.map((attribute) =>
    attribute.replace(/\\([0-9A-Fa-f]{2}|.)/g, (_, escaped: string) =>
      escaped.length === 2 ? String.fromCharCode(parseInt(escaped, 16)) : escaped,
    ),
  );
  return plain
    .reverse()
    .map((attribute) => `/${attribute}`)
    .join("");
}

/** RFC 9110 §5.6.7. */
function httpDate(text: string): string | undefined {
  const date = new Date(Number(integerOf(text)) * 1_000);
  return text === "" || Number.isNaN(date.getTime()) ? undefined : date.toUTCString();
}

const hashes: Readonly<Record<DigestAlgorithm, typeof sha256 | typeof md5>> = {
  MD5: md5,
  SHA1: sha1,
  SHA224: sha224,
  SHA256: sha256,
  SHA384: sha384,
  SHA512: sha512,
};

function digest(
  { algorithm, hmacKey }: { algorithm: DigestAlgorithm; hmacKey?: string | undefined },
  text: string,
): string | undefined {
  const hash = hashes[algorithm];
  if (hmacKey === undefined) return fromBytes(hash(toBytes(text)));
  const key = decodeBase64(hmacKey);
  return key === undefined ? undefined : fromBytes(hmac(hash, toBytes(key), toBytes(text)));
}

/** The number that a text begins with; 0 where there is none. */
export function integerOf(text: string): bigint {
  const digits = /^\s*([+-]?[0-9]{1,40})/.exec(text)?.[1];
  return digits === undefined ? 0n : within(BigInt(digits));
}

const largest = 2n ** 63n - 1n;

function within(value: bigint): bigint {
  if (value > largest) return largest;
  return value < -largest - 1n ? -largest - 1n : value;
}

function calculated(
  text: string,
  { operation, operand }: { operation: Operation; operand: number },
): string | undefined {
  if (text === "") return undefined;
  return String(within(calculate(operation, integerOf(text), BigInt(operand))));
}

function calculate(operation: Operation, one: bigint, other: bigint): bigint {
  switch (operation) {
    case "Add":
      return one + other;
    case "Subtract":
      return one - other;
    case "Multiply":
      return one * other;
    // What is divided by nothing is without bounds.
    case "Divide":
      return other === 0n ? largest : one / other;
    case "Modulo":
      return other === 0n ? 0n : one % other;
    case "And":
      return BigInt.asIntN(64, one & other);
    case "Or":
      return BigInt.asIntN(64, one | other);
    case "Xor":
      return BigInt.asIntN(64, one ^ other);
  }
}
