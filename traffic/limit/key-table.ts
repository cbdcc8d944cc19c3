// A bounded table of per-key state: a flood of random keys evicts keys that nobody uses, and memory stays as it is.

/** What an entry costs besides its key: map slot, state object, string header. Measured on V8, rounded up. */
const entryOverheadBytes = 160;

export class KeyTable<Value> {
  private maxEntries: number;
  private maxBytes: number;
  /** In order of use, least recent first: what a Map keeps when an entry is deleted and set anew. */
  private readonly entries = new Map<string, Value>();
  private readonly valueBytes: (value: Value) => number;
  private bytes = 0;
  evicted = 0;

  /** `valueBytes`: what a value takes beyond a small object; must give the same for the same value. */
  constructor(maxEntries: number, maxBytes: number, valueBytes: (value: Value) => number = () => 0) {
    this.maxEntries = maxEntries;
    this.maxBytes = maxBytes;
    this.valueBytes = valueBytes;
  }

  get size(): number {
    return this.entries.size;
  }

  /** Estimate of the memory in use; never above `maxBytes`. */
  get usedBytes(): number {
    return this.bytes;
  }

  /** Other bounds; what is beyond them goes. */
  resize(maxEntries: number, maxBytes: number): void {
    this.maxEntries = maxEntries;
    this.maxBytes = maxBytes;
    this.evict();
  }

  /** The value, which counts as used now. */
  get(key: string): Value | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, value);
    }
    return value;
  }

  /** A key so long that it alone exceeds the table is not kept. */
  set(key: string, value: Value): void {
    this.delete(key);
    this.entries.set(key, value);
    this.bytes += this.bytesOf(key, value);
    this.evict();
  }

  delete(key: string): void {
    const value = this.entries.get(key);
    if (this.entries.delete(key)) this.bytes -= this.bytesOf(key, value!);
  }

  private bytesOf(key: string, value: Value): number {
    return 2 * key.length + entryOverheadBytes + this.valueBytes(value);
  }

  private evict(): void {
    while (this.entries.size > this.maxEntries || this.bytes > this.maxBytes) this.evictOldest();
  }

  private evictOldest(): void {
    const oldest = this.entries.keys().next().value;
    if (oldest === undefined) return;
    this.delete(oldest);
    this.evicted++;
  }
}
