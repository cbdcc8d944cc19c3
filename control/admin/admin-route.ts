// How every route of the admin API is declared: its role, its bound on the body, and its refusals, in one place.
import { type OpenAPIHono, type RouteConfig, createRoute } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import { type Role, adminErrorSchema } from "#contract/admin.ts";
import type { Env } from "../env.ts";
import { Refusal } from "../refusal.ts";
import { type Caller, requireRole } from "../token/authenticate.ts";

export interface AdminEnv {
  Bindings: Env;
  Variables: { caller: Caller };
}
export type AdminApp = OpenAPIHono<AdminEnv>;

/** Bodies of everything but publishing; none of them is over 10 KiB. */
const smallBodyBytes = 64 * 1024;

interface RouteDeclaration<
  Path extends string,
  Method extends RouteConfig["method"],
  Request extends NonNullable<RouteConfig["request"]>,
  Answer extends z.ZodType,
> {
  method: Method;
  path: Path;
  /** The least role that may call it. */
  role: Role;
  summary: string;
  request: Request;
  answer: Answer;
  /** What the answer is, for the document. */
  description: string;
  maxBodyBytes?: number;
}

/** A route with its role in the document (`x-required-role`) and enforced before anything of the request is read. */
export function adminRoute<
  const Path extends string,
  const Method extends RouteConfig["method"],
  const Request extends NonNullable<RouteConfig["request"]>,
  Answer extends z.ZodType,
>(declaration: RouteDeclaration<Path, Method, Request, Answer>) {
  const { method, path, role, summary, request, answer, description } = declaration;
  return createRoute({
    method,
    path,
    summary,
    request,
    security: [{ bearer: [] }],
    "x-required-role": role,
    middleware: [roleRequired(role), bodyBound(declaration.maxBodyBytes ?? smallBodyBytes)] as const,
    responses: {
      200: { description, content: { "application/json": { schema: answer } } },
      default: {
        description: "Refused: 400, 401, 403, 404, 409, 413 or 422 with a code and what to do.",
        content: { "application/json": { schema: adminErrorSchema } },
      },
    },
  });
}

/** The `request` of a route that takes a JSON body. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { body: { required: true, content: { "application/json": { schema } } } } as const;
}

function roleRequired(role: Role): MiddlewareHandler<AdminEnv> {
  return async (context, next) => {
    requireRole(context.get("caller"), role);
    await next();
  };
}

function bodyBound(maxBytes: number): MiddlewareHandler<AdminEnv> {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new Refusal("body_too_large", `The request body is longer than ${maxBytes} bytes.`);
    },
  });
}
