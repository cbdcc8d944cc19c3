// Requests that try to be read differently by two readers, as bytes, and what becomes of each at a running gateway.

export interface HostileCase {
  readonly title: string;
  /** Characters stand for octets. `/here` is the path that is asked for; the gateway guards `/admin` with 403. */
  readonly bytes: string;
  /**
   * The status, and behind `<=` what reached the endpoint: `200 <= POST /here abc`. `closed`: the connection ended without
   * an answer. Alternatives of one outcome do not exist: a case that changes is to be looked at.
   */
  readonly http: string;
  /** At the HTTPS listener, in HTTP/1.1; absent: the same. */
  readonly https?: string;
  /** Names that must not reach the endpoint, or not with this value. */
  readonly withheld?: readonly (string | readonly [name: string, value: string])[];
}

/** Lines of a head, with what follows it. */
export function message(lines: readonly string[], body = ""): string {
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** A request with a Host that the gateway serves. */
export function request(line: string, fields: readonly string[] = [], body = ""): string {
  return message([`${line} HTTP/1.1`, "Host: a.test", ...fields], body);
}
