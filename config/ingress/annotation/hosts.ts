// Further names of a host.
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
