// Notices when a certificate on disk was renewed, so that listeners take it without a restart.
import { stat } from "node:fs/promises";

export interface CertificateFiles {
  /** True when a file is not what it was at the last call. */
  changed(): Promise<boolean>;
}

export function watchCertificateFiles(paths: readonly string[]): CertificateFiles {
  const files = [...new Set(paths)];
  let last: string | undefined;
  return {
    async changed() {
      const now = JSON.stringify(await Promise.all(files.map(fingerprint)));
      const differs = last !== undefined && last !== now;
      last = now;
      return differs;
    },
  };
}

/** A renewal writes or swaps files (also behind a symbolic link, as Kubernetes does): time, size or inode change. */
async function fingerprint(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "missing";
  }
}
