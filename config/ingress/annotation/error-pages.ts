// `default-backend` and `custom-http-errors`: who answers where a Service cannot, or has an error to tell.
import type { Annotations } from "./annotations.ts";

export interface ErrorPages {
  /** Name of the Service that answers where another one has no endpoints, and has the pages of errors. */
  readonly service: string | undefined;
  /** Statuses whose responses its pages stand for. */
  readonly statuses: readonly number[];
}

export function readErrorPages(annotations: Annotations): ErrorPages {
  const service = annotations.text("default-backend");
  const codes = annotations.list("custom-http-errors");
  for (const code of codes) {
    if (!/^[3-5]\d\d$/.test(code)) annotations.invalid("custom-http-errors", "statuses, separated by commas");
  }
  if (codes.length === 0 || annotations.flag("disable-proxy-intercept-errors"))
    return { service, statuses: [] };
  if (service === undefined) {
    annotations.ignored(
      "custom-http-errors",
      "the default backend of the controller is not in the files, so errors reach the client as they are",
      "Name the Service that has the pages in the annotation default-backend.",
    );
  }
  return { service, statuses: [...new Set(codes.map(Number))] };
}
