import { expect, test } from "vitest";
import { compressionSchema } from "#contract/compression.ts";
import { limits } from "#contract/limits.ts";
import { createTestGateway, testBackend, testSnapshot, type TestGateway } from "../testing/test-gateway.ts";

const url = "http://example.com/";
const headers = { "accept-encoding": "br" };
/** An encoder of Brotli at its default level. */
const encoderBytes = 1024 * 1024;

/** Answers whose bodies go on until the client leaves. */
function endless(): TestGateway {
  const compression = compressionSchema.parse({ compressors: [{ type: "Brotli" }] });
  const body = (): ReadableStream<Uint8Array> =>
    new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1_000)) });
  return createTestGateway(testSnapshot([{ compression }], [testBackend("pods", 1)]), {
    origin: () => new Response(body(), { headers: { "content-type": "text/html" } }),
  });
}

const codingOf = (response: Response): string | null => response.headers.get("content-encoding");

test("what all encoders hold is bounded; beyond it responses pass as they are, until others have ended", async () => {
  const gateway = endless();
  const open = await Promise.all(
    Array.from({ length: limits.encoderBytes / encoderBytes }, () => gateway.ask(url, { headers })),
  );
  expect(new Set(open.map(codingOf))).toEqual(new Set(["br"]));
  const beyond = await gateway.ask(url, { headers });
  expect([codingOf(beyond), beyond.headers.get("vary")]).toEqual([null, "Accept-Encoding"]);
  const reader = beyond.body!.getReader();
  expect((await reader.read()).value).toHaveLength(1_000);
  await reader.cancel();
  await open[0]!.body!.cancel();
  const next = await gateway.ask(url, { headers });
  expect(codingOf(next)).toBe("br");
  await Promise.all([...open.slice(1), next].map((response) => response.body!.cancel()));
});

test("a short body that breaks off is an error of its own", async () => {
  const compression = compressionSchema.parse({});
  const gateway = createTestGateway(testSnapshot([{ compression }], [testBackend("pods", 1)]), {
    origin: () => {
      const { readable, writable } = new FixedLengthStream(100);
      void writable.abort(new Error("gone")).catch(() => undefined);
      return new Response(readable, { headers: { "content-type": "text/html", "content-length": "100" } });
    },
  });
  const response = await gateway.ask(url, { headers: { "accept-encoding": "gzip" } });
  expect([response.status, response.headers.get("isthmus-error")]).toEqual([502, "endpoint_reset"]);
});
