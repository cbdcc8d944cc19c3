// Further names of a host, and hosts whose TLS is to pass through.
import { hostnameSchema } from "#contract/http-route.ts";
import type { Annotations } from "./annotations.ts";

export function readAliases(annotations: Annotations): string[] {
  return annotations.list("server-alias").flatMap((alias) => {
    if (hostnameSchema.safeParse(alias).success) return [alias.toLowerCase()];
    if (alias.startsWith("~")) {
      annotations.unsupported(
        "server-alias",
        "hosts cannot be found by a regular expression",
        "Write the names out.",
      );
    } else annotations.invalid("server-alias", "host names, separated by commas");
    return [];
  });
}

/** On one port TLS either ends at the gateway or passes through. */
export function refusePassthrough(annotations: Annotations): void {
  if (!annotations.flag("ssl-passthrough")) return;
  annotations.unsupported(
    "ssl-passthrough",
    "TLS of port 443 ends at the gateway, for all hosts",
    "Write a TLS listener with mode Passthrough and a tlsRoute in a native file, on a port of its own.",
  );
}
