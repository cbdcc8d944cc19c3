// What the endpoint is told about who asks, and what it must not hear from the client itself.
import type { HeaderFields } from "../forwarding/header-fields.ts";
import { type CredentialPlace, withoutCookie } from "./credential-place.ts";

/** Collected while a request is authenticated; applied to the headers that the endpoint will see. */
export class UpstreamIdentity {
  /** Lower case. Only the gateway says these. */
  readonly #owned: ReadonlySet<string>;
  #set: [name: string, value: string | null][] = [];
  readonly #taken: CredentialPlace[] = [];

  constructor(owned: ReadonlySet<string>) {
    this.#owned = owned;
  }

  /** In place of what the client sends; `null`: nothing. */
  set(name: string, value: string | null): void {
    this.#set.push([name, value]);
  }

  /** The endpoint does not see the credential. */
  take(place: CredentialPlace): void {
    this.#taken.push(place);
    // It may be one that an authorization server has given the request.
    if (place.type === "header") this.#set = this.#set.filter(([name]) => name.toLowerCase() !== place.name);
  }

  apply(headers: HeaderFields & Iterable<[string, string]>): void {
    if (this.#owned.size > 0) {
      // CGI, WSGI and PHP read `x_user` and `x-user` as the same variable (RFC 3875 §4.1.18).
      const forged = [...headers].filter(([name]) =>
        this.#owned.has(name.toLowerCase().replaceAll("_", "-")),
      );
      for (const [name] of forged) headers.delete(name);
    }
    for (const place of this.#taken) takeFromHeaders(place, headers);
    for (const [name, value] of this.#set) {
      if (value === null) headers.delete(name);
      else headers.set(name, value);
    }
  }

  /** Names of query parameters that are taken out. */
  get takenParams(): string[] {
    return this.#taken.filter(({ type }) => type === "param").map(({ name }) => name);
  }
}

function takeFromHeaders({ type, name }: CredentialPlace, headers: HeaderFields): void {
  if (type === "header") headers.delete(name);
  if (type !== "cookie") return;
  const rest = withoutCookie(headers.get("cookie") ?? "", name);
  if (rest === "") headers.delete("cookie");
  else headers.set("cookie", rest);
}

/** Names that only the gateway says, in the form that {@link UpstreamIdentity} compares. */
export function ownedNames(names: readonly (string | undefined)[]): ReadonlySet<string> {
  return new Set(
    names.filter((name) => name !== undefined).map((name) => name.toLowerCase().replaceAll("_", "-")),
  );
}

/** Whether a value may stand in a header as it is: printable ASCII, not too long. */
export function isHeaderText(value: string): boolean {
  return value.length <= 4_096 && /^[\x20-\x7e]*$/.test(value);
}
