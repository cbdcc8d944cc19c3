// The gateway itself, as a self-hosting user runs it: `isthmus serve` with one gateway process. The route that is
// measured stands in the middle of `routeCount` others.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, measuredCore, start, until } from "../process.ts";
import type { Peer } from "./peer.ts";

const cli = join(import.meta.dirname, "../../cli/isthmus.mjs");

/** Options beyond the number of routes: what the backend looks like and which flags serve gets. */
export interface GatewayVariant {
  name: string;
  routeCount: number;
  /** YAML of the measured backend's fields besides its name, indented by six; default: the origin, dialled directly. */
  backend?: (originPort: number) => string;
  serveFlags?: (directory: string) => Promise<string[]>;
}

export function gatewayConfig(port: number, originPort: number, variant: GatewayVariant): string {
  const routes = Array.from(
    { length: variant.routeCount },
    (_, index) => `  - name: route-${index}
    hostnames: [host-${index}.example.com]
    rules:
      - matches: [{ path: { type: PathPrefix, value: / } }]
        backendRefs: [{ name: origin }]`,
  );
  const backend =
    variant.backend?.(originPort) ?? `      endpoints: [{ address: 127.0.0.1, port: ${originPort} }]`;
  return `listeners:
  - { name: web, protocol: HTTP, port: ${port} }
routes:
${routes.join("\n")}
backends:
  - name: origin
${backend.replaceAll(/^ {6}/gm, "    ")}
accessLog: { mode: "off" }
`;
}

export function gateway(variant: GatewayVariant): Peer {
  return {
    name: variant.name,
    async start({ originPort, directory }) {
      const port = await freePort();
      const file = join(directory, "isthmus.yaml");
      await writeFile(file, gatewayConfig(port, originPort, variant));
      const flags = (await variant.serveFlags?.(directory)) ?? [];
      const running = start(
        process.execPath,
        [
          cli,
          "serve",
          "-f",
          file,
          "--data",
          join(directory, "data"),
          "--control",
          String(await freePort()),
          ...flags,
        ],
        measuredCore,
      );
      await until(variant.name, async () => /^ready$/m.test(running.output()), running);
      return {
        url: `http://127.0.0.1:${port}/`,
        host: `host-${Math.floor(variant.routeCount / 2)}.example.com`,
        running,
        stop: () => running.stop(),
      };
    },
  };
}
