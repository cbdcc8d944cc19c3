import { describe, expect, test } from "vitest";
import { createTestGateway, testBackend, testSnapshot } from "../testing/test-gateway.ts";

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

describe("connect timeout", () => {
  const never = (): Promise<Response> => new Promise(() => undefined);

  test("an endpoint that takes no connection is given up on, and what may be repeated goes elsewhere", async () => {
    const backend = { ...testBackend("pods", 1, 2), connectTimeoutMs: 40 };
    const gateway = createTestGateway(testSnapshot([{}], [backend]), {
      origin: (_request, endpoint) => (endpoint.endsWith(":1") ? never() : new Response(endpoint)),
      answers: (endpoint) => !endpoint.endsWith(":1"),
    });
    const ask = async (method: string): Promise<string[]> => {
      const answers = [await gateway.ask("http://example.com/", { method })];
      answers.push(await gateway.ask("http://example.com/", { method }));
      return answers.map(({ status, headers }) => `${status} ${headers.get("isthmus-error")}`).sort();
    };
    expect(await ask("GET")).toEqual(["200 null", "200 null"]);
    expect(await ask("POST")).toEqual(["200 null", "504 endpoint_connect_timeout"]);
  });

  test("one that takes connections is waited for, and looked for once by all that wait", async () => {
    const { origin, answer } = slowOrigin();
    const looks: string[] = [];
    const backend = { ...testBackend("pods", 1), connectTimeoutMs: 40 };
    const gateway = createTestGateway(testSnapshot([{}], [backend]), {
      origin,
      answers: (endpoint) => looks.push(endpoint) > 0,
    });
    const asked = Array.from({ length: 5 }, () => gateway.ask("http://example.com/"));
    await scheduler.wait(120);
    answer("late");
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(looks).toEqual(["127.0.0.1:1"]);
  });

  test("one that answers in time is not looked for", async () => {
    const looks: string[] = [];
    const backend = { ...testBackend("pods", 1), connectTimeoutMs: 40 };
    const gateway = createTestGateway(testSnapshot([{}], [backend]), {
      answers: (endpoint) => looks.push(endpoint) > 0,
    });
    expect((await gateway.ask("http://example.com/")).status).toBe(200);
    await scheduler.wait(60);
    expect(looks).toEqual([]);
  });

  test("the time for the head counts where it is shorter, and after an endpoint was found to be there", async () => {
    const codeOf = async (backendHeadMs: number, reachable: boolean): Promise<string | null> => {
      const backend = { ...testBackend("pods", 1), connectTimeoutMs: 60 };
      const gateway = createTestGateway(testSnapshot([{ timeouts: { backendHeadMs } }], [backend]), {
        origin: never,
        answers: () => reachable,
      });
      return (await gateway.ask("http://example.com/")).headers.get("isthmus-error");
    };
    expect(await codeOf(40, false)).toBe("backend_request_timeout");
    expect(await codeOf(90, true)).toBe("backend_request_timeout");
    expect(await codeOf(90, false)).toBe("endpoint_connect_timeout");
  });
});
