// Publishing and rolling back: validate, compile, compare, pack; the store then decides atomically.
import type {
  Change,
  PublishResponse,
  SourceFile,
  VersionSummary,
  publishRequestSchema,
  rollbackRequestSchema,
} from "#contract/admin.ts";
import { encodeHex } from "#contract/identity/pem.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { limits } from "#contract/limits.ts";
import { withPauses } from "#contract/steps.ts";
import type { Target } from "#config/check/check-config.ts";
import { diffSnapshots } from "#config/diff.ts";
import { loadSteps } from "#config/load.ts";
import { redactKeys } from "#config/redact-keys.ts";
import type { z } from "zod";
import { Refusal, valueOf } from "../refusal.ts";
import type { Candidate, ConfigStore } from "../store/config-store.ts";
import { canonicalLine } from "../store/canonical-line.ts";
import { keepOpen, openSnapshot } from "../store/open-snapshots.ts";
import { type PackedSnapshot, packFiles, packSnapshot, unpackFiles } from "../store/packed-json.ts";

type Store = DurableObjectStub<ConfigStore>;

/** What every version is compared with before there is one. */
const emptySnapshot: Snapshot = {
  format: 1,
  listeners: [],
  routes: [],
  backends: [],
  settings: {
    clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
    accessLog: { mode: "errors" },
  },
};

/** Two packed documents have to fit one RPC message of 32 MiB. */
const maxPackedBytes = 15 * 1024 * 1024;
/** Authors who named no base do not mind what was current; they lose a race this often at most. */
const maxAttempts = 20;

/** Throws {@link Refusal} `config_invalid`, `config_too_large` or `version_conflict`. */
export async function publish(
  store: Store,
  request: z.output<typeof publishRequestSchema>,
  author: string,
  target: Target,
): Promise<PublishResponse> {
  const { reason, baseVersion, strict, dryRun, isolate, withChanges } = request;
  const files = redactKeys(request.files);
  // 10,000 routes are half a second, in which heartbeats and other authors want an answer, too.
  const pause = (): Promise<void> => scheduler.wait(0);
  const { snapshot, diagnostics } = await withPauses(loadSteps(files, { isolate, target }), pause);
  const failing = diagnostics.filter(({ severity }) => strict || (severity === "error" && !isolate));
  if (!snapshot || failing.length > 0) {
    const [first] = failing;
    const summary = `The configuration has ${failing.length} ${failing.length === 1 ? "problem" : "problems"}`;
    throw new Refusal("config_invalid", `${summary}; nothing was changed. ${first?.message ?? ""}`.trim(), {
      diagnostics,
    });
  }
  const packed = await packSnapshot(snapshot);
  const prepared = await prepare(packed, files);
  return withRetries(store, baseVersion, async (current) => {
    const changes = withChanges ? diff(current.snapshot, packed.snapshot) : [];
    const unchanged = current.hash === prepared.hash && current.contentsHash === prepared.contentsHash;
    if (unchanged || dryRun) return { unchanged, changes, diagnostics };
    keepOpen(packed);
    const version = await valueOf<VersionSummary>(
      store.publish({ ...prepared, author, reason, expectedVersion: current.version }),
    );
    return { version, unchanged, changes, diagnostics };
  });
}

/** A new version with an old one's content. Throws {@link Refusal} `version_not_found` or `version_conflict`. */
export async function rollback(
  store: Store,
  request: z.output<typeof rollbackRequestSchema>,
  author: string,
): Promise<PublishResponse> {
  const target = await readVersion(store, request.version);
  return withRetries(store, request.baseVersion, async (current) => {
    const changes = diff(current.snapshot, target.snapshot);
    const unchanged = current.hash === target.hash && current.contentsHash === target.contentsHash;
    if (unchanged) return { unchanged, changes, diagnostics: [] };
    const { hash, contentsHash, packedSnapshot, packedFiles } = target;
    const candidate = { hash, contentsHash, packedSnapshot, packedFiles, rollbackOf: request.version };
    const version = await valueOf<VersionSummary>(
      store.publish({ ...candidate, author, reason: request.reason, expectedVersion: current.version }),
    );
    return { version, unchanged, changes, diagnostics: [] };
  });
}

function diff(from: Snapshot, to: Snapshot): Change[] {
  return diffSnapshots(from, to, (a, b) => canonicalLine(a as object) === canonicalLine(b as object));
}

/** Throws {@link Refusal} `version_not_found`. */
export async function diffVersions(store: Store, from: number, to: number): Promise<Change[]> {
  const [before, after] = [await readSnapshot(store, from), await readSnapshot(store, to)];
  return diff(before.snapshot, after.snapshot);
}

/** A version with its documents, both packed and open. Throws {@link Refusal} `version_not_found`. */
export async function readVersion(
  store: Store,
  version: number | undefined,
): Promise<OpenVersion & { files: SourceFile[]; packedFiles: Uint8Array }> {
  const open = await readSnapshot(store, version);
  const sources = await store.read("files", open.version);
  if (!sources) throw notFound(open.version);
  return { ...open, files: await unpackFiles(sources.packed), packedFiles: sources.packed };
}

/** The same without its sources. Throws {@link Refusal} `version_not_found`. */
export async function readSnapshot(store: Store, version: number | undefined): Promise<OpenVersion> {
  const found = await store.read("snapshot", version);
  if (!found) throw notFound(version);
  const { summary, contentsHash, packed } = found;
  const { hash, snapshot } = await openSnapshot(summary.version, summary.hash, packed);
  return { summary, version: summary.version, hash, contentsHash, snapshot, packedSnapshot: packed };
}

function notFound(version: number | undefined): Refusal {
  return version === undefined
    ? new Refusal("version_not_found", "Nothing has been published yet.", { remedy: "isthmus apply -f FILE" })
    : new Refusal("version_not_found", `There is no version ${version}.`, { remedy: "isthmus history" });
}

interface OpenVersion extends BaseVersion {
  readonly summary: VersionSummary;
  readonly packedSnapshot: Uint8Array;
}

interface BaseVersion {
  /** 0: nothing has been published. */
  readonly version: number;
  readonly hash: string;
  readonly contentsHash: string;
  readonly snapshot: Snapshot;
}

async function currentVersion(store: Store): Promise<BaseVersion> {
  const found = await store.read("snapshot");
  if (!found) return { version: 0, hash: "", contentsHash: "", snapshot: emptySnapshot };
  const { summary, contentsHash, packed } = found;
  const { snapshot } = await openSnapshot(summary.version, summary.hash, packed);
  return { version: summary.version, hash: summary.hash, contentsHash, snapshot };
}

/** Runs `attempt` against the current version; again when another publish came between, unless the author named a base. */
async function withRetries(
  store: Store,
  baseVersion: number | undefined,
  attempt: (current: BaseVersion) => Promise<PublishResponse>,
): Promise<PublishResponse> {
  for (let attempts = 1; ; attempts += 1) {
    const current = await currentVersion(store);
    if (baseVersion !== undefined && baseVersion !== current.version) {
      throw await staleBase(store, baseVersion, current);
    }
    try {
      return await attempt(current);
    } catch (error) {
      const conflict = error instanceof Refusal && error.body.code === "version_conflict";
      if (!conflict || attempts === maxAttempts) throw error;
    }
  }
}

/** The refusal of a stale base, with what changed since. */
async function staleBase(store: Store, baseVersion: number, current: BaseVersion): Promise<Refusal> {
  const found = await store.read("snapshot", current.version);
  const base = baseVersion === 0 ? undefined : await store.read("snapshot", baseVersion);
  const baseSnapshot = base
    ? (await openSnapshot(baseVersion, base.summary.hash, base.packed)).snapshot
    : emptySnapshot;
  const known = base !== undefined || baseVersion === 0;
  return new Refusal(
    "version_conflict",
    `Version ${current.version} is current; this was made from version ${baseVersion}.`,
    {
      ...(found && { current: found.summary }),
      ...(known && { changes: diff(baseSnapshot, current.snapshot) }),
      remedy: `Look at the changes, take them over, and publish again from version ${current.version}.`,
    },
  );
}

async function prepare(
  { hash, packed: packedSnapshot }: PackedSnapshot,
  files: SourceFile[],
): Promise<Omit<Candidate, "author" | "reason" | "expectedVersion">> {
  const packedFiles = await packFiles(files);
  if (packedSnapshot.length + packedFiles.length > 2 * maxPackedBytes) {
    throw new Refusal(
      "config_too_large",
      `The configuration is more than ${maxPackedBytes} bytes, compressed.`,
      {
        remedy: `Bounds: ${limits.routes} routes, ${limits.backends} backends, ${limits.configBytes} bytes of source.`,
      },
    );
  }
  return { hash, contentsHash: await contentsHashOf(files), packedSnapshot, packedFiles };
}

/** Names do not count: the same document applied from another folder is the same configuration. */
async function contentsHashOf(files: readonly SourceFile[]): Promise<string> {
  const contents = new TextEncoder().encode(JSON.stringify(files.map(({ content }) => content)));
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", contents)));
}
