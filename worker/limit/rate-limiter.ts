// RateLimiter: the Durable Object that counts a part of a region's keys, those whose hash falls to it. A shell: storage,
// alarm and calls around `LimiterMachine`, which answers from memory.
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { type LimiterAnswer, limiterCallSchema } from "#contract/limiter-call.ts";
import { LimiterMachine } from "#traffic/limit/limiter-machine.ts";
import type { Env } from "../env.ts";
import { LimiterStorage } from "./limiter-storage.ts";

/** A crash loses that much counting of long windows. */
const persistIntervalMs = 5_000;
/** Changed counts that are not written yet; more are written at once. */
const maxUnwritten = 10_000;

export class RateLimiter extends DurableObject<Env> {
  readonly #storage: LimiterStorage;
  readonly #machine: LimiterMachine;
  #alarmSet = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const storage = new LimiterStorage(ctx.storage);
    this.#storage = storage;
    this.#machine = new LimiterMachine((key) => storage.read(key));
  }

  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || !pathname.endsWith("/ask")) {
      return Response.json({ code: "not_found", message: "a limiter answers /ask" }, { status: 404 });
    }
    const nowMs = Date.now();
    let answer: LimiterAnswer;
    try {
      answer = this.#machine.handle(limiterCallSchema.parse(await request.json()), nowMs);
    } catch (error) {
      // Not JSON, not a call, a reference into nothing, or an isolate that is gone.
      const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      return Response.json({ code: "call_invalid", message }, { status: 400 });
    }
    await this.#persistSoon(nowMs);
    return Response.json(answer);
  }

  override alarm(): void {
    this.#alarmSet = false;
    this.#persist(Date.now());
  }

  async #persistSoon(nowMs: number): Promise<void> {
    if (this.#machine.changedCount >= maxUnwritten) return this.#persist(nowMs);
    if (this.#machine.changedCount === 0 || this.#alarmSet) return;
    this.#alarmSet = true;
    await this.ctx.storage.setAlarm(nowMs + persistIntervalMs);
  }

  #persist(nowMs: number): void {
    this.#storage.write(this.#machine.takeChanged(), nowMs);
  }
}
