// `mirror-target`: a copy of each request to another server.
import { parseAddress } from "../../native/address.ts";
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import type { Annotations } from "./annotations.ts";

/** The backend that gets the copies, without its name. */
export function readMirror(annotations: Annotations): Omit<BackendInput, "name"> | undefined {
  const target = annotations.text("mirror-target");
  if (target === undefined) return undefined;
  const [, scheme, host = "", port] =
    /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[^/:$\s]+)(?::(\d{1,5}))?(?:\$request_uri)?$/.exec(target) ?? [];
  if (scheme === undefined || !parseAddress(host)) {
    annotations.unsupported(
      "mirror-target",
      "copies have the path of the request",
      "Write scheme, host and $request_uri, such as https://test.example.com$request_uri.",
    );
    return undefined;
  }
  if (annotations.text("mirror-request-body") === "off") {
    annotations.approximated("mirror-request-body", "bodies of up to 64 KiB are copied, too");
  }
  const mirrorHost = annotations.text("mirror-host");
  annotations.approximated(
    mirrorHost === undefined ? "mirror-target" : "mirror-host",
    "copies have the Host of the request",
  );
  const isTls = scheme === "https";
  return {
    protocol: isTls ? "HTTPS" : "HTTP",
    endpoints: [{ address: host, port: port === undefined ? (isTls ? 443 : 80) : Number(port) }],
  };
}
