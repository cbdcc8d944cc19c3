// How many requests of one key may be under way at once in this isolate. Bounded by nature: a key exists while it has any.

export class ConcurrencyLimit {
  /** May change while requests are under way. */
  max: number;
  private readonly open = new Map<string, number>();

  constructor(max: number) {
    this.max = max;
  }

  /** Takes a place, or says that there is none. Whoever got true calls `leave` exactly once. */
  enter(key: string): boolean {
    const count = this.open.get(key) ?? 0;
    if (count >= this.max) return false;
    this.open.set(key, count + 1);
    return true;
  }

  /** Throws `RangeError` when the key has nothing under way. */
  leave(key: string): void {
    const count = this.open.get(key);
    if (count === undefined) throw new RangeError("nothing under way for this key");
    if (count === 1) this.open.delete(key);
    else this.open.set(key, count - 1);
  }

  get keys(): number {
    return this.open.size;
  }
}
