// `isthmus start`: the whole system on this machine, to try.
import type { Command } from "commander";
import { CommandError } from "../command-error.ts";
import { startDemo } from "../demo/demo.ts";
import type { DemoOptions } from "../demo/demo-options.ts";
import { wholeNumber } from "./arguments.ts";

const port = wholeNumber(1, 65_535);

export function addStart(program: Command): void {
  program
    .command("start")
    .summary("run everything on this machine with sample pods, to try")
    .description(
      "Runs control, gateway, one agent with a real tunnel and three sample pods that are reached only through it. State is in a temporary directory; Ctrl-C ends everything and leaves nothing behind.",
    )
    .option("--http-port <port>", "gateway, HTTP", port, 8080)
    .option("--https-port <port>", "gateway, HTTPS with a generated certificate", port, 8443)
    .option("--control-port <port>", "admin API", port, 8081)
    .option("--tunnel-port <port>", "where the agent connects", port, 8444)
    .option("--verbose", "show what the processes log", false)
    .addHelpText(
      "after",
      "\nExamples:\n  isthmus start\n  isthmus start --http-port 18080 --https-port 18443",
    )
    .action(run);
}

async function run(options: DemoOptions): Promise<void> {
  const print = (line: string): boolean => process.stdout.write(`${line}\n`);
  // Heard from the start: Ctrl-C while it comes up must leave nothing behind, either.
  const cancel = new AbortController();
  const asked = new Promise<"asked">((done) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => done("asked"));
  });
  const starting = startDemo(options, print, cancel.signal);
  const first = await Promise.race([asked, starting]);
  if (first === "asked") {
    cancel.abort();
    await starting.then((demo) => demo.stop()).catch(() => {});
    return;
  }
  print(introduction(options, first.dataDirectory));
  const why = await Promise.race([asked, first.broken]);
  print(why === "asked" ? "\nstopping …" : `\n${why}; stopping …`);
  await first.stop();
  if (why !== "asked") throw new CommandError("failure", `the demo broke: ${why}`);
}

function introduction({ httpPort, httpsPort, controlPort, tunnelPort }: DemoOptions, data: string): string {
  return `
gateway  http://api.localhost:${httpPort}   https://api.localhost:${httpsPort}   (api v1 90 %, api v2 10 %)
         http://www.localhost:${httpPort}   https://www.localhost:${httpsPort}
control  http://127.0.0.1:${controlPort}
tunnel   https://localhost:${tunnelPort}        one agent, three pods behind it

Try:
  curl -i http://api.localhost:${httpPort}/
  curl -i http://www.localhost:${httpPort}/
  curl -ik https://api.localhost:${httpsPort}/

Pods answer every path; also /bytes/N (download), POST (upload), /events (SSE), WebSocket (echo).
See who runs what:
  npx isthmus status --data ${data}

Ctrl-C ends everything.`;
}
