// The local allow list: which addresses this agent may dial, whatever the edge asks for. Checked against the address
// that is actually dialled, so a name that resolves somewhere else the second time (DNS rebinding) gains nothing.
import { lookup as systemLookup } from "node:dns";
import type { LookupAddress } from "node:dns";
import { BlockList, isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { AgentError } from "./agent-error.ts";

export interface DialPolicy {
  /** True when a rule covers this IP address and port. */
  permits(address: string, port: number): boolean;
  /** A `lookup` for `net.connect` that yields only permitted addresses; `AgentError` `dial_refused` if none is. */
  lookupFor(port: number): LookupFunction;
}

interface AllowRule {
  readonly network: BlockList;
  /** Absent: every port. */
  readonly port: number | undefined;
}

type Resolve = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const resolveWithSystem: Resolve = (hostname, callback) => systemLookup(hostname, { all: true }, callback);

/** Rules are `CIDR[:PORT]`: `10.0.0.0/8`, `10.0.2.10:8080`, `fd00::/8`, `[fd00::/8]:8080`. Throws `options_invalid`. */
export function createDialPolicy(rules: readonly string[], resolve: Resolve = resolveWithSystem): DialPolicy {
  const parsed = rules.map(parseAllowRule);
  const permits = (address: string, port: number): boolean => {
    const family = isIP(address);
    // A zone (`fe80::1%eth0`) names an interface of this host; no rule can mean one.
    if (family === 0 || address.includes("%")) return false;
    const type = family === 6 ? "ipv6" : "ipv4";
    return parsed.some((rule) => (rule.port ?? port) === port && rule.network.check(address, type));
  };
  return { permits, lookupFor: (port) => permittedLookup(port, permits, resolve) };
}

function permittedLookup(port: number, permits: DialPolicy["permits"], resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      if (error) return callback(error, []);
      const wanted = options.family === 4 || options.family === 6 ? options.family : undefined;
      const family = addresses.filter((entry) => wanted === undefined || entry.family === wanted);
      const permitted = family.filter((entry) => permits(entry.address, port));
      const first = permitted[0];
      if (!first) return callback(dialRefused(hostname, port, family), []);
      if (options.all) return callback(null, permitted);
      callback(null, first.address, first.family);
    });
  };
}

/** The refusal of an endpoint: `resolved` names what a host name led to. */
export function dialRefused(
  address: string,
  port: number,
  resolved: readonly LookupAddress[] = [],
): AgentError {
  const means = resolved.length > 0 ? ` (${resolved.map((entry) => entry.address).join(", ")})` : "";
  return new AgentError("dial_refused", `${address}:${port}${means} is not in the agent's allow list`, {
    remedy: "Add the endpoint's network to --allow if this agent should reach it.",
  });
}

function parseAllowRule(text: string): AllowRule {
  const [cidr, portText] = splitPort(text);
  const [address = "", prefixText, ...rest] = cidr.split("/");
  const family = isIP(address);
  const widest = family === 6 ? 128 : 32;
  const prefix = decimal(prefixText) ?? widest;
  const port = decimal(portText);
  const wellFormed = family !== 0 && !address.includes("%") && rest.length === 0;
  if (!wellFormed || !(prefix <= widest) || (port !== undefined && !(port >= 1 && port <= 65_535))) {
    throw new AgentError("options_invalid", `allow rule "${text}" is not CIDR[:PORT]`, {
      remedy: "Write it as 10.0.0.0/8, 10.0.2.10:8080, fd00::/8 or [fd00::/8]:8080.",
    });
  }
  const network = new BlockList();
  network.addSubnet(address, prefix, family === 6 ? "ipv6" : "ipv4");
  return { network, port };
}

/** A port after an IPv6 network needs brackets, since `fd00::8080` is an address. */
function splitPort(text: string): [cidr: string, port: string | undefined] {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) return [bracketed[1]!, bracketed[2]];
  const parts = text.split(":");
  return parts.length === 2 ? [parts[0]!, parts[1]] : [text, undefined];
}

/** `NaN` for text that is not a decimal number, so that every comparison with it fails. */
function decimal(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
}
