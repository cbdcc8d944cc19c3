// Checks that speak: `option tcp-check` with its rules and the options for protocols, through `isthmus serve` and beside the
// real HAProxy. Of two servers one answers as it should, and only that one gets connections.
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { eventually } from "./system/process.ts";
import { selfSignedPem } from "./system/self-signed.ts";
import { startTcpPod, tcpClient, tlsClient, type TcpPod } from "./system/tcp.ts";

/** What a server says on its own, and to what it hears. Texts have a character for each octet. */
interface Speech {
  readonly banner?: string;
  readonly answers?: readonly (readonly [heard: string, said: string])[];
}

interface Kind {
  /** Lines of the `listen`. */
  readonly checks: readonly string[];
  readonly good: Speech;
  readonly bad: Speech;
}

const mysqlHello = "\x15\0\0\0\x0a8.0.40\0\x01\0\0\0abcdefgh\0";
const mysqlError = "\x0b\0\0\0\xff\x10\x04#08004no";

const kinds: Readonly<Record<string, Kind>> = {
  master: {
    checks: [
      "option tcp-check",
      "tcp-check connect",
      "tcp-check send PING\\r\\n",
      "tcp-check expect string +PONG",
      "tcp-check send info\\ replication\\r\\n",
      "tcp-check expect comment role string role:master",
      "tcp-check send QUIT\\r\\n",
      "tcp-check expect string +OK",
    ],
    good: {
      answers: [
        ["PING", "+PONG\r\n"],
        ["info", "$12\r\nrole:master\r\n"],
        ["QUIT", "+OK\r\n"],
      ],
    },
    bad: {
      answers: [
        ["PING", "+PONG\r\n"],
        ["info", "$11\r\nrole:slave\r\n"],
        ["QUIT", "+OK\r\n"],
      ],
    },
  },
  octets: {
    checks: [
      "option tcp-check",
      "tcp-check expect rstring ^220.*ESMTP",
      "tcp-check expect string ready",
      "tcp-check send-binary 50494e47",
      "tcp-check expect binary fffe00",
    ],
    good: { banner: "220 mail ESMTP ready\r\n", answers: [["PING", "x\xff\xfe\0"]] },
    bad: { banner: "220 mail ESMTP ready\r\n", answers: [["PING", "x\xff\xfd\0"]] },
  },
  redis: {
    checks: ["option redis-check"],
    good: { answers: [["PING", "+PONG\r\n"]] },
    bad: { answers: [["PING", "-LOADING\r\n"]] },
  },
  smtp: {
    checks: ["option smtpchk EHLO mail.test"],
    good: {
      banner: "220 mail\r\n",
      answers: [
        ["EHLO mail.test\r\n", "250-mail\r\n250 ok\r\n"],
        ["QUIT", "221 bye\r\n"],
      ],
    },
    bad: { banner: "554 no\r\n" },
  },
  postgres: {
    checks: ["option pgsql-check user checker"],
    good: { answers: [["user\0checker\0", "R\0\0\0\x08\0\0\0\0"]] },
    bad: { answers: [["user\0checker\0", "E\0\0\0\x0fSFATAL\0C57P03\0"]] },
  },
  ldap: {
    checks: ["option ldap-check"],
    good: { answers: [["\x30\x0c", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"]] },
    bad: { answers: [["\x30\x0c", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00"]] },
  },
  mysql: {
    checks: ["option mysql-check"],
    good: { banner: mysqlHello },
    bad: { banner: mysqlError },
  },
  mysqlLogin: {
    checks: ["option mysql-check user checker"],
    good: { banner: mysqlHello, answers: [["checker\0", "\x07\0\0\x02\0\0\0\x02\0\0\0"]] },
    bad: { banner: mysqlHello, answers: [["checker\0", "\x0b\0\0\x02\xff\x15\x04#28000no"]] },
  },
};
const ports = [...Object.keys(kinds), "tls"];

const isRefusing = { now: false };

/** Whoever asks for it is told the server's name. */
function speak({ banner, answers = [] }: Speech, name: string): (socket: Socket) => void {
  return (socket) => {
    if (banner !== undefined) socket.write(banner, "latin1");
    socket.on("data", (chunk: Buffer) => {
      const heard = chunk.toString("latin1");
      if (heard.includes("who are you")) socket.write(`${name}\n`);
      if (isRefusing.now && name === "changing") return;
      for (const [text, said] of answers) if (heard.includes(text)) socket.write(said, "latin1");
    });
    socket.on("end", () => socket.end());
  };
}

describe("checks that speak", () => {
  let running: BesideHaproxy<string>;
  const pods: TcpPod[] = [];

  beforeAll(async () => {
    const pem = await selfSignedPem("pod.test");
    const sections = new Map<string, { checks: readonly string[]; servers: [TcpPod, TcpPod] }>();
    for (const [name, { checks, good, bad }] of Object.entries(kinds)) {
      const servers = [
        await startTcpPod("good", { serve: speak(good, "good") }),
        await startTcpPod("bad", { serve: speak(bad, "bad") }),
      ] as [TcpPod, TcpPod];
      sections.set(name, { checks, servers });
    }
    const tls = await startTcpPod("good", { tls: { cert: pem, key: pem } });
    const plain = await startTcpPod("bad", { serve: speak({ banner: "no TLS here\n" }, "bad") });
    sections.set("tls", { checks: ["option ssl-hello-chk"], servers: [tls, plain] });
    pods.push(...[...sections.values()].flatMap(({ servers }) => servers));
    running = await startBesideHaproxy({
      ports,
      config: (port) => `
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  default-server check inter 500ms rise 1 fall 2
${[...sections]
  .map(
    ([
      name,
      {
        checks,
        servers: [good, bad],
      },
    ]) => `
listen ${name}
  bind 127.0.0.1:${port[name]}
  ${checks.join("\n  ")}
  server bad 127.0.0.1:${bad.port}
  server good 127.0.0.1:${good.port}
`,
  )
  .join("")}`,
    });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all(pods.map((pod) => pod.stop()));
  });

  const isServedByGood = async (port: number, isTls: boolean): Promise<boolean> => {
    const client = isTls ? tlsClient(port) : tcpClient(port);
    if (!isTls) client.write("who are you\n");
    const answer = await Promise.race([client.until("good"), client.until("bad\n")]).catch(() => "");
    client.socket.destroy();
    await client.all;
    return answer.includes("good");
  };

  const sides = ["ours", ...(haproxyMissing() === undefined ? (["theirs"] as const) : [])] as const;
  test.each(sides.flatMap((side) => ports.map((name) => [side, name] as const)))(
    "%s, %s: the server that answers as it should gets all connections",
    async (side, name) => {
      await eventually("six connections in a row reach it", async () => {
        for (let count = 0; count < 6; count += 1) {
          if (!(await isServedByGood(running[side][name]!, name === "tls"))) return false;
        }
        return true;
      });
    },
  );

  test("status says what the other one lacks", async () => {
    const { stdout } = await running.system.run("status");
    expect(stdout).toMatch(/role:master.* in exchange 2 of 3/);
  });
});

describe("a server that goes down", () => {
  let running: BesideHaproxy<"closing" | "staying">;
  let pod: TcpPod;

  beforeAll(async () => {
    pod = await startTcpPod("changing", { serve: speak({ answers: [["PING", "+PONG\r\n"]] }, "changing") });
    running = await startBesideHaproxy({
      ports: ["closing", "staying"],
      config: (port) => `
defaults
  mode tcp
  timeout connect 5s
  timeout client 5m
  timeout server 5m
  option redis-check
listen closing
  bind 127.0.0.1:${port.closing}
  server s1 127.0.0.1:${pod.port} check inter 500ms on-marked-down shutdown-sessions
listen staying
  bind 127.0.0.1:${port.staying}
  server s1 127.0.0.1:${pod.port} check inter 500ms
`,
    });
  });
  afterAll(async () => {
    await running?.stop();
    await pod?.stop();
  });

  test("its connections are closed where shutdown-sessions says so, and go on elsewhere", async () => {
    const clientsOf = (side: "ours" | "theirs") => ({
      closing: tcpClient(running[side].closing),
      staying: tcpClient(running[side].staying),
    });
    const clients = [clientsOf("ours"), ...(haproxyMissing() === undefined ? [clientsOf("theirs")] : [])];
    for (const client of clients.flatMap(({ closing, staying }) => [closing, staying])) {
      client.write("who are you\n");
      await client.until("changing");
    }
    isRefusing.now = true;
    for (const { closing, staying } of clients) {
      // However it ends.
      await closing.all;
      staying.write("who are you\n");
      await staying.until("changing\nchanging");
      staying.socket.destroy();
    }
    await eventually("the region has heard why it was closed", async () =>
      (await running.system.run("status")).stdout.includes('result="endpoint_down"'),
    );
  });
});
