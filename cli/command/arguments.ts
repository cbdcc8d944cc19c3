// Parsers of flag values: each says what it expected.
import { InvalidArgumentError } from "commander";
import { durationMs } from "#contract/duration.ts";
import { CommandError } from "../command-error.ts";
import type { HostPort } from "../serve/serve-options.ts";

/** Collects a repeatable flag. */
export function listArgument(text: string, list: string[] = []): string[] {
  return [...list, text];
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** `PORT`, `HOST:PORT` or `[IPV6]:PORT`. */
export function hostPortArgument(defaultHost: string): (text: string) => HostPort {
  return (text) => {
    const found = /^(?:(\[[0-9A-Fa-f:.]+\]|[^:[\]]+):)?([0-9]{1,5})$/.exec(text);
    const port = Number(found?.[2]);
    if (!found || port < 1 || port > 65_535) throw new InvalidArgumentError("Expected PORT or HOST:PORT.");
    return { host: found[1]?.replace(/^\[|\]$/g, "") ?? defaultHost, port };
  };
}

/** At least one. Throws `CommandError` `invalid` that names the flag. */
export function secondsOf(duration: string, flag: string): number {
  try {
    return Math.max(1, Math.floor(durationMs(duration) / 1000));
  } catch {
    throw new CommandError("invalid", `${flag} ${duration}: expected a duration such as 30m or 24h`);
  }
}
