// curl, a client that people use. Absent on some machines: tests that need it are skipped there, but never in CI.
import { execFile, spawnSync } from "node:child_process";

/** Why it cannot be asked; undefined where it is installed, or has to be (`ISTHMUS_CI`). */
export function curlMissing(): string | undefined {
  if (process.env["ISTHMUS_CI"] || spawnSync("curl", ["--version"]).status === 0) return undefined;
  return "curl is not installed (apt-get install curl): not asked with it";
}

/** Everything that it prints. Rejects when it fails. */
export function curl(...args: string[]): Promise<string> {
  return new Promise((done, fail) =>
    execFile("curl", ["--silent", "--show-error", "--max-time", "20", ...args], (error, stdout) =>
      error ? fail(error) : done(stdout),
    ),
  );
}
