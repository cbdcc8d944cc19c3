import { expect, test } from "vitest";
import { isForged } from "./forged-names.ts";

test.each([
  ["x_forwarded_for", true],
  ["x-forwarded_for", true],
  ["content_length", true],
  ["transfer_encoding", true],
  ["client_cert", true],
  ["isthmus-cf", true],
  ["x_request_id", false],
  ["my_field", false],
  // The gateway's own stages write or drop these.
  ["x-forwarded-for", false],
  ["content-length", false],
])("%s: %s", (name, forged) => {
  expect(isForged(name)).toBe(forged);
});
