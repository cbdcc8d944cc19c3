// Hono's router for an app of one route: all requests are the gateway's, whose own matcher knows the routes.
import type { Result, Router } from "hono/router";

export class OneRouteRouter<T> implements Router<T> {
  readonly name = "OneRouteRouter";
  #found: Result<T> = [[]];

  /** `handler` gets every request, whatever its method and path. */
  add(_method: string, _path: string, handler: T): void {
    this.#found = [[[handler, {}]]];
  }

  match(): Result<T> {
    return this.#found;
  }
}
