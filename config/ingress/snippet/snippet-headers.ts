// Statements of snippets that set, add and clear headers.
import { requestFactSchema } from "#contract/header-modifier.ts";
import { headerNameSchema, headerValueSchema, preciseHostnameSchema } from "#contract/http-route.ts";
import { locationVariables, type LocationFacts } from "../annotation/headers.ts";
import { requestParts } from "../annotation/nginx-variables.ts";
import type { FilterInput } from "../rule-parts.ts";
import type { SnippetContext, StatementReader } from "./snippet-context.ts";

export const headerReaders: Readonly<Record<string, StatementReader>> = {
  more_set_headers: (words, context) => setHeaders("ResponseHeaderModifier", words, context),
  more_set_input_headers: (words, context) => setHeaders("RequestHeaderModifier", words, context),
  more_clear_headers: (words, context) => removeHeaders("ResponseHeaderModifier", words, context),
  more_clear_input_headers: (words, context) => removeHeaders("RequestHeaderModifier", words, context),
  proxy_hide_header: (words, context) => removeHeaders("ResponseHeaderModifier", words, context),
  add_header: addHeader,
  proxy_set_header: setRequestHeader,
};

type HeaderFilter = "RequestHeaderModifier" | "ResponseHeaderModifier";
type Modifier = Extract<FilterInput, { type: "RequestHeaderModifier" }>["requestHeaderModifier"];

function modifierFilter(type: HeaderFilter, modifier: Modifier): FilterInput {
  return type === "RequestHeaderModifier"
    ? { type, requestHeaderModifier: modifier }
    : { type, responseHeaderModifier: modifier };
}

/** Each word is `Name: value`; without a value the header is cleared. */
function setHeaders(type: HeaderFilter, words: readonly string[], context: SnippetContext): boolean {
  return (
    words.length > 0 &&
    words.every((word) => {
      const [, name = "", value = ""] = /^([^:\s]+)\s*:?\s*(.*)$/s.exec(word) ?? [];
      return value === ""
        ? removeHeaders(type, [name], context)
        : writeHeader(type, "set", name, value, context);
    })
  );
}

function removeHeaders(type: HeaderFilter, words: readonly string[], { filters }: SnippetContext): boolean {
  const names = words.flatMap((word) => word.split(/[\s,]+/)).map((name) => name.replace(/:$/, ""));
  if (names.length === 0 || !names.every(isHeaderName)) return false;
  filters.push(() => modifierFilter(type, { remove: names }));
  return true;
}

function isHeaderName(name: string): boolean {
  return headerNameSchema.safeParse(name).success && !name.startsWith("-") && !name.includes("*");
}

function addHeader([name = "", value = "", always]: readonly string[], context: SnippetContext): boolean {
  if (value === "" || !writeHeader("ResponseHeaderModifier", "add", name, value, context)) return false;
  if (always !== "always") {
    context.annotations.approximated(
      context.name,
      `add_header ${name}: the header is added whatever the status`,
    );
  }
  return true;
}

/** Variables are filled in: of the location now, of the request when it comes. */
function writeHeader(
  type: HeaderFilter,
  how: "set" | "add",
  name: string,
  value: string,
  { name: snippet, annotations, filters }: SnippetContext,
): boolean {
  if (!isHeaderName(name) || !headerValueSchema.safeParse(value).success) return false;
  if (!requestParts(value, locationVariables(noLocation))) {
    annotations.ignored(
      snippet,
      `${name}: ${JSON.stringify(value)} has variables that cannot be filled in, so ${type === "RequestHeaderModifier" ? "endpoints" : "clients"} do not get the header`,
    );
    filters.push(() => modifierFilter(type, { remove: [name] }));
    return true;
  }
  filters.push((facts) => {
    const parts = requestParts(value, locationVariables(facts))!;
    const isPlain = parts.every(({ text }) => text !== undefined);
    if (isPlain) return modifierFilter(type, { [how]: [{ name, value: parts[0]?.text ?? "" }] });
    const fact = requestFactSchema.safeParse(parts[0]?.from);
    const isFact = fact.success && parts.length === 1 && parts[0]!.transforms === undefined;
    // nginx sends no empty header.
    const header = isFact ? { name, from: fact.data } : { name, parts, keepEmptyValue: false };
    return modifierFilter(type, { [`${how}From`]: [header] });
  });
  return true;
}

/** To find out which variables there are. */
const noLocation: LocationFacts = {
  host: "",
  namespace: "",
  ingressName: "",
  serviceName: "",
  servicePort: "",
};

function setRequestHeader([name = "", value]: readonly string[], context: SnippetContext): boolean {
  if (value === undefined || !isHeaderName(name)) return false;
  const lower = name.toLowerCase();
  if (lower === "host") return setHost(value, context);
  // Connections are upgraded, and forwarding headers written, in any case.
  if (value === "$http_upgrade" || value === "$connection_upgrade") return true;
  if (value === "$proxy_add_x_forwarded_for" && lower === "x-forwarded-for") return true;
  if (value === "") return removeHeaders("RequestHeaderModifier", [name], context);
  return writeHeader("RequestHeaderModifier", "set", name, value, context);
}

function setHost(value: string, { filters }: SnippetContext): boolean {
  if (/^\$(?:best_http_|http_)?host$/.test(value)) return true;
  if (!preciseHostnameSchema.safeParse(value).success) return false;
  filters.push(() => ({ type: "URLRewrite", urlRewrite: { hostname: value } }));
  return true;
}
