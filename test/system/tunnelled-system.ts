// A system with one agent and a listener of each kind, for tests of what HTTP carries between clients and pods.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { developmentCertificate } from "../../cli/serve/dev-certificate.ts";
import type { KeyPairFiles } from "../../cli/serve/listener-certificates.ts";
import { ask } from "./http.ts";
import { startAgent, startSystem, type System } from "./isthmus.ts";
import { eventually, freePorts, type Program } from "./process.ts";

/** Name that the listener's certificate is for. */
export const host = "localhost";

export interface TunnelledSystem {
  readonly system: System;
  readonly agent: Program;
  /** Whom clients trust: the listener's own certificate. */
  readonly ca: string;
  readonly ports: {
    /** workerd's own. */
    readonly plain: number;
    /** The front door without TLS: HTTP/1.1 and HTTP/2 by prior knowledge. */
    readonly open: number;
    /** The front door with TLS. */
    readonly secure: number;
  };
  stop(): Promise<void>;
}

export interface TunnelledOptions {
  /** Routes and backends, those of the tunnel `production` among them. `files`: of the listener's certificate. */
  config(files: KeyPairFiles): string | Promise<string>;
  /** Of `isthmus serve`. */
  readonly flags?: string[];
  agentFlags?(files: KeyPairFiles): string[];
  /** A path that is answered 200 once the tunnel carries requests. */
  readonly readyPath?: string;
}

export async function startTunnelledSystem({
  config,
  flags = [],
  agentFlags,
  readyPath = "/",
}: TunnelledOptions): Promise<TunnelledSystem> {
  const scratch = await mkdtemp(join(tmpdir(), "isthmus-tunnelled-"));
  const files = await developmentCertificate(scratch, [host], Date.now());
  const ca = readFileSync(files.certFile, "utf8");
  const [plain, open, secure] = (await freePorts(3)) as [number, number, number];
  const listeners = `
listeners:
  - { name: plain, protocol: HTTP, port: ${plain} }
  - { name: open, protocol: HTTP, port: ${open}, http2: true }
  - name: secure
    protocol: HTTPS
    port: ${secure}
    tls: { certificates: [{ certFile: ${files.certFile}, keyFile: ${files.keyFile} }] }
`;
  const system = await startSystem(listeners + (await config(files)), flags);
  let agent: Program | undefined;
  const stop = async (): Promise<void> => {
    await agent?.stop();
    await system.stop();
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    agent = await startAgent(system, "production", "agent", agentFlags?.(files) ?? []);
    await eventually("the tunnel carries a request", async () => {
      const { status } = await ask({ port: secure, host, path: readyPath, tls: { ca } });
      return status === 200;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { system, agent, ca, ports: { plain, open, secure }, stop };
}
