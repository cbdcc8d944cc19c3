// The one place where a refusal, or anything else that was thrown, becomes a response of this program.
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { z } from "zod";
import { Refusal, refusalFor } from "../refusal.ts";
import { isObservation } from "./observation-path.ts";

/** Problems named in one answer; more would not be read. */
const maxIssues = 8;

/** Hono's error handler. */
export async function answerError(error: Error, c: Context): Promise<Response> {
  const refusal = error instanceof HTTPException ? await badRequest(c, error) : refusalFor(error);
  if (refusal.status === 401) {
    // What browsers ask their user for is a password.
    const scheme = isObservation(c.req.path) ? "Basic" : "Bearer";
    c.header("www-authenticate", `${scheme} realm="isthmus"`);
  }
  c.header("cache-control", "no-store");
  return c.json(refusal.body, refusal.status);
}

/** Validation hook of `@hono/zod-openapi`: place and expectation of each problem in words. */
export function requireValid(
  result:
    { target: string; success: true } | { target: string; success: false; error: Pick<z.ZodError, "issues"> },
): void {
  if (result.success) return;
  throw invalidRequest(result.target === "json" ? "body" : result.target, result.error.issues);
}

export function invalidRequest(target: string, issues: readonly z.core.$ZodIssue[]): Refusal {
  const problems = issues.slice(0, maxIssues).map(({ path, message }) => {
    const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
    return `${target}${place}: ${message}`;
  });
  return new Refusal("request_invalid", problems.join("; "));
}

/** Hono throws these for bodies that are not JSON. It does not say where, JSON.parse does. */
async function badRequest(c: Context, error: HTTPException): Promise<Refusal> {
  if (error.status === 415) {
    return new Refusal("media_type_unsupported", "The body has to be content-type: application/json.");
  }
  if (error.status !== 400) return refusalFor(error);
  try {
    JSON.parse(await c.req.text());
    return new Refusal("request_invalid", error.message);
  } catch (cause) {
    return new Refusal("request_invalid", `body: not JSON: ${(cause as Error).message}`);
  }
}
