// The statistics page: one document without scripts or anything from elsewhere, readable with a screen reader and on
// paper. `html` escapes every value.
import { html } from "hono/html";
import type { BackendStats, EndpointStats, ListenerStats, Stats, Traffic } from "#contract/stats.ts";

/** `Html` is what `html` makes; a promise only where a part of it is one, which none is here. */
type Html = ReturnType<typeof html>;

/** Where the page is, and how often it renews itself. */
export interface PageOptions {
  /** Path, without options. */
  readonly path: string;
  /** 0: never. */
  readonly refreshS: number;
  /** Renewals are put off (`;norefresh`). */
  readonly isPaused: boolean;
}

/** Colours tell nothing that words do not tell, too. */
const style = `
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif; }
body { margin: 1rem auto; max-width: 90rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .2rem 0; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #8885; text-align: left; vertical-align: top; }
th[scope=col] { font-weight: 600; white-space: nowrap; }
th[scope=row] { font-weight: 500; overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.bad { color: #b3261e; font-weight: 600; } .held { color: #8a5a00; font-weight: 600; } .good { color: #1b6e3c; }
@media (prefers-color-scheme: dark) { .bad { color: #ff9d94; } .held { color: #f2c56b; } .good { color: #7fd6a0; } }
`;

export function statsPage(stats: Stats, options: PageOptions): Html {
  const refreshes = options.refreshS > 0 && !options.isPaused;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Isthmus: statistics</title>
        ${refreshes ? html`<meta http-equiv="refresh" content="${options.refreshS}" />` : ""}
        <style>
          ${style}
        </style>
      </head>
      <body>
        <h1>Isthmus: statistics</h1>
        ${head(stats, options)}
        <main>
          ${listeners(stats.listeners)}
          ${stats.backends.map((backend) => backendSection(backend, stats.atMs))}
        </main>
      </body>
    </html>`;
}

function head({ version, atMs, regions }: Stats, { path, refreshS, isPaused }: PageOptions): Html {
  const now = new Date(atMs).toISOString();
  return html`<p>
      ${version === 0 ? "Nothing has been published yet." : `Configuration version ${version}.`} As of
      <time datetime="${now}">${now.slice(0, 19).replace("T", " ")} UTC</time>.
      ${
        refreshS === 0
          ? ""
          : isPaused
            ? html`Paused: <a href="${path}">renew every ${refreshS} seconds</a>.`
            : html`Renewed every ${refreshS} seconds: <a href="${path};norefresh">pause</a>.`
      }
      <a href="${path};csv">CSV</a>
    </p>
    ${regions.length === 0 ? html`<p>No gateway has reported yet.</p>` : ""}
    ${regions.map(
      ({ region, lastSyncMs, snapshotVersion, gateways, agents }) =>
        html`<p>
          Region ${region}: version ${snapshotVersion}, ${gateways} gateway isolates, ${agents} connections of
          agents, last heard of ${span(atMs - lastSyncMs)} ago.
        </p>`,
    )}`;
}

const trafficHeadings = ["Requests", "Per second", "1xx", "2xx", "3xx", "4xx", "5xx"];

function listeners(all: readonly ListenerStats[]): Html {
  return html`<h2 id="listeners">Listeners</h2>
    <div class="wide">
      <table>
        <thead>
          <tr>
            ${columns(["Listener", "Protocol", "Port", "Hosts"])} ${columns(trafficHeadings, "number")}
          </tr>
        </thead>
        <tbody>
          ${all.map(
            (listener) =>
              html`<tr>
                <th scope="row">${listener.name}</th>
                <td>${listener.protocol}</td>
                <td>${listener.port}</td>
                <td>${listener.hostnames.length === 0 ? "every host" : listener.hostnames.join(", ")}</td>
                ${trafficCells(listener)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function backendSection(backend: BackendStats, nowMs: number): Html {
  const { name, tunnel, algorithm, up, endpoints, retries } = backend;
  return html`<h2 id="backend-${name}">Backend ${name}</h2>
    <div class="wide">
      <table>
        <caption>
          ${up ? html`<span class="good">up</span>` : html`<span class="bad">down</span>`}, ${algorithm},
          ${tunnel === undefined ? "dialled by the gateway" : `through the tunnel ${tunnel}`}, ${retries}
          retries
        </caption>
        <thead>
          <tr>
            ${columns(["Endpoint", "State", "Reason"])}
            ${columns(["Weight", "Under way", "Average ms", "Ejections", ...trafficHeadings], "number")}
          </tr>
        </thead>
        <tbody>
          ${endpoints.map((endpoint) => endpointRow(endpoint, nowMs))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">All</th>
            <td></td>
            <td></td>
            <td></td>
            ${numbers([backend.inFlight, average(backend.averageMs), ""])} ${trafficCells(backend)}
          </tr>
        </tfoot>
      </table>
    </div>`;
}

function endpointRow(endpoint: EndpointStats, nowMs: number): Html {
  const { weight, configuredWeight, inFlight, averageMs, ejections } = endpoint;
  const { text, kind } = standing(endpoint);
  return html`<tr>
    <th scope="row">${endpoint.endpoint}</th>
    <td class="${kind}">${text}</td>
    <td>${reason(endpoint, nowMs)}</td>
    ${numbers([
      weight === configuredWeight ? weight : `${weight} (configured ${configuredWeight})`,
      inFlight,
      average(averageMs),
      ejections,
    ])}
    ${trafficCells(endpoint)}
  </tr>`;
}

function standing({ state, health, weight }: EndpointStats): { text: string; kind: string } {
  if (state === "maintenance") return { text: "maintenance", kind: "held" };
  if (health === "unhealthy") return { text: "unhealthy", kind: "bad" };
  if (state === "drain") return { text: "draining", kind: "held" };
  if (weight === 0) return { text: "weight 0", kind: "held" };
  return health === "unchecked" ? { text: "unchecked", kind: "" } : { text: "healthy", kind: "good" };
}

function reason({ healthReason, healthSinceMs, administered }: EndpointStats, nowMs: number): string {
  const said = administered
    ? `${administered.reason || "no reason given"} (${administered.actor}, ${span(nowMs - administered.atMs)} ago)`
    : "";
  const seen = healthSinceMs === undefined ? "" : `${healthReason} (for ${span(nowMs - healthSinceMs)})`;
  return [said, seen].filter((part) => part !== "").join("; ");
}

function columns(names: readonly string[], kind = ""): Html[] {
  return names.map((name) => html`<th scope="col" class="${kind}">${name}</th>`);
}

function trafficCells({ requests, requestsPerSecond, statuses }: Traffic): Html[] {
  return numbers([requests, requestsPerSecond.toFixed(1), ...statuses]);
}

function numbers(values: readonly (number | string)[]): Html[] {
  return values.map((value) => html`<td class="number">${String(value)}</td>`);
}

function average(averageMs: number | undefined): string {
  return averageMs === undefined ? "" : averageMs.toFixed(1);
}

function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
