// One haproxy.cfg through `isthmus serve` and, where it is installed, through real HAProxy.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Haproxy, haproxyMissing, startHaproxy } from "./haproxy.ts";
import { startSystem, type System } from "./isthmus.ts";
import { freePorts } from "./process.ts";

/** Where a configuration has nothing else to say in `defaults`; more statements may follow. */
export const httpDefaults = `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
`;

export interface BesideHaproxy<Port extends string> {
  readonly system: System;
  /** What `config` made of our ports. */
  readonly text: string;
  readonly ours: Readonly<Record<Port, number>>;
  /** Nothing listens there where HAProxy is missing. */
  readonly theirs: Readonly<Record<Port, number>>;
  stop(): Promise<void>;
}

export interface ComparedConfig<Port extends string> {
  /** Names of the ports that it binds. */
  readonly ports: readonly Port[];
  /** Files that it names, all of them in `folder`. */
  readonly files?: Readonly<Record<string, string>>;
  config(ports: Readonly<Record<Port, number>>, folder: string): string;
}

/** Both serve when it resolves. */
export async function startBesideHaproxy<const Port extends string>({
  ports,
  files = {},
  config,
}: ComparedConfig<Port>): Promise<BesideHaproxy<Port>> {
  const folder = await mkdtemp(join(tmpdir(), "isthmus-beside-haproxy-"));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const [ours, theirs] = [await portsFor(ports), await portsFor(ports)];
  const text = config(ours, folder);
  let haproxy: Haproxy | undefined;
  let system: System | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all([system?.stop(), haproxy?.stop()]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    if (haproxyMissing() === undefined) {
      haproxy = await startHaproxy(config(theirs, folder), Object.values(theirs));
    }
    system = await startSystem(text, ["--processes", "1"], { tunnel: false });
  } catch (error) {
    await stop();
    throw error;
  }
  return { system, text, ours, theirs, stop };
}

async function portsFor<Port extends string>(names: readonly Port[]): Promise<Record<Port, number>> {
  const free = await freePorts(names.length);
  return Object.fromEntries(names.map((name, index) => [name, free[index]!])) as Record<Port, number>;
}
