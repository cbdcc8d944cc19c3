// `default-backend` and `custom-http-errors`: who answers where a Service cannot, or has an error to tell.
import type { Annotations } from "./annotations.ts";

/** Name of the Service that answers where another one has no endpoints. */
export function readErrorPages(annotations: Annotations): string | undefined {
  for (const code of annotations.list("custom-http-errors")) {
    if (!/^[3-5]\d\d$/.test(code)) annotations.invalid("custom-http-errors", "statuses, separated by commas");
  }
  if (
    annotations.text("custom-http-errors") !== undefined &&
    !annotations.flag("disable-proxy-intercept-errors")
  ) {
    annotations.ignored(
      "custom-http-errors",
      "errors reach the client as endpoints answer them, without the page of the default backend",
      "Write the page as a ResponseOverride of a native route.",
    );
  }
  return annotations.text("default-backend");
}
