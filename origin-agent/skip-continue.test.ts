import { array, assert, constantFrom, nat, property } from "fast-check";
import { expect, test } from "vitest";
import { ContinueFilter } from "./skip-continue.ts";

/** What is left of an answer that comes in these pieces, and whether what follows is of interest. */
function filtered(pieces: readonly Buffer[]): string {
  const filter = new ContinueFilter();
  filter.begin();
  return pieces.map((piece) => (filter.isLooking ? filter.take(piece) : piece).toString("latin1")).join("");
}

const head = (status: number, field = ""): string => `HTTP/1.1 ${status} Some\r\n${field}\r\n`;
const final = `${head(200, "content-length: 12\r\n")}HTTP/1.1 100`;

test("heads with status 100 are taken out before the final head, however the answer is cut", () => {
  const statuses = array(constantFrom(100, 102, 103, 199), { maxLength: 5 });
  const cuts = array(nat({ max: 400 }), { maxLength: 8 });
  assert(
    property(
      statuses,
      cuts,
      constantFrom(final, head(101), "SSH-2.0\r\n", "HTTP/1.0 200 OK\r\n\r\n"),
      (before, at, end) => {
        const all = Buffer.from(
          before.map((status) => head(status, "x: \u00e9\r\n")).join("") + end,
          "latin1",
        );
        const edges = [0, ...at.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
        const pieces = edges.slice(1).map((edge, index) => all.subarray(edges[index], edge));
        const wanted = before
          .filter((status) => status !== 100)
          .map((status) => head(status, "x: \u00e9\r\n"));
        expect(filtered(pieces)).toBe(wanted.join("") + end);
      },
    ),
  );
});

test("a head without an end is held no longer than any head may be", () => {
  const endless = Buffer.from(head(100).slice(0, -2) + "x".repeat(64 * 1024));
  expect(filtered([endless])).toBe(endless.toString());
});
