// Headers that ingress-nginx writes for every request and every response.
import { headerNameSchema, headerValueSchema } from "#contract/http-route.ts";
import { configMapKind } from "../../kubernetes/core-kinds.ts";
import type { ListenerInput } from "../../kubernetes/model-parts.ts";
import { fieldOf, type Notes } from "../../kubernetes/notes.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import { requestParts } from "../annotation/nginx-variables.ts";
import { joinModifiers, type Modifier } from "../rule-parts.ts";
import type { Controller } from "./controller.ts";

type Headers = NonNullable<ListenerInput["headers"]>;

export interface ListenerHeaders {
  readonly http: Headers;
  readonly https: Headers;
}

/** A year, as ingress-nginx has it. */
const hstsSeconds = "31536000";

export function readListenerHeaders(controller: Controller, set: ResourceSet, notes: Notes): ListenerHeaders {
  const { settings } = controller;
  const asked = configuredHeaders("proxy-set-headers", settings, set, notes);
  const told = configuredHeaders("add-headers", settings, set, notes);
  const hsts = hstsOf(settings);
  const hidden = settings.list("hide-headers").filter((name) => {
    if (headerNameSchema.safeParse(name).success) return true;
    settings.invalid("hide-headers", "names of headers, separated by commas");
    return false;
  });
  const keepsServer = settings.flag("allow-backend-server-header") ?? false;
  const response = joinModifiers(told, { remove: [...hidden, ...(keepsServer ? [] : ["Server"])] });
  const generates = settings.flag("generate-request-id") ?? true;
  const headersFor = (scheme: "http" | "https", lateResponseHeaders: Modifier): Headers => ({
    ...(generates && { requestID: "PreserveOrGenerate" }),
    lateRequestHeaders: joinModifiers(asked, clientHeaders(scheme, controller)),
    ...(Object.keys(lateResponseHeaders).length > 0 && { lateResponseHeaders }),
  });
  return {
    http: headersFor("http", response),
    https: headersFor("https", hsts ? joinModifiers({ set: [hsts] }, response) : response),
  };
}

/** What endpoints are told about the client, besides what the gateway tells all endpoints. */
function clientHeaders(scheme: "http" | "https", { settings, usesForwardedHeaders }: Controller): Modifier {
  const copied = (name: string, from: string) => ({
    name,
    parts: [{ from: "Header" as const, name: from }],
    keepEmptyValue: false,
  });
  const port = scheme === "https" ? "443" : "80";
  // Whoever is believed about the address of the client is not about anything else.
  const isBelieved = !usesForwardedHeaders && (settings.flag("enable-real-ip") ?? false);
  return {
    ...(!usesForwardedHeaders && {
      set: [
        ...(isBelieved ? [{ name: "X-Forwarded-Proto", value: scheme }] : []),
        { name: "X-Forwarded-Port", value: port },
        { name: "X-Forwarded-Scheme", value: scheme },
        { name: "X-Scheme", value: scheme },
      ],
    }),
    setFrom: [
      { name: "X-Real-IP", from: "ClientIP" },
      ...(isBelieved
        ? [
            { name: "X-Forwarded-For", from: "ClientIP" as const },
            { name: "X-Forwarded-Host", from: "Host" as const },
          ]
        : []),
      ...(usesForwardedHeaders
        ? [
            // The client alone, unless all that are believed are wanted.
            ...(settings.flag("compute-full-forwarded-for")
              ? []
              : [{ name: "X-Forwarded-For", from: "ClientIP" as const }]),
            copied("X-Forwarded-Port", "X-Forwarded-Port"),
            copied("X-Forwarded-Scheme", "X-Forwarded-Proto"),
            copied("X-Scheme", "X-Forwarded-Proto"),
          ]
        : []),
      ...(settings.flag("proxy-add-original-uri-header")
        ? [{ name: "X-Original-URI", from: "Target" as const }]
        : []),
      copied("X-Original-Forwarded-For", "X-Forwarded-For"),
      copied("X-Original-Forwarded-Host", "X-Forwarded-Host"),
    ],
    // https://httpoxy.org: programs behind CGI take it for the proxy that they are to use.
    remove: ["Proxy"],
  };
}

/** RFC 6797, for every answer over HTTPS. */
function hstsOf(settings: Controller["settings"]): { name: string; value: string } | undefined {
  if (settings.flag("hsts") === false) return undefined;
  const seconds = settings.text("hsts-max-age") ?? hstsSeconds;
  if (!/^\d{1,12}$/.test(seconds)) {
    settings.invalid("hsts-max-age", "a number of seconds");
    return undefined;
  }
  const subdomains = (settings.flag("hsts-include-subdomains") ?? true) ? "; includeSubDomains" : "";
  const preload = settings.flag("hsts-preload") ? "; preload" : "";
  return { name: "Strict-Transport-Security", value: `max-age=${seconds}${subdomains}${preload}` };
}

/** A ConfigMap of headers, `NAMESPACE/NAME`. Variables of nginx are filled in. */
function configuredHeaders(
  name: "add-headers" | "proxy-set-headers",
  settings: Controller["settings"],
  set: ResourceSet,
  notes: Notes,
): Modifier {
  const text = settings.text(name);
  if (text === undefined) return {};
  const [namespace = "", own = "", ...rest] = text.split("/");
  const configMap = rest.length === 0 ? set.get(configMapKind, namespace, own) : undefined;
  if (!configMap) {
    settings.missing(name, `there is no ConfigMap ${JSON.stringify(text)}`);
    return {};
  }
  let modifier: Modifier = {};
  for (const [header, value] of Object.entries(configMap.body.data ?? {})) {
    const change = changeOf(header, value.trim());
    if (change) modifier = joinModifiers(modifier, change);
    else {
      notes.add(fieldOf(configMap.object, "data", header), {
        code: "statement-unsupported",
        message: `${name}: ${JSON.stringify(value.slice(0, 80))} cannot be the value of ${JSON.stringify(header)}`,
        remedy: "Write it without variables other than those of the request ($host, $request_uri, $http_…).",
      });
    }
  }
  return modifier;
}

function changeOf(name: string, value: string): Modifier | undefined {
  if (!headerNameSchema.safeParse(name).success || !headerValueSchema.safeParse(value).success)
    return undefined;
  if (value === "") return { remove: [name] };
  if (!value.includes("$")) return { set: [{ name, value }] };
  const parts = requestParts(value);
  // nginx sends no empty header.
  return parts && { setFrom: [{ name, parts, keepEmptyValue: false }] };
}
