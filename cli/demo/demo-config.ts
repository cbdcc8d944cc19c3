// The demo's configuration with the ports that this run has.
import { parseDocument, type YAMLMap, type YAMLSeq } from "yaml";
import type { DemoOptions } from "./demo-options.ts";

/** `source` is examples/demo/isthmus.yaml; `podPorts` by backend name. Comments stay. */
export function demoConfig(
  source: string,
  { httpPort, httpsPort }: Pick<DemoOptions, "httpPort" | "httpsPort">,
  podPorts: ReadonlyMap<string, number>,
): string {
  const document = parseDocument(source);
  for (const listener of items(document.get("listeners"))) {
    listener.set("port", listener.get("protocol") === "HTTPS" ? httpsPort : httpPort);
  }
  for (const backend of items(document.get("backends"))) {
    const port = podPorts.get(String(backend.get("name")));
    if (port === undefined) throw new Error(`no pod for backend ${String(backend.get("name"))}`);
    for (const endpoint of items(backend.get("endpoints"))) endpoint.set("port", port);
  }
  return document.toString({ lineWidth: 0 });
}

/** Names of the backends, each of which is one pod. */
export function demoBackends(source: string): string[] {
  return items(parseDocument(source).get("backends")).map((backend) => String(backend.get("name")));
}

function items(sequence: unknown): YAMLMap[] {
  return (sequence as YAMLSeq<YAMLMap>).items;
}
