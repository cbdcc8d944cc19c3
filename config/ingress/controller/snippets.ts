// `server-snippet` and `location-snippet` of the ConfigMap: what holds for all hosts, and for all of their locations.
import { readSnippet, type Snippet } from "../snippet/read-snippet.ts";
import type { Values } from "../values.ts";

export interface ControllerSnippets {
  readonly server: Snippet;
  readonly location: Snippet;
}

export function readControllerSnippets(settings: Values): ControllerSnippets {
  const read = (name: "server-snippet" | "location-snippet"): Snippet => {
    const snippet = readSnippet(name, settings);
    if (snippet.allow.length + snippet.deny.length === 0) return snippet;
    settings.unsupported(
      name,
      "allow and deny of all hosts are not read here",
      "Say it with whitelist-source-range, denylist-source-range or block-cidrs.",
    );
    return { ...snippet, allow: [], deny: [] };
  };
  return { server: read("server-snippet"), location: read("location-snippet") };
}
