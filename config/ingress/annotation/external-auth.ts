// `auth-url` and what goes with it: another server's word on every request.
import { headerNameSchema, headerValueSchema, methodSchema } from "#contract/http-route.ts";
import { remoteUriSchema } from "#contract/remote-uri.ts";
import { configMapKind } from "../../kubernetes/core-kinds.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import type { Ingress } from "../kinds.ts";
import type { SecurityPolicyInput } from "../rule-parts.ts";
import { parseSnippet } from "../snippet/parse-snippet.ts";
import type { Annotations } from "./annotations.ts";
import { requestParts } from "./nginx-variables.ts";

type ExtAuth = NonNullable<SecurityPolicyInput["extAuth"]>;
type HttpServer = NonNullable<ExtAuth["http"]>;
type HeaderInput = NonNullable<HttpServer["headersToAdd"]>[number];

/** nginx waits 60 s for an answer. */
const timeout = "60s";
/** Stands for the host until it is known which it is. */
const hostVariable = /\$(?:http_)?host\b|\$\{(?:http_)?host\}/g;

/** The URL may still have `$host` in it, see {@link withHost}. */
export function readExternalAuth(
  ingress: Ingress,
  annotations: Annotations,
  set: ResourceSet,
): ExtAuth | undefined {
  const url = annotations.text("auth-url");
  // What it says has been done: `presetsFor`. This is for what is said of a value that is none.
  annotations.flag("enable-global-auth");
  if (url === undefined) return undefined;
  // A query may follow the host at once; the model has a path between them.
  const spelled = url.replace(/^(https?:\/\/[^/?#]+)\?/, "$1/?").replace(hostVariable, "$$host");
  if (!remoteUriSchema.safeParse(spelled).success || /^https?:\/\/[^/]*\.\./.test(spelled)) {
    annotations.invalid("auth-url", "an http or https URL");
    return undefined;
  }
  if (spelled.replaceAll("$host", "").includes("$")) {
    const message = "variables of nginx other than $host cannot be filled in";
    annotations.unsupported("auth-url", message, "Write the address out.");
  }
  const headersToAdd = readQuestionHeaders(ingress, annotations, set);
  const method = annotations.word("auth-method", methodSchema.options);
  const location = readSignIn(annotations);
  return {
    http: {
      url: spelled,
      ...(method !== undefined && method !== "GET" && { method }),
      headersToBackend: headersOf("auth-response-headers", annotations),
      ...(headersToAdd.length > 0 && { headersToAdd }),
      // `add_header Set-Cookie`, with which sessions are renewed.
      headersToClient: ["Set-Cookie"],
      ...(annotations.flag("auth-always-set-cookie") && { headersToClientOnError: true }),
      ...(location && { signIn: { location } }),
    },
    headersToExtAuth: ["*"],
    timeout,
  };
}

/** With the host that the rules are for; where that is not one, it is an error, and the URL nobody's. */
export function withHost(extAuth: ExtAuth, host: string, annotations: Annotations): ExtAuth {
  const { http } = extAuth;
  if (!http?.url.includes("$host")) return extAuth;
  if (host === "" || host.startsWith("*")) {
    annotations.unsupported(
      "auth-url",
      "who is asked must not be the client's choice, and these rules are for more hosts than one",
      "Write the host out.",
    );
  }
  const url = http.url.replaceAll("$host", () => host.replace(/^$|\*/, "host.invalid"));
  return { ...extAuth, http: { ...http, url } };
}

/** What the gateway tells every authorization server, in nginx's words. */
const askedAnyway: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    "x-auth-request-redirect": ["$request_uri"],
    "x-forwarded-for": ["$remote_addr"],
    "x-forwarded-host": ["$http_host", "$host", "$best_http_host"],
    "x-forwarded-method": ["$request_method"],
    "x-forwarded-proto": ["$scheme", "$pass_access_scheme"],
    "x-forwarded-uri": ["$request_uri"],
    "x-original-method": ["$request_method"],
    "x-original-url": ["$scheme://$http_host$request_uri", "$scheme://$host$request_uri"],
    "x-real-ip": ["$remote_addr"],
  }),
);

/** `auth-proxy-set-headers`, `auth-snippet` and `auth-request-redirect`; the snippet comes last in nginx's location. */
function readQuestionHeaders(ingress: Ingress, annotations: Annotations, set: ResourceSet): HeaderInput[] {
  const headers = new Map<string, HeaderInput>();
  const add = (name: string, value: string, annotation: string): void => {
    // The question has it anyway.
    if (askedAnyway.get(name.toLowerCase())?.includes(value)) return;
    const isPlain = !value.includes("$") && value !== "";
    const isValid = headerNameSchema.safeParse(name).success && headerValueSchema.safeParse(value).success;
    if (isPlain && isValid) headers.set(name.toLowerCase(), { name, value });
    else
      annotations.unsupported(
        annotation,
        `${name}: ${JSON.stringify(value)} cannot be added to the question`,
      );
  };
  const target = annotations.text("auth-request-redirect");
  if (target !== undefined && target !== "$request_uri") {
    add("X-Auth-Request-Redirect", target, "auth-request-redirect");
  }
  for (const [name, value] of Object.entries(configMapOf(ingress, annotations, set))) {
    add(name, value, "auth-proxy-set-headers");
  }
  const statements = parseSnippet(annotations.text("auth-snippet") ?? "");
  if (typeof statements === "string")
    annotations.invalid("auth-snippet", `statements of nginx (${statements})`);
  else {
    for (const { words, block } of statements) {
      const [directive, name = "", value = ""] = words;
      if (directive === "proxy_set_header" && !block) add(name, value, "auth-snippet");
      else {
        const quoted = JSON.stringify(words.join(" ").slice(0, 80));
        annotations.unsupported("auth-snippet", `${quoted} is not read; only proxy_set_header is`);
      }
    }
  }
  return [...headers.values()];
}

function configMapOf(
  ingress: Ingress,
  annotations: Annotations,
  set: ResourceSet,
): Readonly<Record<string, string>> {
  const text = annotations.text("auth-proxy-set-headers");
  if (text === undefined) return {};
  const [name = "", namespace = ingress.namespace, ...rest] = text.split("/").reverse();
  const found =
    rest.length === 0 && namespace === ingress.namespace && set.get(configMapKind, namespace, name);
  if (found) return found.body.data ?? {};
  annotations.missing(
    "auth-proxy-set-headers",
    `there is no ConfigMap ${JSON.stringify(`${namespace}/${name}`)} in the Ingress's namespace`,
  );
  return {};
}

type Location = NonNullable<NonNullable<HttpServer["signIn"]>["location"]>;

/** Where a client without credentials is sent; unless the URL says it, with the one that it asked for. */
function readSignIn(annotations: Annotations): Location | undefined {
  const url = annotations.text("auth-signin");
  if (url === undefined) return undefined;
  const parameter = annotations.text("auth-signin-redirect-param") ?? "rd";
  if (
    !/^(?:https?|\$(?:pass_access_)?scheme):\/\/[^\s@#/?]+(?:[/?][^\s#]*)?$/.test(url) ||
    /\/\/[^/]*\.\./.test(url)
  ) {
    annotations.invalid("auth-signin", "an http or https URL");
    return undefined;
  }
  const query = /\?(.*)/.exec(url)?.[1];
  const isSaid = query
    ?.split("&")
    .some((pair) => pair.startsWith(`${parameter}=`) && pair.length > parameter.length + 1);
  const mark = query ? "&" : "?";
  const asked = isSaid ? "" : `${mark}${parameter}=$pass_access_scheme://$http_host$escaped_request_uri`;
  const location = requestParts(url + asked);
  if (!location) {
    annotations.unsupported(
      "auth-signin",
      `${JSON.stringify(url)} has variables that cannot be filled in`,
      "Those of the request can: $host, $scheme, $request_uri, $escaped_request_uri, $arg_…, $http_…, $cookie_….",
    );
  }
  return location;
}

function headersOf(name: string, annotations: Annotations): string[] {
  const headers = annotations.list(name);
  const wrong = headers.find((header) => !/^[A-Za-z\d\-_]+$/.test(header));
  if (wrong === undefined) return headers;
  annotations.invalid(name, "names of headers, separated by commas");
  return [];
}
