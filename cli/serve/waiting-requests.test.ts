import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { countWaiting, waitingRequests } from "./waiting-requests.ts";

/** As Linux prints it: a listener with two connections in its queue, and connections with 27, 0 and 5 unread bytes. */
const table = `
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000  1000        0 11 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:0000001B 00:00000000 00000000  1000        0 12 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:C351 01 00000000:00000000 00:00000000 00000000  1000        0 13 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:1F90 0100007F:C352 08 00000000:00000005 00:00000000 00000000  1000        0 14 1 0000000000000000 20 4 30 10 -1
   4: 0100007F:0050 0100007F:C353 01 00000000:00000005 00:00000000 00000000  1000        0 15 1 0000000000000000 20 4 30 10 -1
`;

test("counts what is unread and what is queued, of the process and its ports alone", () => {
  const all = new Set(["11", "12", "13", "14", "15"]);
  expect(countWaiting(table, all, new Set([8080]))).toEqual({ unread: 2, queued: 2 });
  expect(countWaiting(table, all, new Set([80]))).toEqual({ unread: 1, queued: 0 });
  expect(countWaiting(table, new Set(["13"]), new Set([8080]))).toEqual({ unread: 0, queued: 0 });
});

test.skipIf(process.platform !== "linux")(
  "a request that nobody has read is seen until it is read",
  async () => {
    const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = connect(port, "127.0.0.1");
    const [accepted] = (await once(server, "connection")) as [ReturnType<typeof connect>];
    await new Promise((done) => client.write("GET / HTTP/1.1\r\n\r\n", done));
    const look = (): unknown => waitingRequests(process.pid, new Set([port]));
    await expect.poll(look).toEqual({ unread: 1, queued: 0 });
    accepted.resume();
    await expect.poll(look).toEqual({ unread: 0, queued: 0 });
    client.destroy();
    accepted.destroy();
    server.close();
  },
);

test("of a process that there is not, nothing is known", () => {
  expect(waitingRequests(2 ** 30, new Set([80]))).toBeUndefined();
});
