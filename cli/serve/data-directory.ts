// The directory in which `isthmus serve` keeps what outlives it: secrets, trust bundle, Durable Objects, last good
// snapshot; and what lives only as long as it runs: sockets and workerd's configurations.
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError, systemCode } from "../command-error.ts";
import { adminTokenPath } from "../local-system.ts";

export interface DataDirectory {
  readonly root: string;
  /** Durable Objects of the control and of the state process. */
  readonly control: string;
  readonly state: string;
  /** The KV namespace of the last good snapshot. */
  readonly snapshots: string;
  /** What the agent of `serve` itself keeps, in a directory for each slot (decision 0013). */
  readonly agents: string;
  /** Sockets and configurations; removed at the end. */
  readonly run: string;
  /** In `run`: keys of certificates for endpoints that stand in the configuration. */
  readonly endpointKeys: string;
  readonly trustBundle: string;
  readonly adminToken: string;
  readonly caKeySecret: string;
  /** Clients' sessions and sticky splits outlive a restart with it. */
  readonly sessionSecret: string;
}

/** `sun_path` holds 108 bytes on Linux and 104 on macOS; our longest name there is `gateway-999-passed-65535@0a1b2c3d-a.sock.new`. */
const longestRunPath = 104 - 48;

/** Creates what is missing. Throws `CommandError` when the directory cannot be used. */
export async function openDataDirectory(root: string): Promise<DataDirectory> {
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    // One that existed before may be open to others; secrets are about to be written there.
    await chmod(root, 0o700);
    const inside = join(root, "run");
    await rm(inside, { recursive: true, force: true });
    const run =
      Buffer.byteLength(inside) <= longestRunPath
        ? await made(inside)
        : await mkdtemp(join(shortTemporary(), "isthmus-"));
    return {
      root,
      control: await made(join(root, "control")),
      state: await made(join(root, "state")),
      snapshots: await made(join(root, "snapshots")),
      agents: await made(join(root, "agent")),
      run,
      endpointKeys: await made(join(run, "endpoint-keys")),
      trustBundle: join(root, "ca.pem"),
      adminToken: await secret(adminTokenPath(root)),
      caKeySecret: await secret(join(root, "ca-secret")),
      sessionSecret: await secret(join(root, "session-secret")),
    };
  } catch (error) {
    throw new CommandError(
      "failure",
      `cannot use the data directory ${root}: ${systemCode(error) ?? String(error)}`,
      {
        remedy: "Give --data a directory that you own.",
        cause: error,
      },
    );
  }
}

async function made(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

/** TMPDIR may itself be long, as macOS's is. */
function shortTemporary(): string {
  return Buffer.byteLength(tmpdir()) + "/isthmus-XXXXXX".length <= longestRunPath ? tmpdir() : "/tmp";
}

/** The secret in `path`, made on first use: 32 random bytes, mode 0600. */
async function secret(path: string): Promise<string> {
  try {
    const text = (await readFile(path, "utf8")).trim();
    if (text !== "") return text;
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  const made = randomBytes(32).toString("base64url");
  await writeFile(path, `${made}\n`, { mode: 0o600 });
  return made;
}
