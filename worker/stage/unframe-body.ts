// Rule stage, the first one: a body that a front door has put into frames, because trailers may follow it, is a plain body
// to all other stages (decision 0020). On its way to a hub it is put into frames again.
import { RequestTrailers } from "../forward/request-trailers.ts";
import type { RuleScope, Stage } from "./stage.ts";

export const unframeBody: Stage<RuleScope> = (_scope, next) => (exchange) => {
  const { method, request } = exchange;
  // No front door frames the body of a GET or HEAD.
  if (method === "GET" || method === "HEAD" || request.body === null) return next(exchange);
  // Only a front door can write this.
  const announced = (request.cf as { requestTrailers?: unknown } | undefined)?.requestTrailers;
  if (typeof announced === "string") {
    exchange.trailers = new RequestTrailers(announced);
    exchange.replacedBody = exchange.trailers.unframe(request.body);
  }
  return next(exchange);
};
