// Which hostnames intersect: the Gateway API's rule, in which `*.example.com` is every name below example.com.

export interface HostnameIndex {
  /** Whether some host belongs both to this hostname and to one of the index. */
  intersects(hostname: string): boolean;
}

/** An empty list stands for every host. A look-up takes time linear in the number of labels. */
export function hostnameIndex(hostnames: readonly string[]): HostnameIndex {
  if (hostnames.length === 0) return { intersects: () => true };
  const exact = new Set<string>();
  /** `.example.com` for `*.example.com`. */
  const wildcards = new Set<string>();
  /** Every suffix below which the index has something. */
  const parents = new Set<string>();
  for (const hostname of hostnames.map((name) => name.toLowerCase())) {
    if (hostname.startsWith("*.")) wildcards.add(hostname.slice(1));
    else exact.add(hostname);
    for (const suffix of suffixes(hostname)) parents.add(suffix);
  }
  return {
    intersects(hostname) {
      const name = hostname.toLowerCase();
      if (suffixes(name).some((suffix) => wildcards.has(suffix))) return true;
      return name.startsWith("*.") ? parents.has(name.slice(1)) : exact.has(name);
    },
  };
}

/** `.b.c` and `.c` for `a.b.c` and for `*.b.c`. */
export function suffixes(hostname: string): string[] {
  const found: string[] = [];
  for (let dot = hostname.indexOf("."); dot >= 0; dot = hostname.indexOf(".", dot + 1))
    found.push(hostname.slice(dot));
  return found;
}
