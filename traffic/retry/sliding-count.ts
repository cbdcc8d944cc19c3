// How many events there were in the last interval, in ten slices: exact to a tenth of the interval, in constant memory.

const slices = 10;

export class SlidingCount {
  private readonly sliceMs: number;
  private readonly counts = new Float64Array(slices);
  private current = 0;
  private sum = 0;

  constructor(intervalMs: number) {
    this.sliceMs = intervalMs / slices;
  }

  add(nowMs: number): void {
    this.advance(nowMs);
    this.counts[this.current % slices]!++;
    this.sum++;
  }

  total(nowMs: number): number {
    this.advance(nowMs);
    return this.sum;
  }

  /** Forgets slices that are over. A clock that goes back changes nothing. */
  private advance(nowMs: number): void {
    const slice = Math.floor(nowMs / this.sliceMs);
    if (slice <= this.current) return;
    if (slice - this.current >= slices) {
      this.counts.fill(0);
      this.sum = 0;
    } else {
      for (let passed = this.current + 1; passed <= slice; passed++) {
        this.sum -= this.counts[passed % slices]!;
        this.counts[passed % slices] = 0;
      }
    }
    this.current = slice;
  }
}
