// How programs name an object of the data path to each other: in the path of a call's URL, or in a header of a request whose
// URL has to survive (decision 0001).

const objectClasses = ["RegionState", "TunnelHub", "RateLimiter"] as const;
export type ObjectClass = (typeof objectClasses)[number];

/** `https://object/<class>/<name><path>`; names may hold any character, `path` starts with `/`. */
export function objectUrl(className: ObjectClass, name: string, path: string): string {
  return `https://object/${objectPath(className, name)}${path}`;
}

export function objectPath(className: ObjectClass, name: string): string {
  return `${className}/${encodeURIComponent(name).replaceAll("%3A", ":")}`;
}

/** Whom `class/name` means, in the header or at the start of the path; undefined for anything else. */
export function parseObjectPath(path: string): { className: ObjectClass; name: string } | undefined {
  const [className, encoded] = path.split("/", 2);
  const known = objectClasses.find((name) => name === className);
  if (!known || !encoded) return undefined;
  try {
    return { className: known, name: decodeURIComponent(encoded) };
  } catch {
    return undefined;
  }
}
