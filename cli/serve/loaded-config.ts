// The configuration that `isthmus serve` starts with, loaded in a process of its own: Node keeps the memory that 10,000
// routes have needed (200 MiB), and the launcher lives as long as the system.
import { fork } from "node:child_process";
import { join } from "node:path";
import type { NativeBackend, NativeListener } from "#config/native/schema.ts";
import type { SourceFile } from "#contract/admin.ts";
import type { SnapshotListener } from "#contract/snapshot.ts";
import { CommandError, type ExitReason } from "../command-error.ts";
import type { ServeOptions } from "./serve-options.ts";

export type LoadOptions = Pick<ServeOptions, "files" | "isolate" | "strict">;

/** What the launcher has to know of it. */
export interface LoadedConfig {
  /** As written: with the certificates. */
  readonly modelListeners: readonly NativeListener[];
  /** Backends that have something to say of TLS to their endpoints, likewise. */
  readonly endpointTls: readonly Pick<NativeBackend, "name" | "tunnel" | "tls">[];
  readonly listeners: readonly SnapshotListener[];
  /** For a development certificate. */
  readonly developmentNames: readonly string[];
  /** Without private keys. */
  readonly sources: readonly SourceFile[];
}

export type LoadMessage =
  | { readonly loaded: LoadedConfig; readonly diagnostics: string }
  | {
      readonly refused: { reason: ExitReason; message: string; remedy: string | undefined };
      readonly diagnostics: string;
    };

const entry = join(import.meta.dirname, "load-main.ts");

/** Throws `CommandError` `invalid` where a file cannot be read or is not valid; what is to be said of them is logged. */
export async function loadInChild(options: LoadOptions, log: (line: string) => void): Promise<LoadedConfig> {
  const message = await ask(options);
  if (message.diagnostics !== "") log(message.diagnostics);
  if ("loaded" in message) return message.loaded;
  const { reason, ...refused } = message.refused;
  throw new CommandError(reason, refused.message, { remedy: refused.remedy });
}

function ask(options: LoadOptions): Promise<LoadMessage> {
  // `-f -` is read there, from the standard input that is ours.
  const child = fork(entry, [JSON.stringify(options)], { stdio: "inherit" });
  return new Promise((done, fail) => {
    child.once("message", (message: LoadMessage) => done(message));
    child.once("error", fail);
    child.once("exit", (code, signal) => {
      fail(
        new CommandError("failure", `the configuration was not loaded: ended by ${signal ?? `code ${code}`}`),
      );
    });
  });
}
