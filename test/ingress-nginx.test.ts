// The end-to-end tests of ingress-nginx by their names, through `isthmus serve`: docs/ingress-nginx-tests.md is what they say.
// `UPDATE_CONFORMANCE=1 vitest run --project e2e test/ingress-nginx.test.ts` writes it.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatConfig } from "#config/format.ts";
import { loadConfig } from "#config/load.ts";
import { limits } from "#contract/limits.ts";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import type { NativeConfig } from "#config/native/schema.ts";
import { expectSeen } from "./ingress-annotations/expect-seen.ts";
import type { Send } from "./ingress-annotations/row.ts";
import { upstreamFiles } from "./ingress-nginx/files.ts";
import { manifestsOf, podsOf, type KeyPair } from "./ingress-nginx/manifests.ts";
import { startPods, type Pods } from "./ingress-nginx/pods.ts";
import { reportText } from "./ingress-nginx/report.ts";
import type { Place, State } from "./ingress-nginx/upstream-test.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";
import { selfSignedPem } from "./system/self-signed.ts";

const tests = upstreamFiles.flatMap(({ file, tests: own }) => own.map((one) => ({ file, ...one })));

/** A configuration that is served, with listeners of its own among those of all others. */
interface World {
  readonly model: NativeConfig;
  readonly place: Place;
}

/** States of which the same comes are served once. */
interface Loaded {
  readonly world: World;
  readonly messages: readonly { readonly severity: string; readonly message: string }[];
}

const loaded = new Map<State, Loaded>();
let systems: readonly System[] = [];
/** Hundreds of ports are a lot to find free where others have theirs, too. */
const address = `127.77.${(process.pid >> 8) & 255}.${process.pid & 255}`;
let pods: Pods;
let client: KeyPair;

beforeAll(async () => {
  const states = tests.flatMap((one) => one.states);
  const free = await freePorts(3 * states.length);
  const worlds = new Map<string, World>();
  pods = await startPods(new Set(["authority", ...states.flatMap(podsOf)]));
  const valid = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const authority = await issueAuthority("clients", undefined, valid);
  const leaf = await issueLeaf(authority, "spiffe://a.test/client", {
    ...valid,
    commonName: "authtls.foo.com",
  });
  client = { cert: leaf.pem, key: await exportPrivateKeyPem(leaf.keyPair.privateKey) };
  const keyPair = keyPairOf(await selfSignedPem("server.example"));
  const inPem = (text: string): string => JSON.stringify(text).slice(1, -1);
  for (const state of states) {
    const text = manifestsOf(state, { pods: pods.ports, keyPair })
      .replaceAll("AUTHORITY/", `127.0.0.1:${pods.ports.get("authority")!}/`)
      .replaceAll('"CLIENT_AUTHORITY"', `"${inPem(authority.pem)}"`)
      .replaceAll('"SERVER_CERTIFICATE"', `"${inPem(keyPair.cert)}"`)
      .replaceAll('"SERVER_KEY"', `"${inPem(keyPair.key)}"`);
    const { model, diagnostics } = loadConfig([{ name: "a.yaml", content: text }], { isolate: true });
    const key = JSON.stringify(model);
    let world = worlds.get(key);
    if (!world) {
      const [http, https, tcp] = [free.pop()!, free.pop()!, free.pop()!];
      worlds.set(key, (world = { model: model!, place: { address, http, https, tcp } }));
    }
    loaded.set(state, { world, messages: diagnostics });
  }
  systems = await Promise.all(batches([...worlds.values()]).map(startBatch));
}, 120_000);

afterAll(async () => {
  await Promise.all(systems.map((system) => system.stop()));
  await pods?.stop();
});

describe.each(upstreamFiles.filter((one) => one.tests.length > 0))("$file", ({ tests: own }) => {
  test.each(own)("$name", async ({ states }) => {
    for (const state of states) await expectState(state, loaded.get(state)!);
  });
});

test("docs/ingress-nginx-tests.md says what these tests say", () => {
  const path = resolve(import.meta.dirname, "../docs/ingress-nginx-tests.md");
  const text = reportText(upstreamFiles);
  if (process.env["UPDATE_CONFORMANCE"] === "1") writeFileSync(path, text);
  expect(readFileSync(path, "utf8")).toBe(text);
});

async function expectState(state: State, { world, messages }: Loaded): Promise<void> {
  const { model, place } = world;
  const errors = messages.filter(({ severity }) => severity === "error").map(({ message }) => message);
  if (state.refused === undefined) expect(errors).toEqual([]);
  else expect(errors).toContainEqual(expect.stringContaining(state.refused));
  for (const text of [state.warns, state.says].filter((one) => one !== undefined))
    expect(messages.map(({ message }) => message)).toContainEqual(expect.stringContaining(text));
  if (state.backend) expect(model.backends).toContainEqual(expect.objectContaining(state.backend));
  const send: Send = (request = {}) => ask({ address, port: place.http, host: state.host, ...request });
  for (const [index, one] of (state.see ?? []).entries()) {
    const { https, certificate, ...request } = one.ask ?? {};
    // Nothing is served at all: nobody listens.
    if (model.listeners.length === 0 && one.status === 404) continue;
    const tls = { port: place.https, tls: certificate ? client : {} };
    const answer = await send(https ? { ...request, ...tls } : request);
    expectSeen(answer, one, `request ${index + 1}`);
  }
  await state.observe?.(send, place);
}

/** Whom the whole configuration believes is the same in one batch, and its listeners are not too many. */
function batches(all: readonly World[]): World[][] {
  const groups = Map.groupBy(all, ({ model }) => JSON.stringify(model.clientIPDetection)).values();
  return [...groups].flatMap((group) => {
    const parts: World[][] = [];
    let room = 0;
    for (const one of group) {
      if (room < one.model.listeners.length) {
        parts.push([]);
        room = limits.listeners;
      }
      parts.at(-1)!.push(one);
      room -= one.model.listeners.length;
    }
    return parts;
  });
}

async function startBatch(batch: readonly World[]): Promise<System> {
  const models = batch.map((one, index) => ownNames(one, `state-${index}`));
  const joined = {
    listeners: models.flatMap((one) => one.listeners),
    routes: models.flatMap((one) => one.routes),
    tcpRoutes: models.flatMap((one) => one.tcpRoutes ?? []),
    backends: models.flatMap((one) => one.backends),
    rateLimitPolicies: models.flatMap((one) => one.rateLimitPolicies ?? []),
    ...(models[0]!.clientIPDetection && { clientIPDetection: models[0]!.clientIPDetection }),
  };
  return startSystem(formatConfig({ ...models[0]!, ...joined }), ["--dev-tls", "--processes", "1"], {
    tunnel: false,
  });
}

/** The model beside those of others. */
function ownNames({ model, place }: World, name: string): NativeConfig {
  const text = JSON.stringify(model).replace(/"(ingress(?:-\w+)?\/)/g, `"${name}/$1`);
  const renamed = JSON.parse(text) as NativeConfig;
  return {
    ...renamed,
    listeners: renamed.listeners.map((listener) => ({
      ...listener,
      addresses: [place.address],
      port: { 80: place.http, 443: place.https }[listener.port!] ?? place.tcp,
    })),
  };
}

function keyPairOf(pem: string): KeyPair {
  const end = pem.indexOf("-----END CERTIFICATE-----\n") + "-----END CERTIFICATE-----\n".length;
  return { cert: pem.slice(0, end), key: pem.slice(end) };
}
