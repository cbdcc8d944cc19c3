// The part of the platform's `Headers` that traffic decisions touch, so that they run and are tested without one.

export interface HeaderFields {
  get(name: string): string | null;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  delete(name: string): void;
  /** Of responses: each field by itself. */
  getSetCookie?(): string[];
}
