// Hosts that routes of several files claim: each author sees one half of what answers there.
import type { NativeConfig } from "../native/schema.ts";
import type { Locate, Path, Report } from "../report.ts";
import { suffixes } from "./hostname-index.ts";

/** One finding for each host and further file, and for each host that a wildcard of another file stands for, too. */
export function sharedHosts(config: NativeConfig, locate: Locate, report: Report): void {
  const claims = claimsOf(config, locate);
  const said = new Set<string>();
  const sayOnce = ({ host, file, path }: Claim, message: string, remedy: string): void => {
    const sentence = `${host.toLowerCase() || "every host"} ${file} ${remedy}`;
    if (said.has(sentence)) return;
    said.add(sentence);
    report.add({ code: "hostname-shared", path, message, remedy });
  };
  const placeOf = ({ file, path }: Claim): string => `${file}:${locate(path, "value").line}`;
  const owners = new Map<string, Map<string, Claim>>();
  for (const claim of claims) {
    const files = owners.get(claim.key) ?? new Map<string, Claim>();
    owners.set(claim.key, files);
    if (files.has(claim.file)) continue;
    files.set(claim.file, claim);
    if (files.size === 1) continue;
    const [[, first]] = files as unknown as [[string, Claim]];
    sayOnce(
      claim,
      `${claim.host === "" ? "routes for every host are" : `${claim.host} is`} also in ${placeOf(first)}; the most specific match of both files wins`,
      "Keep the routes of a host in one file, or check that they do not overlap.",
    );
  }
  for (const claim of claims) {
    const wildcard = wildcardOf(claim, owners);
    if (!wildcard) continue;
    sayOnce(
      claim,
      `${claim.host} is also within ${wildcard.host} of ${placeOf(wildcard)}, which gets none of its requests: the more specific host decides alone, and answers 404 where no rule of it matches`,
      "Repeat for this host what the wildcard's routes are to do for it, or make it a part of the wildcard.",
    );
  }
}

interface Claim {
  readonly host: string;
  readonly listener: string;
  /** Listener and host. */
  readonly key: string;
  readonly file: string;
  readonly path: Path;
}

function claimsOf({ listeners, routes }: NativeConfig, locate: Locate): Claim[] {
  const everyListener = listeners.map(({ name }) => name);
  return routes.flatMap((route, index) => {
    const hosts = route.hostnames.length > 0 ? route.hostnames : [""];
    return hosts.flatMap((host, position) => {
      const path: Path = ["routes", index, ...(host === "" ? [] : ["hostnames", position])];
      const { file } = locate(path, "value");
      return (route.listeners ?? everyListener).map((listener) => ({
        host,
        listener,
        key: keyOf(listener, host),
        file,
        path,
      }));
    });
  });
}

function keyOf(listener: string, host: string): string {
  return `${listener} ${host.toLowerCase()}`;
}

/** The next wildcard above the host, if another file has it, and the host's own file has not. */
function wildcardOf(
  { host, listener, file }: Claim,
  owners: ReadonlyMap<string, ReadonlyMap<string, Claim>>,
): Claim | undefined {
  const name = host.toLowerCase();
  for (const suffix of suffixes(name)) {
    const files = name === `*${suffix}` ? undefined : owners.get(keyOf(listener, `*${suffix}`));
    if (files) return files.has(file) ? undefined : [...files.values()][0];
  }
  return undefined;
}
