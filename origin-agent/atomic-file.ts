// Files that survive a crash at any moment: a reader sees the old content or the new, never a part of either.
import { randomUUID } from "node:crypto";
import { mkdir, chmod, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError } from "./agent-error.ts";

/** Writes `content` with mode 0600: temporary file, fsync, rename over `path`, fsync of the folder. */
export async function writeFileAtomic(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Creates the data directory if need be, and closes it to everyone else. Throws `AgentError` `data_dir_unusable`. */
export async function openDataDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    // A directory that existed before may be open to others; the key is about to be written there.
    await chmod(path, 0o700);
  } catch (error) {
    throw new AgentError("data_dir_unusable", `cannot use the data directory ${path}: ${String(error)}`, {
      remedy: "Give --data a directory that the agent's user owns.",
      cause: error,
    });
  }
}
