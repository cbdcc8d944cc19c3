// Smooth weighted round robin in O(log n): each endpoint is due every 1/weight of virtual time, half a period in at first
// (the Webster sequence), and the one due first is picked. Any stretch of picks is shared out as evenly as in nginx's
// algorithm, which costs O(n). Isolates start at a random place of the sequence, so they do not move in step.
import type { Algorithm } from "./algorithm.ts";
import { isExcluded } from "./algorithm.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { PickRequest } from "./pick-request.ts";

/** Virtual time is set back to 0 beyond this, so that sums of periods keep their precision. */
const rebaseAt = 2 ** 20;

export class RoundRobin implements Algorithm {
  private readonly pool: EndpointPool;
  private readonly random: () => number;
  /** Endpoints due at the same time go in index order, from a random one on. */
  private readonly firstInTurn: number;
  /** Binary heap of endpoint indexes by `due`, then by turn. */
  private readonly heap: Int32Array;
  private count = 0;
  private readonly due: Float64Array;
  /** Share each endpoint was scheduled with; 0 while it is not in the heap. */
  private readonly scheduled: Float64Array;
  /** Of all that are scheduled. */
  private totalShare = 0;
  private virtualTime = 0;
  private generation = -1;

  constructor(pool: EndpointPool, random: () => number) {
    this.pool = pool;
    this.random = random;
    this.firstInTurn = Math.floor(random() * pool.size);
    this.heap = new Int32Array(pool.size);
    this.due = new Float64Array(pool.size);
    this.scheduled = new Float64Array(pool.size);
  }

  pick(request: PickRequest): number {
    if (this.generation !== this.pool.generation) this.reschedule();
    if (this.count === 0) return -1;
    this.virtualTime = this.due[this.heap[0]!]!;
    const index = request.exclude === undefined ? this.take(0) : this.takeElsewhere(request.exclude);
    if (this.virtualTime > rebaseAt) this.rebase();
    return index;
  }

  private take(position: number): number {
    const index = this.heap[position]!;
    this.due[index]! += 1 / this.scheduled[index]!;
    this.siftDown(position);
    return index;
  }

  /**
   * Only retries come here, so O(n) will do. What the others get in place of an excluded endpoint is not owed to it: without
   * that, one of two endpoints that fails would be due again for every next request.
   */
  private takeElsewhere(exclude: readonly number[]): number {
    const position = this.firstAllowed(exclude);
    if (position < 0) return -1;
    const index = this.take(position);
    const excluded = new Set(exclude.filter((one) => this.scheduled[one]! > 0));
    let left = this.totalShare;
    for (const one of excluded) left -= this.scheduled[one]!;
    for (const one of excluded) this.due[one]! += 1 / left;
    this.heapify();
    return index;
  }

  /** Heap position of the endpoint due first that is not excluded. */
  private firstAllowed(exclude: readonly number[]): number {
    let best = -1;
    for (let position = 0; position < this.count; position++) {
      if (isExcluded(exclude, this.heap[position]!)) continue;
      if (best < 0 || this.before(this.heap[position]!, this.heap[best]!)) best = position;
    }
    return best;
  }

  /** Brings the schedule in line with the pool. An endpoint that stays keeps its turn, scaled to its new share. */
  private reschedule(): void {
    const { pool, scheduled, due } = this;
    const first = this.generation < 0;
    this.rebase();
    // A place of the sequence, up to one period of the lightest endpoint in.
    let lightest = Infinity;
    for (let n = 0; n < pool.memberCount; n++) lightest = Math.min(lightest, pool.share[pool.members[n]!]!);
    const start = first && pool.memberCount > 0 ? this.random() / lightest : 0;

    this.count = 0;
    this.totalShare = 0;
    for (let index = 0; index < pool.size; index++) {
      const share = pool.share[index]!;
      const before = scheduled[index]!;
      if (share > 0) {
        if (before === 0) due[index] = (Math.max(0, Math.ceil(start * share - 0.5)) + 0.5) / share - start;
        else if (before !== share) due[index]! *= before / share;
        this.heap[this.count++] = index;
      }
      scheduled[index] = share;
      this.totalShare += share;
    }
    this.heapify();
    this.generation = pool.generation;
  }

  private heapify(): void {
    for (let position = (this.count >> 1) - 1; position >= 0; position--) this.siftDown(position);
  }

  private rebase(): void {
    for (let position = 0; position < this.count; position++)
      this.due[this.heap[position]!]! -= this.virtualTime;
    this.virtualTime = 0;
  }

  private before(a: number, b: number): boolean {
    const difference = this.due[a]! - this.due[b]!;
    return difference < 0 || (difference === 0 && this.turn(a) < this.turn(b));
  }

  private turn(index: number): number {
    return index >= this.firstInTurn ? index - this.firstInTurn : index - this.firstInTurn + this.pool.size;
  }

  private siftDown(from: number): void {
    const { heap, count } = this;
    const moving = heap[from]!;
    let position = from;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= count) break;
      if (child + 1 < count && this.before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.before(heap[child]!, moving)) break;
      heap[position] = heap[child]!;
      position = child;
    }
    heap[position] = moving;
  }
}
