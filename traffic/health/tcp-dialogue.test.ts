import { expect, test } from "vitest";
import type { ActiveHealthCheck } from "#contract/snapshot.ts";
import { tcpExchangeSchema } from "#contract/tcp-exchange.ts";
import { fromBytes, toBytes } from "#contract/text/bytes.ts";
import { compileDialogue } from "./tcp-dialogue.ts";

/** In place of an answer: the endpoint has nothing more to say. */
const end = "END";

/** What is said at first and after each part of the answer, and the verdict. */
function talk(tcp: NonNullable<ActiveHealthCheck["tcp"]>, ...answers: readonly string[]): string[] {
  const dialogue = compileDialogue(tcp)();
  const said = [fromBytes(dialogue.begin())];
  for (const answer of answers) {
    if (dialogue.isOver) break;
    if (answer === end) dialogue.end();
    else said.push(fromBytes(dialogue.take(toBytes(answer))));
  }
  const { ok, detail } = dialogue.result();
  return [...said, ok ? "ok" : detail, ...(dialogue.isOver ? [] : ["waits"])];
}

const exchange = (fields: Parameters<typeof tcpExchangeSchema.parse>[0]) => tcpExchangeSchema.parse(fields);

test("a connection that opens is enough where nothing is expected", () => {
  expect(talk({})).toEqual(["", "ok"]);
  expect(talk({ send: "PING" })).toEqual(["PING", "ok"]);
});

test("the answer must contain the text, in however many parts it comes", () => {
  const tcp = { send: "PING", receive: "PONG" };
  expect(talk(tcp, "+PO", "NG")).toEqual(["PING", "", "", "ok"]);
  expect(talk(tcp, "-ERR")).toEqual(["PING", "", 'connected, but the answer lacks "PONG"', "waits"]);
  expect(talk({ receive: "größe" }, fromBytes(new TextEncoder().encode("größe")))).toEqual(["", "", "ok"]);
});

test("exchanges take turns; what has come before something is sent counts no more", () => {
  const tcp = {
    exchanges: [
      exchange({ send: "PING\r\n", receive: "+PONG" }),
      exchange({ send: "info\r\n", receive: "role:master" }),
      exchange({ send: "QUIT\r\n", receive: "+OK" }),
    ],
  };
  expect(talk(tcp, "+PONG\r\n", "role:master\r\n", "+OK\r\n")).toEqual([
    "PING\r\n",
    "info\r\n",
    "QUIT\r\n",
    "",
    "ok",
  ]);
  expect(talk(tcp, "+PONG role:master\r\n")).toEqual([
    "PING\r\n",
    "info\r\n",
    'connected, but the answer lacks "role:master" in exchange 2 of 3',
    "waits",
  ]);
});

test("an exchange that sends nothing goes on with what has come", () => {
  const exchanges = [
    exchange({ receive: "220 " }),
    exchange({ receive: "ESMTP" }),
    exchange({ send: "QUIT" }),
  ];
  expect(talk({ exchanges }, "220 mail ESMTP\r\n")).toEqual(["", "QUIT", "ok"]);
});

test("octets, and expressions over them", () => {
  const exchanges = [
    exchange({ send: "AAEC", receive: "/w==", encoding: "Base64" }),
    exchange({ receivePattern: ".*\\xFE" }),
  ];
  expect(talk({ exchanges }, "\u00ff", "\u00fe")).toEqual(["\u0000\u0001\u0002", "", "", "ok"]);
});

test("an endpoint that says much is read no further than 16 KiB", () => {
  expect(talk({ receive: "end" }, "x".repeat(20_000), "end")).toEqual([
    "",
    "",
    'connected, but the answer lacks "end"',
  ]);
});

test("what must not come is known at the end, or once enough has come", () => {
  const exchanges = [exchange({ receivePattern: "error.*", invert: true }), exchange({ receive: "valid" })];
  expect(talk({ exchanges }, "valid")).toEqual([
    "",
    "",
    'connected, but the answer may have "error.*" in exchange 1 of 2',
    "waits",
  ]);
  expect(talk({ exchanges }, "valid", end)).toEqual(["", "", "ok"]);
  expect(talk({ exchanges }, "error", "valid")).toEqual([
    "",
    "",
    'connected, but the answer may have "error.*" in exchange 1 of 2',
  ]);
  const early = [{ ...exchanges[0]!, minReceivedBytes: 5 }, exchanges[1]!];
  expect(talk({ exchanges: early }, "vali", "d")).toEqual(["", "", "", "ok"]);
});

test("what is long enough is judged as it is", () => {
  const exchanges = [exchange({ receive: "OK", minReceivedBytes: 3 })];
  expect(talk({ exchanges }, "OK", "!")).toEqual(["", "", "", "ok"]);
  expect(talk({ exchanges }, "NO!")).toEqual(["", "", 'connected, but the answer lacks "OK"']);
});

test.each([
  [{}, "expected send, receive or receivePattern"],
  [{ send: "ab", encoding: "Base64" }, "expected base64"],
  [{ receive: "a b=", encoding: "Base64" }, "expected base64"],
  [{ receivePattern: "(" }, "("],
  [{ send: "a", invert: true }, "expected receive or receivePattern"],
])("an exchange that cannot be: %j", (fields, message) => {
  const result = tcpExchangeSchema.safeParse(fields);
  expect(result.success ? "" : result.error.message).toContain(message);
});
