// Fetches of the response (§7.3.6) as parts of texts.
import { responseFactSchema, type RequestText } from "#contract/request-text.ts";
import { elementParts } from "./request-parts.ts";
import type { Call } from "./sample.ts";
import { factsIn } from "./text-parts.ts";

/** `undefined`: it cannot be had here. */
export function responseParts({ name, args }: Call): RequestText | undefined {
  switch (name) {
    case "status":
      return [{ from: "Status" }];
    case "srv_name":
      return [{ from: "EndpointName" }];
  }
  const [argument = "", ...others] = args;
  if (argument === "") return undefined;
  switch (name.replace(/^res[._]/, "")) {
    case "hdr":
      return elementParts({ from: "ResponseHeader", name: argument.toLowerCase() }, others);
    case "fhdr":
      return others.length === 0 ? [{ from: "ResponseHeader", name: argument.toLowerCase() }] : undefined;
    case "cook":
      return others.length === 0 ? [{ from: "ResponseCookie", name: argument }] : undefined;
    default:
      return undefined;
  }
}

/** Names of the headers of the response that a text is made of, in lower case. */
export function responseHeadersIn(parts: RequestText): string[] {
  return factsIn(parts).flatMap(({ from, name = "" }) =>
    from === "ResponseHeader" ? [name] : from === "ResponseCookie" ? ["set-cookie"] : [],
  );
}

export function isOfResponse(parts: RequestText): boolean {
  return factsIn(parts).some(({ from }) => responseFactSchema.options.some((fact) => fact === from));
}
