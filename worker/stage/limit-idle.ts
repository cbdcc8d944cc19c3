// Backend stage: `timeouts.streamIdle` of the rule. A response whose body stands still for so long breaks off.
import { watchBody } from "../forward/watch-body.ts";
import type { BackendScope, Stage } from "./stage.ts";

/** The innermost of those that watch the body, whose pace is the endpoint's. */
export const limitIdle: Stage<BackendScope> = ({ rule }, next) => {
  const idleMs = rule.timeouts.streamIdleMs;
  if (idleMs === undefined) return next;
  return async (exchange) => {
    const response = await next(exchange);
    return response.webSocket ? response : watchBody(response, exchange.lifetime, { idleMs });
  };
};
