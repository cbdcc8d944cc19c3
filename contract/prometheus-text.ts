// The Prometheus text exposition format, version 0.0.4.
import { counterName } from "./counter-name.ts";
import { latencyBoundsMs, latencyBuckets } from "./latency-buckets.ts";

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/** Families without samples are left out. */
export function prometheusText(families: readonly MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(
        ({ labels, value, suffix = "" }) => `${counterName(name + suffix, labels)} ${value}\n`,
      );
      return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
    })
    .join("");
}

/** A histogram as `contract/latency-buckets.ts` lays it out, in seconds and cumulative as Prometheus wants it. */
export function histogramSamples(labels: Sample["labels"], values: readonly number[]): Sample[] {
  const samples: Sample[] = [];
  let count = 0;
  for (let bucket = 0; bucket < latencyBuckets; bucket += 1) {
    count += values[bucket] ?? 0;
    const bound = latencyBoundsMs[bucket];
    const le = bound === undefined ? "+Inf" : String(bound / 1000);
    samples.push({ suffix: "_bucket", labels: { ...labels, le }, value: count });
  }
  samples.push({ suffix: "_sum", labels, value: (values[latencyBuckets] ?? 0) / 1000 });
  samples.push({ suffix: "_count", labels, value: count });
  return samples;
}

function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (character) => (character === "\n" ? "\\n" : "\\\\"));
}
