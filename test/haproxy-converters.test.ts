// Converters of haproxy.cfg on texts of the request: what the gateway makes of each input is what real HAProxy makes of it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";

/** Behind `req.fhdr(x)`, the whole field. */
const converters = [
  "lower",
  "upper",
  "length",
  "hex",
  "base64",
  "ub64enc",
  "b64dec,hex",
  "ub64dec,hex",
  "url_enc",
  "url_dec",
  "url_dec(1)",
  "sha1,hex",
  "sha1,base64",
  "sha2,hex",
  "sha2(384),hex",
  "sha2(512),base64",
  "digest(md5),hex,lower",
  "digest(sha224),hex",
  "hmac(sha256,a2V5),hex",
  "hmac(sha1,a2V5),base64",
  "crc32",
  "crc32c",
  "djb2",
  "sdbm",
  "xxh32",
  "xxh32(7)",
  "xxh64",
  "xxh64(7)",
  "crc32,mod(10)",
  "bytes(2)",
  "bytes(1,3)",
  "bytes(40)",
  "ltrim( a)",
  "rtrim( c)",
  "concat(-)",
  "concat(-,txn.word)",
  "concat(-,txn.word,+),sha1,hex",
  "ipmask(24)",
  "ipmask(255.255.0.0,64)",
  "ipmask(8,48)",
  "add(3)",
  "sub(5)",
  "mul(-2)",
  "div(3)",
  "div(0)",
  "mod(4)",
  "and(12)",
  "or(1)",
  "xor(7)",
  "neg",
  "cpl",
  "not",
  "bool",
  "odd",
  "even",
  "iif(yes,no)",
  "length,add(1)",
  "field(2,.)",
  "word(2,.)",
  "regsub(a,b)",
  "regsub(a,b,g)",
  "regsub(^a,b)",
  "lower,sha1,hex",
  "field(-1,.)",
  "field(-2,.,2)",
  "field(1,.,2)",
  "field(2,.,0)",
  "word(-1,.)",
  "word(-2,.,2)",
  "word(1,.,2)",
  "word(2,.,0)",
  "word(4,._,3)",
  "language(fr;en-gb;de)",
  "language(fr;de,none)",
  "json_query(\\$.a)",
  "json_query(\\$.b)",
  "json_query(\\$.o.n)",
  "json_query(\\$.list[1])",
  "json_query(\\$.o.n,int),add(1)",
  "jwt_header_query(\\$.alg)",
  "jwt_payload_query(\\$.sub)",
  "jwt_payload_query(\\$.exp,int),sub(1)",
  "concat(-,txn.x),sha1,hex",
  "regsub(a,b),concat(.,txn.x,.),upper,length",
  "crc32,http_date",
] as const;

const inputs = [
  "abc",
  "a",
  "Hello, World. This is a text of more than thirty-two bytes, for every lane of a hash.",
  "0123456789abcdef",
  "192.0.2.77",
  "2001:db8:1:2:3:4:5:6",
  "YWJj",
  "YWI",
  "YWI=",
  "a%20b+c?d+e%41",
  "a%2",
  "-17",
  "12x",
  "9223372036854775807",
  "a.b.c",
  "..a..b",
  "a.b.c..d",
  "fr;q=0.5, de ; q=0.7,*;q=0.1",
  "en",
  "en-gb-x,de-ch;q=0.9",
  '{"a":"x","list":["p",1],"o":{"n":42},"b":true}',
  '{"a":true,"o":{"n":"7"}}',
  "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE3MDAwMDAwMDB9.c2ln",
] as const;

/** What HAProxy 2.6 makes of these has no sense in it: padding as a digit, the sum of two negative numbers as the largest. */
const misread: Readonly<Record<string, readonly string[]>> = { "ub64dec,hex": ["YWI="], "sub(5)": ["-17"] };

/** As many as one text has room for, each in a line of the answer. */
const groups = Array.from({ length: Math.ceil(converters.length / 8) }, (_, index) => ({
  path: `/group${index}`,
  members: converters.slice(8 * index, 8 * index + 8),
}));

const config = ({ web }: { web: number }): string => `
${httpDefaults}frontend web
  bind 127.0.0.1:${web}
  http-request set-var(txn.word) str(word)
  http-request set-var(txn.x) req.fhdr(x)
${groups
  .map(({ path, members }) => {
    const text = members.map((converter) => `<%[req.fhdr(x),${converter}]>`).join("|");
    return `  http-request return status 200 content-type text/plain lf-string "${text}" if { path ${path} }`;
  })
  .join("\n")}
`;

describe.skipIf(haproxyMissing() !== undefined)("converters, beside real HAProxy", () => {
  let running: BesideHaproxy<"web">;

  beforeAll(async () => {
    running = await startBesideHaproxy({ ports: ["web"], config });
  });
  afterAll(() => running?.stop());

  test.each(groups)("$members", async ({ path, members }) => {
    const answers = async (port: number, input?: string): Promise<Record<string, string>> => {
      const headers: Record<string, string> = input === undefined ? {} : { x: input };
      const { status, body } = await ask({ port, host: "a.test", path, headers });
      expect(status).toBe(200);
      const made = body.split("|").map((text, index) => [members[index]!, text] as const);
      return Object.fromEntries(made.filter(([name]) => !misread[name]?.includes(input ?? "")));
    };
    const { ours, theirs } = running;
    // Without the field there is nothing to convert.
    for (const input of [...inputs, undefined]) {
      expect({ input, ...(await answers(ours.web, input)) }).toEqual({
        input,
        ...(await answers(theirs.web, input)),
      });
    }
  });
});
