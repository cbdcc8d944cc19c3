// `mirror-target`: a copy of each request to another server.
import { preciseHostnameSchema } from "#contract/http-route.ts";
import { parseAddress } from "../../native/address.ts";
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import type { FilterInput } from "../rule-parts.ts";
import type { Annotations } from "./annotations.ts";
import { requestParts } from "./nginx-variables.ts";

type RequestMirror = Extract<FilterInput, { type: "RequestMirror" }>["requestMirror"];

export interface Mirror {
  /** Gets the copies; without its name. */
  readonly backend: Omit<BackendInput, "name">;
  /** What is changed in them. */
  readonly copy: Pick<RequestMirror, "hostname" | "target">;
}

export function readMirror(annotations: Annotations): Mirror | undefined {
  const text = annotations.text("mirror-target");
  if (text === undefined) return undefined;
  const [, scheme, host = "", port, path = ""] =
    /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[^/:$\s]+)(?::(\d{1,5}))?([/$][^\s#]*)?$/.exec(text) ?? [];
  if (scheme === undefined || !parseAddress(host)) {
    annotations.invalid("mirror-target", "an http or https URL such as https://test.example.com$request_uri");
    return undefined;
  }
  const target = path === "" || path === "$request_uri" ? undefined : requestParts(path);
  if (path !== "" && path !== "$request_uri" && !target) {
    annotations.unsupported(
      "mirror-target",
      `${JSON.stringify(path)} has variables that cannot be filled in`,
    );
  }
  if (annotations.text("mirror-request-body") === "off") {
    annotations.approximated("mirror-request-body", "bodies of up to 64 KiB are copied, too");
  }
  const isTls = scheme === "https";
  return {
    backend: {
      protocol: isTls ? "HTTPS" : "HTTP",
      endpoints: [{ address: host, port: port === undefined ? (isTls ? 443 : 80) : Number(port) }],
    },
    copy: { ...hostOf(host, annotations), ...(target && { target }) },
  };
}

/** Of the URL, unless `mirror-host` says otherwise. */
function hostOf(host: string, annotations: Annotations): Pick<RequestMirror, "hostname"> {
  const wanted = annotations.text("mirror-host") ?? host;
  if (wanted === "$host" || wanted === "$http_host") return {};
  if (preciseHostnameSchema.safeParse(wanted).success) return { hostname: wanted };
  annotations.approximated(
    "mirror-host",
    `copies have the Host of the request, not ${JSON.stringify(wanted)}`,
  );
  return {};
}
