// Hosts that routes of several files claim: each author sees one half of what answers there.
import type { NativeConfig } from "../native/schema.ts";
import type { Locate, Path, Report } from "../report.ts";

/** One finding for each host and further file. */
export function sharedHosts(config: NativeConfig, locate: Locate, report: Report): void {
  const everyListener = config.listeners.map(({ name }) => name);
  const owners = new Map<string, Map<string, Path>>();
  const said = new Set<string>();
  for (const [index, route] of config.routes.entries()) {
    const hosts = route.hostnames.length > 0 ? route.hostnames : [""];
    for (const [position, host] of hosts.entries()) {
      const path: Path = ["routes", index, ...(host === "" ? [] : ["hostnames", position])];
      const { file } = locate(path, "value");
      for (const listener of route.listeners ?? everyListener) {
        const key = `${listener} ${host.toLowerCase()}`;
        const files = owners.get(key) ?? new Map<string, Path>();
        owners.set(key, files);
        if (files.has(file)) continue;
        files.set(file, path);
        const sentence = `${host || "every host"} ${file}`;
        if (files.size === 1 || said.has(sentence)) continue;
        said.add(sentence);
        const [[first, firstPath]] = files as unknown as [[string, Path]];
        report.add({
          code: "hostname-shared",
          path,
          message: `${host === "" ? "routes for every host are" : `${host} is`} also in ${first}:${locate(firstPath, "value").line}; the most specific match of both files wins`,
          remedy: "Keep the routes of a host in one file, or check that they do not overlap.",
        });
      }
    }
  }
}
