// Options of a running agent that are read again (SIGHUP): which of them take effect at once, and which need a restart.
import type { AgentOptions } from "./options.ts";

/**
 * What connections to the edge, the identity and the data directory hang on. A changed value would be another agent; a
 * restart beside a second agent of the tunnel loses nothing either.
 */
const fixedOptions = [
  "edge",
  "edgeSocket",
  "tunnel",
  "data",
  "instance",
  "zone",
  "readyFile",
  "metrics",
] as const;

export interface ReloadedOptions {
  /** Those that run from now on. */
  readonly options: AgentOptions;
  /** Names of options that have another value now, in force. */
  readonly changed: readonly string[];
  /** Names of options that keep their value until the agent is restarted. */
  readonly ignored: readonly string[];
}

export function reloadedOptions(running: AgentOptions, read: AgentOptions): ReloadedOptions {
  const names = [...new Set([...Object.keys(running), ...Object.keys(read)])] as (keyof AgentOptions)[];
  const differing = names.filter((name) => JSON.stringify(running[name]) !== JSON.stringify(read[name]));
  const isFixed = (name: string): boolean => fixedOptions.some((fixed) => fixed === name);
  const kept = Object.fromEntries(
    fixedOptions.filter((name) => running[name] !== undefined).map((name) => [name, running[name]]),
  );
  const changing = Object.fromEntries(Object.entries(read).filter(([name]) => !isFixed(name)));
  return {
    options: { ...changing, ...kept } as AgentOptions,
    changed: differing.filter((name) => !isFixed(name)),
    ignored: differing.filter(isFixed),
  };
}
