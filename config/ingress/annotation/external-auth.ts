// `auth-url` and what goes with it: another server's word on every request.
import type { SecurityPolicyInput } from "../rule-parts.ts";
import type { Annotations } from "./annotations.ts";
import { methodSchema } from "#contract/http-route.ts";

type ExtAuth = NonNullable<SecurityPolicyInput["extAuth"]>;

/** nginx waits 60 s for an answer. */
const timeout = "60s";

export function readExternalAuth(annotations: Annotations): ExtAuth | undefined {
  const url = annotations.text("auth-url");
  if (url === undefined) return undefined;
  refuseVariables("auth-url", url, annotations);
  // A query may follow the host at once; the model has a path between them.
  const spelled = url.replace(/^(https?:\/\/[^/?#]+)\?/, "$1/?");
  if (!/^https?:\/\/[^\s/@#?]+(?:\/[^\s#]*)?$/.test(spelled)) {
    annotations.invalid("auth-url", "an http or https URL");
    return undefined;
  }
  if (annotations.text("auth-snippet") !== undefined) {
    annotations.unsupported(
      "auth-snippet",
      "statements for the question to the authorization server are not read",
    );
  }
  if (annotations.text("auth-proxy-set-headers") !== undefined) {
    annotations.unsupported(
      "auth-proxy-set-headers",
      "headers of a ConfigMap cannot be added to the question to the authorization server",
    );
  }
  if (annotations.text("auth-request-redirect") !== undefined) {
    annotations.ignored(
      "auth-request-redirect",
      "X-Auth-Request-Redirect is always the path and query that were asked for",
    );
  }
  const method = annotations.word("auth-method", methodSchema.options);
  const signIn = readSignIn(annotations);
  return {
    http: {
      url: spelled,
      ...(method !== undefined && method !== "GET" && { method }),
      headersToBackend: headersOf("auth-response-headers", annotations),
      ...(signIn && { signIn }),
    },
    headersToExtAuth: ["*"],
    timeout,
  };
}

type SignIn = NonNullable<ExtAuth["http"]["signIn"]>;

/** Where a client without credentials is sent, with the URL that it asked for. */
function readSignIn(annotations: Annotations): SignIn | undefined {
  const url = annotations.text("auth-signin");
  if (url === undefined) return undefined;
  const parameter = annotations.text("auth-signin-redirect-param") ?? "rd";
  // What ingress-nginx adds itself where it is not there.
  const escaped = `[?&]${parameter.replace(/[^A-Za-z0-9_-]/g, "")}=(?:\\$scheme://\\$(?:http_)?host)?\\$escaped_request_uri$`;
  const plain = url.replace(new RegExp(escaped), "").replaceAll("$host", "$http_host");
  const target = plain.replaceAll("$http_host", "host.invalid");
  if (!/^https?:\/\/[^\s@#]+$/.test(target)) {
    annotations.invalid("auth-signin", "an http or https URL");
    return undefined;
  }
  if (target.includes("$") || plain.includes("$http_host")) {
    annotations.unsupported("auth-signin", "variables cannot be filled in", "Write the address out.");
    return undefined;
  }
  return { url: plain, ...(parameter !== "rd" && { redirectParam: parameter }) };
}

function headersOf(name: string, annotations: Annotations): string[] {
  const headers = annotations.list(name);
  const wrong = headers.find((header) => !/^[A-Za-z\d\-_]+$/.test(header));
  if (wrong === undefined) return headers;
  annotations.invalid(name, "names of headers, separated by commas");
  return [];
}

function refuseVariables(name: string, value: string, annotations: Annotations): void {
  if (!value.includes("$")) return;
  annotations.unsupported(name, "variables of nginx cannot be filled in", "Write the address out.");
}
