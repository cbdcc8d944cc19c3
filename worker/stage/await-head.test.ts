import { expect, test } from "vitest";
import { createTestGateway, testSnapshot } from "../testing/test-gateway.ts";

const rule = { timeouts: { backendHeadMs: 40 } };

/** Answers once it is let. */
function slowOrigin() {
  let answer: (response: Response) => void = () => undefined;
  const answered = new Promise<Response>((done) => {
    answer = done;
  });
  return { origin: () => answered, answer: (text: string) => answer(new Response(text)) };
}

test("an endpoint that does not begin to answer is given up on", async () => {
  const gateway = createTestGateway(testSnapshot([rule]), {
    origin: ({ signal }) =>
      new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason as Error))),
  });
  const response = await gateway.ask("http://example.com/");
  expect(response.status).toBe(504);
  expect(response.headers.get("isthmus-error")).toBe("backend_request_timeout");
});

test("a body may take longer than the head", async () => {
  const text = new TextEncoder();
  const gateway = createTestGateway(testSnapshot([rule]), {
    origin: () =>
      new Response(
        new ReadableStream({
          async start(controller) {
            await new Promise((done) => setTimeout(done, 80));
            controller.enqueue(text.encode("late"));
            controller.close();
          },
        }),
      ),
  });
  expect(await (await gateway.ask("http://example.com/")).text()).toBe("late");
});

test("a request with a body is waited for", async () => {
  const { origin, answer } = slowOrigin();
  const gateway = createTestGateway(testSnapshot([rule]), { origin });
  const response = gateway.ask("http://example.com/", { method: "POST", body: "x" });
  setTimeout(() => answer("done"), 80);
  expect(await (await response).text()).toBe("done");
});
