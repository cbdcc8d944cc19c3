// Which control a command talks to: `--control URL` with a token, the environment, or the data directory of an
// `isthmus serve` on this machine.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { AdminTarget } from "./admin-client.ts";
import { CommandError, systemCode } from "./command-error.ts";

/** Where `isthmus serve` keeps its state when nothing else is said, relative to the working directory. */
export const defaultDataDirectory = ".isthmus";

/** What `serve` writes for the other commands into `DIR/control.json`. */
export const controlFileSchema = z.object({
  url: z.url(),
  tunnelUrl: z.url().optional(),
  /** Unix socket of the supervisor, for `isthmus reload`. */
  supervisor: z.string().optional(),
});
export type ControlFile = z.infer<typeof controlFileSchema>;

export const controlFilePath = (dataDirectory: string): string => join(dataDirectory, "control.json");
export const adminTokenPath = (dataDirectory: string): string => join(dataDirectory, "admin-token");

export interface TargetOptions {
  readonly data?: string | undefined;
  readonly control?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/** Flags first, then `ISTHMUS_CONTROL` and `ISTHMUS_TOKEN`, then the data directory. Throws `CommandError`. */
export async function findControl(options: TargetOptions, env: NodeJS.ProcessEnv): Promise<AdminTarget> {
  const url = options.control ?? (options.data === undefined ? env["ISTHMUS_CONTROL"] : undefined);
  const dataDirectory = resolve(options.data ?? defaultDataDirectory);
  const tokenFile = options.tokenFile ?? adminTokenPath(dataDirectory);
  const envToken =
    options.tokenFile === undefined && options.data === undefined ? env["ISTHMUS_TOKEN"] : undefined;
  if (url === undefined) {
    const file = await readControlFile(dataDirectory);
    return { url: file.url, token: envToken ?? (await readToken(tokenFile)) };
  }
  return { url: checkedUrl(url), token: envToken ?? (await readToken(tokenFile)) };
}

/** Throws `CommandError` `unreachable` when no `isthmus serve` uses the directory. */
export async function readControlFile(dataDirectory: string): Promise<ControlFile> {
  const path = controlFilePath(dataDirectory);
  try {
    return controlFileSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    throw new CommandError("unreachable", `no running system in ${dataDirectory}: cannot read ${path}`, {
      remedy:
        "Start `isthmus serve` there, or name the control with --data DIR, --control URL --token-file FILE, or ISTHMUS_CONTROL and ISTHMUS_TOKEN.",
      cause: error,
    });
  }
}

async function readToken(path: string): Promise<string> {
  try {
    const token = (await readFile(path, "utf8")).trim();
    if (token !== "") return token;
  } catch (error) {
    throw new CommandError(
      "invalid",
      `cannot read the token file ${path}: ${systemCode(error) ?? "unknown"}`,
      {
        remedy: "Name it with --token-file FILE, or put the token in ISTHMUS_TOKEN.",
        cause: error,
      },
    );
  }
  throw new CommandError("invalid", `the token file ${path} is empty`);
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return text;
  throw new CommandError("invalid", `--control ${text}: expected a URL such as http://127.0.0.1:8081`);
}
