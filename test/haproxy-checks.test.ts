// Active checks of a haproxy.cfg through `isthmus serve`, beside the real HAProxy: whatever a server answers to its checks,
// both say the same of whether it is up.
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { eventually } from "./system/process.ts";

/** Answers requests for `/` with 200, and all else as it is told. */
interface CheckedServer {
  readonly port: number;
  answers: Answer;
  stop(): Promise<void>;
}

/** What is sent; `closed`: nothing, the connection ends; `silent`: nothing at all. */
type Answer = { readonly text: string; readonly stays?: true } | "closed" | "silent";

const http = (status: number, body = "", headers = ""): Answer => ({
  text: `HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\nConnection: close\r\n${headers}\r\n${body}`,
});

/** Whoever begins so must go on so: of the whole server and under the name that the check says; with its headers and body. */
const askedFor: Readonly<Record<string, RegExp>> = {
  OPTIONS: /^OPTIONS \* HTTP\/1.1\r\n(?:.*\r\n)*host: www\r\n/i,
  "POST /posted": /\r\nx-who: checks\r\n(?:.*\r\n)*\r\nstate of checks\?$/i,
  "GET /old": /^(?=(?:.*\r\n)*host: www\r\n)(?:.*\r\n)*x-probe: yes\r\n/i,
};

async function startCheckedServer(): Promise<CheckedServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
    socket.once("data", (bytes) => {
      const request = bytes.toString("latin1");
      // Of the whole server, and under the name that the check says.
      const isUnasked = Object.entries(askedFor).some(
        ([start, whole]) => request.startsWith(start) && !whole.test(request),
      );
      const isTraffic = request.startsWith("GET / ");
      const answer = isTraffic ? http(200, "ok") : isUnasked ? http(400) : checked.answers;
      if (answer === "closed") socket.end();
      else if (answer !== "silent" && answer.stays) socket.write(answer.text);
      else if (answer !== "silent") socket.end(answer.text);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const checked: CheckedServer = {
    port: (server.address() as { port: number }).port,
    answers: "closed",
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return checked;
}

interface Kind {
  /** Statements of the section. */
  readonly check: string;
  readonly up: readonly Answer[];
  readonly down: readonly Answer[];
}

const failures: readonly Answer[] = ["closed", "silent", { text: "nonsense\r\n\r\n" }];

const kinds = {
  plain: {
    check: "option httpchk GET /health",
    up: [http(200), http(299), http(302), http(399)],
    down: [http(404), http(500), ...failures],
  },
  wholeServer: {
    check: "option httpchk OPTIONS * HTTP/1.1\n  http-check send hdr Host www",
    up: [http(200)],
    down: [http(500), ...failures],
  },
  status: {
    check: "option httpchk GET /health\n  http-check expect status 200-204,404",
    up: [http(204), http(404)],
    down: [http(205), http(503), ...failures],
  },
  notStatus: {
    check: "option httpchk GET /health\n  http-check expect ! status 500-599",
    up: [http(404), http(200)],
    down: [http(503), ...failures],
  },
  statusPattern: {
    check: "option httpchk GET /health\n  http-check expect rstatus ^(2..|30[12])$",
    up: [http(250), http(301)],
    down: [http(303), http(404)],
  },
  notStatusPattern: {
    check: "option httpchk GET /health\n  http-check expect ! rstatus ^5",
    up: [http(404)],
    down: [http(503)],
  },
  text: {
    check: "option httpchk GET /health\n  http-check expect string fine",
    up: [http(200, "all is fine."), http(500, "fine")],
    down: [http(200, "all is FINE"), http(200), ...failures],
  },
  pattern: {
    check: "option httpchk GET /health\n  http-check expect rstring state=[a-c]+;",
    up: [http(200, "\nstate=abc;\n"), http(404, "x state=b; y")],
    down: [http(200, "state=abd;"), http(200)],
  },
  both: {
    check: "option httpchk GET /health\n  http-check expect status 200\n  http-check expect string fine",
    up: [http(200, "fine")],
    down: [http(201, "fine"), http(200, "not")],
  },
  sent: {
    check:
      "option httpchk\n  http-check send meth HEAD uri /health hdr X-Probe yes\n  http-check expect status 200",
    up: [http(200)],
    down: [http(500)],
  },
  header: {
    check: `option httpchk GET /health
  http-check expect hdr name X-State value -m str ready
  http-check expect ! fhdr name -m beg x-bad value -m sub yes`,
    up: [http(200, "", "X-State: no, ready\r\n"), http(500, "", "x-state: ready\r\nX-Bad: no\r\n")],
    down: [
      http(200),
      http(200, "", "X-State: ready2\r\n"),
      http(200, "", "X-State: ready\r\nX-Bad-One: a yes b\r\n"),
      "closed",
    ],
  },
  notText: {
    check: `option httpchk GET /health
  http-check expect ! string broken
  http-check expect ! rstring err(or|no)`,
    up: [http(200, "all is fine"), http(500, "errata")],
    down: [http(200, "it is broken"), http(200, "errno 5")],
  },
  posted: {
    check: `option httpchk
  http-check send meth POST uri /posted hdr X-Who %[be_name] body-lf "state of %[be_name]?"`.replaceAll(
      "%[be_name]",
      "%[str(CHECKS),lower]",
    ),
    up: [http(200)],
    down: [http(500)],
  },
  oldForm: {
    check: "option httpchk GET /old HTTP/1.1\\r\\nHost:\\ www\\r\\nX-Probe:\\ yes",
    up: [http(200)],
    down: [http(500)],
  },
  disabledOn404: {
    check: "option httpchk GET /health\n  http-check disable-on-404",
    up: [http(200)],
    down: [http(404), http(500)],
  },
  twoRequests: {
    check: `option httpchk
  http-check connect
  http-check send meth GET uri /
  http-check expect string ok
  http-check set-var(check.path) str(/health)
  http-check connect linger
  http-check send meth GET uri-lf %[var(check.path)]`,
    up: [http(200), http(302)],
    down: [http(404), "closed"],
  },
  twoDialogues: {
    check: `option tcp-check
  tcp-check connect
  tcp-check send "GET / HTTP/1.0\\r\\n\\r\\n"
  tcp-check expect string ok
  tcp-check connect
  tcp-check send HELLO
  tcp-check expect string WELCOME`,
    up: [{ text: "WELCOME" }],
    down: [{ text: "GO AWAY" }, "closed", "silent"],
  },
  notBytes: {
    check: `option tcp-check
  tcp-check send HELLO
  tcp-check expect !rstring ^ERR
  tcp-check expect string FINE`,
    up: [{ text: "ALL FINE" }],
    down: [{ text: "ERR, BUT FINE" }, { text: "OTHER" }, { text: "FINE", stays: true }, "silent"],
  },
  enoughBytes: {
    check: `option tcp-check
  tcp-check send HELLO
  tcp-check expect min-recv 3 comment early !string ERROR
  tcp-check expect string FINE`,
    up: [{ text: "FINE!", stays: true }, { text: "FINE" }],
    down: [{ text: "ERROR FINE", stays: true }, { text: "FINE", stays: true }, "silent"],
  },
  redis: {
    check: "option redis-check",
    up: [{ text: "+PONG\r\n" }],
    down: [{ text: "-ERR\r\n" }, "closed", "silent"],
  },
  exchange: {
    check:
      "option tcp-check\n  tcp-check connect\n  tcp-check send HELLO\\r\\n\n  tcp-check expect string WELCOME",
    up: [{ text: "so WELCOME here" }],
    down: [{ text: "GO AWAY" }, "closed", "silent"],
  },
} as const satisfies Record<string, Kind>;

type Name = keyof typeof kinds;
const names = Object.keys(kinds) as Name[];

describe.skipIf(haproxyMissing() !== undefined)("checks", () => {
  const servers = new Map<Name, CheckedServer>();
  let running: BesideHaproxy<Name>;

  beforeAll(async () => {
    for (const name of names) {
      const server = await startCheckedServer();
      [server.answers] = kinds[name].up;
      servers.set(name, server);
    }
    running = await startBesideHaproxy({
      ports: names,
      config: (ports) => `
${httpDefaults}  timeout check 300ms
  default-server check inter 100ms fall 1 rise 1
${names
  .map(
    (name) => `listen ${name}
  bind 127.0.0.1:${ports[name]}
  ${kinds[name].check}
  server one 127.0.0.1:${servers.get(name)!.port}
`,
  )
  .join("")}`,
    });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all([...servers.values()].map((server) => server.stop()));
  });

  /** Resolves when both have found out. */
  const both = async (name: Name, status: number, answer: Answer): Promise<void> => {
    const what = `${name} ${status} after ${JSON.stringify(answer)}`;
    for (const [side, { [name]: port }] of Object.entries({ ours: running.ours, theirs: running.theirs })) {
      await eventually(`${side}: ${what}`, async () => {
        const { status: found } = await ask({ port, host: "a.test" });
        return found === status;
      });
    }
  };

  test.concurrent.each(names)("%s", async (name) => {
    const server = servers.get(name)!;
    const { up, down } = kinds[name] as Kind;
    const rounds = Math.max(up.length, down.length);
    // From one verdict to the other, so that none is left from what was answered before.
    for (let round = 0; round < rounds; round += 1) {
      for (const [answers, status] of [
        [down, 503],
        [up, 200],
      ] as const) {
        server.answers = answers[round % answers.length]!;
        await both(name, status, server.answers);
      }
    }
    expect(rounds).toBeGreaterThan(0);
  });
});
