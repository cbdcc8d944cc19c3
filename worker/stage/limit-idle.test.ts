import { expect, test } from "vitest";
import { createTestGateway, testSnapshot } from "../testing/test-gateway.ts";

const rule = { timeouts: { streamIdleMs: 40 } };
const text = new TextEncoder();

test("a body that stands still breaks off", async () => {
  const gateway = createTestGateway(testSnapshot([rule]), {
    origin: () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(text.encode("first")),
        }),
      ),
  });
  const response = await gateway.ask("http://example.com/");
  const reader = response.body!.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("first");
  await expect(reader.read()).rejects.toThrow();
});

test("one that is slow but alive does not", async () => {
  const gateway = createTestGateway(testSnapshot([rule]), {
    origin: () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await new Promise((done) => setTimeout(done, 10));
            controller.enqueue(text.encode("x"));
            this.left = (this.left ?? 8) - 1;
            if (this.left === 0) controller.close();
          },
        } as UnderlyingSource<Uint8Array> & { left?: number }),
      ),
  });
  expect(await (await gateway.ask("http://example.com/")).text()).toBe("xxxxxxxx");
});
