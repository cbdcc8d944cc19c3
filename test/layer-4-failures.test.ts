// Connections that end well and badly: how the log tells of them, beside the real HAProxy, and endpoints that are ejected.
import { afterAll, beforeAll, expect, test } from "vitest";
import { haproxyMissing, startHaproxy } from "./system/haproxy.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";
import { startTcpPod, tcpClient, type TcpPod } from "./system/tcp.ts";

const names = ["good", "dead", "nobody", "pool"] as const;

let pod: TcpPod;
let dead: number;
let system: System;
let ports: Record<(typeof names)[number], number>;

beforeAll(async () => {
  pod = await startTcpPod("pod");
  const [down, ...free] = (await freePorts(5)) as [number, number, number, number, number];
  dead = down;
  ports = { good: free[0]!, dead: free[1]!, nobody: free[2]!, pool: free[3]! };
  const route = (name: string): string =>
    `  - { name: ${name}, listeners: [${name}], rules: [{ maxConnectAttempts: 2, backendRefs: [{ name: ${name} }] }] }`;
  system = await startSystem(`
listeners:
${names.map((name) => `  - { name: ${name}, protocol: TCP, port: ${ports[name]} }`).join("\n")}
tcpRoutes:
${names.map(route).join("\n")}
backends:
  - { name: good, protocol: TCP, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }
  - { name: dead, protocol: TCP, endpoints: [{ address: 127.0.0.1, port: ${dead} }] }
  - { name: nobody, protocol: TCP, endpoints: [] }
  - name: pool
    protocol: TCP
    endpoints: [{ address: 127.0.0.1, port: ${dead} }, { address: 127.0.0.1, port: ${pod.port} }]
    healthCheck: { passive: { consecutiveLocalOriginFailures: 3, baseEjectionTime: 1h } }
accessLog: { mode: all, format: HTTPLog }
`);
});

afterAll(async () => {
  await system?.stop();
  await pod?.stop();
});

/** HAProxy's configuration manual, §8.2.2; a group per field that is compared. */
const tcpLog =
  /(?<client>[0-9a-f.:]+):\d+ \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] (?<frontend>\S+) (?<backend>[^\s/]+)\/(?<server>\S+) -?\d+\/(?<connect>-1|\d+)\/-?\d+ (?<bytes>\d+) (?<ended>\S\S) \d+\/\d+\/\d+\/\d+\/\+?\d+ \d+\/\d+$/m;

/** Lines of one listener. Times differ between any two runs; that there was a connection does not. */
function linesOf(listener: string, output: string): Record<string, string>[] {
  return output.split("\n").flatMap((line) => {
    const fields = tcpLog.exec(line)?.groups;
    if (fields?.["frontend"] !== listener) return [];
    return [{ ...fields, connect: fields["connect"] === "-1" ? "-1" : "connected" }];
  });
}

/** Sends `text`, and reads until the other side ends. */
async function talk(port: number, text: string): Promise<void> {
  const client = tcpClient(port);
  client.end(text);
  await client.all;
}

test.for(["good", "dead", "nobody"] as const)(
  "listener %s: the line of its connection is the one of the real HAProxy",
  async (name, { skip }) => {
    const missing = haproxyMissing();
    if (missing) skip(missing);
    const [theirs] = (await freePorts(1)) as [number];
    const server = { good: pod.port, dead, nobody: undefined }[name];
    const haproxy = await startHaproxy(`
global
  log stdout format raw local0
defaults
  mode tcp
  log global
  option tcplog
  option redispatch
  retries 1
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend ${name}
  bind 127.0.0.1:${theirs}
  default_backend ${name}
backend ${name}
${server ? `  server 127.0.0.1:${server} 127.0.0.1:${server}` : ""}
`);
    try {
      await eventually("HAProxy listens", async () => {
        await talk(theirs, "hello");
        return linesOf(name, haproxy.output()).length > 0;
      });
      await talk(ports[name], "hello");
      const [line] = await eventually("the connection is logged", async () => {
        const lines = linesOf(name, system.program.output());
        return lines.length > 0 && lines;
      });
      expect(line).toEqual(linesOf(name, haproxy.output())[0]);
    } finally {
      await haproxy.stop();
    }
  },
);

test("an endpoint that refuses connections is ejected, and no client notices", async () => {
  const standing = async (): Promise<string | undefined> => {
    const { stdout } = await system.run("endpoint", "list");
    return stdout.split("\n").find((line) => line.includes("pool") && line.includes(`:${dead}`));
  };
  const greetings = new Set<string>();
  await eventually("it is ejected", async () => {
    for (let count = 0; count < 20; count += 1) {
      const client = tcpClient(ports.pool);
      greetings.add(await client.until("\n").catch(String));
      client.socket.destroy();
    }
    return (await standing())?.includes("ejected");
  });
  expect([...greetings]).toEqual(["pod\n"]);
});
