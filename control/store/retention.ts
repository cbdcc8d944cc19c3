// Which old versions of the configuration are forgotten. Pure.

export interface Retention {
  /** Never more versions than this. */
  readonly maxVersions: number;
  /** The newest ones stay, whatever their size. */
  readonly minVersions: number;
  /** Packed bytes of all versions together; an object's database holds 10 GB. */
  readonly maxBytes: number;
}

export const retention: Retention = { maxVersions: 1_000, minVersions: 50, maxBytes: 2 * 1024 ** 3 };

/** `sizes`: newest first. */
export function versionsToForget(
  sizes: readonly { version: number; bytes: number }[],
  { maxVersions, minVersions, maxBytes }: Retention,
): number[] {
  let totalBytes = 0;
  return sizes
    .filter(({ bytes }, index) => {
      totalBytes += bytes;
      return index >= maxVersions || (index >= minVersions && totalBytes > maxBytes);
    })
    .map(({ version }) => version);
}
