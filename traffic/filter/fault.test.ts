// Fault injection and mirroring: decisions from given units.
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { filterSchema } from "#contract/http-route.ts";
import type { RequestHead } from "../match/request-head.ts";
import { compileFilters, type FilterPlan } from "./compile.ts";
import { decideFault, type Fault } from "./fault.ts";
import { pickMirrors } from "./mirror.ts";

type FilterInput = z.input<typeof filterSchema>;
type FaultInput = Extract<FilterInput, { type: "FaultInjection" }>["faultInjection"];

const compile = (...filters: FilterInput[]): FilterPlan =>
  compileFilters(filters.map((filter) => filterSchema.parse(filter)));

const head = (headers: Record<string, string> = {}): RequestHead => ({
  method: "GET",
  host: "example.com",
  path: "/",
  query: "",
  header: (name) => headers[name] ?? null,
});

const decide = (faultInjection: FaultInput, units: number[], request = head()): Fault => {
  const { fault } = compile({ type: "FaultInjection", faultInjection });
  return decideFault(fault!, request, () => units.shift() ?? 1);
};

describe("fault injection", () => {
  const delay = { fixedDelay: "1s500ms", percentage: 50 };
  const abort = { httpStatus: 418, percentage: 10 };

  test("delay and abort are drawn apart", () => {
    expect(decide({ delay, abort }, [0.49, 0.09])).toEqual({
      delayMs: 1500,
      answer: { status: 418, headers: [] },
    });
    expect(decide({ delay, abort }, [0.5, 0.09])).toEqual({
      delayMs: 0,
      answer: { status: 418, headers: [] },
    });
    expect(decide({ delay, abort }, [0.49, 0.1])).toEqual({ delayMs: 1500 });
    expect(decide({ delay, abort }, [0.5, 0.1])).toEqual({ delayMs: 0 });
  });

  test("all by default, none at 0", () => {
    expect(decide({ abort: { httpStatus: 503 } }, [0.999_999])).toMatchObject({ answer: { status: 503 } });
    expect(decide({ abort: { httpStatus: 503, percentage: 0 } }, [0])).toEqual({ delayMs: 0 });
  });

  test("gRPC errors are successful responses with a status header", () => {
    const { answer } = decide({ abort: { grpcStatus: 14 } }, [0]);
    expect(answer?.status).toBe(200);
    expect(Object.fromEntries(answer!.headers)).toMatchObject({ "grpc-status": "14" });
  });

  test("only requests with the headers", () => {
    const headers = [{ name: "X-Chaos", value: "on" }];
    expect(decide({ abort, headers }, [0], head({ "x-chaos": "on" }))).toHaveProperty("answer");
    expect(decide({ abort, headers }, [0], head())).toEqual({ delayMs: 0 });
  });

  test("headers that cannot be matched switch it off", () => {
    const headers = [{ type: "RegularExpression" as const, name: "a", value: "(" }];
    expect(decide({ abort, headers }, [0], head({ a: "x" }))).toEqual({ delayMs: 0 });
  });

  test.each<FaultInput>([
    {},
    { abort: {} },
    { abort: { httpStatus: 500, grpcStatus: 1 } },
    { delay: { fixedDelay: "6m" } },
    { delay: { fixedDelay: "soon" } },
    { abort: { httpStatus: 500, percentage: 101 } },
  ])("%j is none", (faultInjection) => {
    expect(filterSchema.safeParse({ type: "FaultInjection", faultInjection }).success).toBe(false);
  });
});

describe("mirrors", () => {
  const mirror = (name: string, more: object = {}): FilterInput => ({
    type: "RequestMirror",
    requestMirror: { backendRef: { name }, ...more },
  });

  test("each is drawn apart, by percent or fraction; all without either", () => {
    const { mirrors } = compile(
      mirror("all"),
      mirror("half", { percent: 50 }),
      mirror("rare", { fraction: { numerator: 1, denominator: 1000 } }),
      mirror("never", { percent: 0 }),
    );
    const pick = (...units: number[]): string[] =>
      pickMirrors(mirrors!, () => units.shift()!).map(({ backend }) => backend);
    expect(pick(0.4, 0.0009, 0)).toEqual(["all", "half", "rare"]);
    expect(pick(0.5, 0.001, 0)).toEqual(["all"]);
  });

  test("percent and fraction exclude each other", () => {
    expect(filterSchema.safeParse(mirror("a", { percent: 1, fraction: { numerator: 1 } })).success).toBe(
      false,
    );
    expect(filterSchema.safeParse(mirror("a", { fraction: { numerator: 101 } })).success).toBe(false);
  });
});
