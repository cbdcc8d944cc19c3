// `isthmus diff`: what changed between two configurations, in words and in traffic.
import type { Command } from "commander";
import { diffSnapshots } from "#config/diff.ts";
import {
  diffCertificates,
  servedCertificates,
  type CertificateChange,
  type ServedCertificates,
} from "#config/diff-certificates.ts";
import { diffRules, type RuleChange } from "#config/diff-rules.ts";
import { loadConfig } from "#config/load.ts";
import type { Change } from "#contract/admin.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { madeUpRequests } from "#traffic/explain/made-up-requests.ts";
import { compareTraffic, type TrafficChange, type TrafficDiff } from "#traffic/explain/traffic-diff.ts";
import type { AdminClient } from "../admin-client.ts";
import { changeText } from "../change-text.ts";
import { contextFor, printerFor, withTarget, type Printer } from "../command-context.ts";
import { CommandError, systemCode } from "../command-error.ts";
import { certificateSource, diagnosticText, readConfigFiles } from "../config-files.ts";
import { maxLineChars, RequestSample } from "../request-sample.ts";
import { textLines } from "../text-lines.ts";
import { wholeNumber } from "./arguments.ts";

interface DiffFlags {
  readonly requests?: string;
  readonly host?: string;
  readonly limit: number;
}

export function addDiff(program: Command): void {
  withTarget(program.command("diff"))
    .argument("<from>", "number of a version, or a file; several files of one configuration with commas")
    .argument("[to]", "the same; default: the current version")
    .summary("say what changed between two configurations, and which requests go elsewhere")
    .description(
      "Says in words which rules, certificates, backends and settings were added, removed and changed, and which requests would go elsewhere: of an access log (ours, HAProxy's httplog, Combined Log Format, Envoy's default) or of heads written one a line; without --requests, of requests made up from the rules of both.",
    )
    .option("--requests <file>", "sample of requests, one a line; - for standard input")
    .option("--host <name>", "host of the sample's lines that do not name one")
    .option("--limit <n>", "show at most so many groups of requests", wholeNumber(1, 10_000), 20)
    .addHelpText(
      "after",
      `
Examples:
  isthmus diff 3 4
  isthmus diff haproxy.cfg isthmus.yaml --requests /var/log/haproxy.log --host www.example.com
  isthmus diff 7 isthmus.yaml --requests heads.txt      # GET https://api.example.com/orders [x-tester: 1]
  isthmus diff old/a.yaml,old/b.yaml new.yaml --json`,
    )
    .action(async (from: string, to: string | undefined, flags: DiffFlags, command: Command) => {
      const printer = printerFor(command);
      const sides = await bothSides(from, to, command);
      const { before, after } = { before: sides.before.snapshot, after: sides.after.snapshot };
      const { sample, traffic } = compareSample(flags, before, after, printer);
      const changes = diffSnapshots(before, after);
      const rules = diffRules(before, after);
      const certificates = diffCertificates(sides.before.certificates, sides.after.certificates);
      const told = { sample: sample.name, unreadable: sample.unreadable, ...traffic };
      printer.result(
        { changes, rules, certificates, traffic: told },
        diffText({ changes, rules, certificates }, trafficText(sample.name, traffic, flags.limit)),
      );
    });
}

interface Side {
  readonly snapshot: Snapshot;
  readonly certificates: ServedCertificates;
}

async function bothSides(
  from: string,
  to: string | undefined,
  command: Command,
): Promise<{ before: Side; after: Side }> {
  let client: AdminClient | undefined;
  const sideOf = async (name: string | undefined): Promise<Side> => {
    if (name !== undefined && !/^[0-9]+$/.test(name)) return fromFiles(name.split(","));
    client ??= (await contextFor(command)).client;
    const { snapshot, files } = await client.version(name === undefined ? "current" : Number(name));
    const { model } = loadConfig(files);
    // Files that a version names are on the machine that serves it.
    return { snapshot, certificates: model ? servedCertificates(model, () => undefined) : new Map() };
  };
  return { before: await sideOf(from), after: await sideOf(to) };
}

async function fromFiles(files: readonly string[]): Promise<Side> {
  const { model, snapshot, diagnostics } = loadConfig(await readConfigFiles(files));
  const { read } = certificateSource(files);
  if (model && snapshot) return { snapshot, certificates: servedCertificates(model, read) };
  process.stderr.write(diagnosticText(diagnostics));
  throw new CommandError("invalid", `${files.join(",")} is not valid`);
}

interface Compared {
  readonly sample: { readonly name: string; readonly unreadable: number };
  readonly traffic: TrafficDiff;
}

function compareSample(flags: DiffFlags, before: Snapshot, after: Snapshot, printer: Printer): Compared {
  const { requests: file, host } = flags;
  if (file === undefined) {
    const requests = [...madeUpRequests([before, after])].map((request) => ({ request, count: 1 }));
    const sample = { name: "requests made up from the rules of both", unreadable: 0 };
    return { sample, traffic: compareTraffic(before, after, requests) };
  }
  const lines = textLines(file === "-" ? "/dev/stdin" : file, maxLineChars);
  const options = { listeners: before.listeners, ...(host !== undefined && { host }) };
  const sample = new RequestSample(lines, options);
  const traffic = compareRead(file, () => compareTraffic(before, after, sample.requests()));
  if (traffic.total === 0) {
    throw new CommandError("invalid", `no line of ${file} is a request`, {
      remedy: "Lines of an access log that do not name a host need --host.",
    });
  }
  if (sample.unreadable > 0) {
    printer.note(
      `${file}: ${sample.unreadable} lines are no requests, line ${sample.firstUnreadable} first; those of an access log that do not name a host need --host`,
    );
  }
  return { sample: { name: file, unreadable: sample.unreadable }, traffic };
}

function compareRead(file: string, compare: () => TrafficDiff): TrafficDiff {
  try {
    return compare();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw new CommandError("invalid", `cannot read ${file}: ${code}`, { cause: error });
  }
}

interface Told {
  readonly changes: readonly Change[];
  readonly rules: readonly RuleChange[];
  readonly certificates: readonly CertificateChange[];
}

function diffText({ changes, rules, certificates }: Told, traffic: string): string {
  // Routes are told rule by rule.
  const others = changes.filter(({ what }) => what !== "route");
  const words = [
    ...rules.map(ruleChangeText),
    ...certificates.map(certificateText),
    ...(others.length > 0 ? [changeText(others)] : []),
  ];
  return `${words.join("\n") || "no changes"}\n\n${traffic}`;
}

const sign = { added: "+", removed: "-", changed: "~" } as const;

function ruleChangeText({ kind, rule, text, details }: RuleChange): string {
  return [`${sign[kind]} rule ${rule}: ${text}`, ...details.map((detail) => `    ${detail}`)].join("\n");
}

function certificateText({ kind, port, names, details }: CertificateChange): string {
  const head = `${sign[kind]} certificate of port ${port} for ${names.join(", ") || "no host name"}`;
  return [head, ...details.map((detail) => `    ${detail}`)].join("\n");
}

function trafficText(name: string, traffic: TrafficDiff, limit: number): string {
  const { total, elsewhere, otherwise, changes, handled } = traffic;
  const head = `${name}: ${total} requests, ${elsewhere} would go elsewhere, ${otherwise} would be handled otherwise on the way`;
  return [
    head,
    ...groupLines(changes, limit, ({ before, after }) => [`before: ${before}`, `after:  ${after}`]),
    ...groupLines(handled, limit, ({ before, after }) => [
      before === after ? `by rule ${after}, which changed` : `by rule ${after} in place of ${before}`,
    ]),
  ].join("\n");
}

function groupLines(
  groups: readonly TrafficChange[],
  limit: number,
  describe: (group: TrafficChange) => string[],
): string[] {
  const lines = groups
    .slice(0, limit)
    .flatMap((group) => [
      `${String(group.count).padStart(8)}  such as ${group.example}`,
      ...describe(group).map((line) => `          ${line}`),
    ]);
  return groups.length > limit ? [...lines, `          … and ${groups.length - limit} more groups`] : lines;
}
