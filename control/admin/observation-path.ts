// Which paths of the admin API are for browsers and exporters.

/** Paths for browsers and exporters, which send a token as the password of basic authentication. */
export function isObservation(path: string): boolean {
  return path === "/metrics" || path === "/stats" || path.startsWith("/stats;");
}
