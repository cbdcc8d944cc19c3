// What the launcher hands to the supervisor once it has bound the sockets.
import type { SourceFile } from "#contract/admin.ts";
import type { ClientTrusts } from "./client-trust.ts";
import type { KeyPairFiles } from "./listener-certificates.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { ServeOptions } from "./serve-options.ts";
import type { PlannedSocket, PortGroup } from "./socket-plan.ts";

export interface InheritedSocket extends PlannedSocket {
  /** Descriptor in the supervisor. */
  readonly fd: number;
}

/** The sources are published once and then not held: they may be many megabytes. */
export interface SupervisorMessage {
  readonly task: SupervisorTask;
  readonly sources: readonly SourceFile[];
}

export interface SupervisorTask {
  readonly options: ServeOptions;
  readonly directory: DataDirectory;
  readonly ports: readonly PortGroup[];
  readonly sockets: readonly InheritedSocket[];
  /** Certificates of the HTTPS listeners, by listener name. */
  readonly certificates: Readonly<Record<string, readonly KeyPairFiles[]>>;
  /** Whom certificates of their clients must descend from, by listener name. */
  readonly trusts: ClientTrusts;
  /** Bundles, copied so that a build does not change what a restarted process runs. */
  readonly modules: { readonly gateway: string; readonly control: string };
}
