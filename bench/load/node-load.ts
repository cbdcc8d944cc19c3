// A closed-loop HTTP/1.1 load generator over plain sockets, for machines without wrk: every connection has one request
// in flight. Prints a LoadResult as JSON. Answers must carry Content-Length, which every peer of the benchmark does.
import { connect } from "node:net";
import type { LoadRequest, LoadResult } from "./load.ts";

const request = JSON.parse(process.argv[2] ?? "{}") as LoadRequest;
const target = new URL(request.url);
const fields = Object.entries({ Host: request.host, ...request.headers }).map(
  ([name, value]) => `${name}: ${value}\r\n`,
);
const head = Buffer.from(`GET ${target.pathname}${target.search} HTTP/1.1\r\n${fields.join("")}\r\n`);
const latenciesMs: number[] = [];
let failures = 0;
const startedMs = performance.now();
const endMs = startedMs + request.seconds * 1000;

function drive(): Promise<void> {
  return new Promise((done) => {
    const socket = connect(Number(target.port), target.hostname);
    let buffered = "";
    let sentMs = 0;
    const send = (): void => {
      sentMs = performance.now();
      if (sentMs >= endMs) return void socket.end();
      socket.write(head);
    };
    socket.setNoDelay(true).setEncoding("latin1");
    socket.once("connect", send);
    socket.once("close", () => done());
    socket.once("error", () => (failures += 1));
    socket.on("data", (chunk: string) => {
      buffered += chunk;
      const bodyAt = buffered.indexOf("\r\n\r\n") + 4;
      if (bodyAt < 4) return;
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(buffered)?.[1] ?? Number.NaN);
      if (Number.isNaN(length))
        throw new Error(`answer without Content-Length: ${buffered.slice(0, bodyAt)}`);
      if (buffered.length < bodyAt + length) return;
      if (!/^HTTP\/1\.1 [23]/.test(buffered)) failures += 1;
      latenciesMs.push(performance.now() - sentMs);
      buffered = buffered.slice(bodyAt + length);
      send();
    });
  });
}

await Promise.all(Array.from({ length: request.connections }, drive));
latenciesMs.sort((a, b) => a - b);
const at = (quantile: number): number => latenciesMs[Math.floor(latenciesMs.length * quantile)] ?? Number.NaN;
const result: LoadResult = {
  requestsPerSecond: latenciesMs.length / ((performance.now() - startedMs) / 1000),
  p50Ms: at(0.5),
  p99Ms: at(0.99),
  failures,
};
process.stdout.write(JSON.stringify(result));
