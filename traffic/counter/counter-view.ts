// Counters as conditions and texts see them.

export interface CounterView {
  /** Of `<table>/<key>/<counter>`, as it was before the request. `undefined`: the request has no such key. */
  value(reference: string): number | undefined;
}
