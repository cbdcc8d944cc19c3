import { expect, test } from "vitest";
import { dialledProtocols, dialledShard } from "./target.ts";

test("the shard that is dialled is read back, and HTTP comes first for whoever does not know the other", () => {
  for (const shard of [0, 1]) {
    expect(dialledProtocols(shard)[0]).toBe("http/1.1");
    expect(dialledShard(dialledProtocols(shard))).toBe(shard);
  }
});

test.each([
  [[]],
  [["http/1.1"]],
  [["h2", "http/1.1"]],
  [["isthmus-hub/"]],
  [["isthmus-hub/2"]],
  [["isthmus-hub/-1"]],
  [["isthmus-hub/0x0"]],
  [["isthmus-hub/0001"]],
  [["isthmus-hub/0 "]],
  [["Isthmus-Hub/0"]],
  [["http/1.1", "isthmus-hub/9", "isthmus-hub/0"]],
])("%j names no shard", (protocols) => {
  expect(dialledShard(protocols)).toBeUndefined();
});
