// What a part of a connection's beginning says so far.

export interface Reading {
  /** Empty: it is not there. Of several, each counts. */
  readonly values: readonly string[];
  /** Whether more bytes may say something else. */
  readonly isOpen: boolean;
}

/** Not there, and never will be. */
export const nothing: Reading = { values: [], isOpen: false };

/** Not there yet. */
export const unfinished: Reading = { values: [], isOpen: true };

export function known(value: string): Reading {
  return { values: [value], isOpen: false };
}

/** A character for each byte. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4_096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4_096));
  }
  return text;
}
