// Door of a process that owns Durable Objects: other processes reach the objects through it. Bound to a Unix socket that
// only the supervisor's own processes can open, never to a listener.
import { WorkerEntrypoint } from "cloudflare:workers";
import type { Env } from "./env.ts";
import { internalHeaders } from "#contract/internal-headers.ts";
import { parseObjectPath } from "#contract/object-path.ts";
import { objectNamespace, objectStub } from "./objects.ts";

export class StateDoor extends WorkerEntrypoint<Env> {
  override fetch(request: Request): Response | Promise<Response> {
    return answerForObject(request, this.env);
  }
}

/** Sends a request to the object that its header or its path names. */
export function answerForObject(request: Request, env: Env): Response | Promise<Response> {
  const named = request.headers.get(internalHeaders.object);
  const target = parseObjectPath(named ?? new URL(request.url).pathname.slice(1));
  const namespace = target && objectNamespace(env, target.className);
  if (!namespace) return new Response("no such object", { status: 404 });
  // As it is, with the header: a copy would cost as much as the way to the object, and objects do not look at it.
  return objectStub(namespace, target.name).fetch(request);
}
