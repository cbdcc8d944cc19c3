// The head of a stream, for tests to which it does not matter what is asked.
import type { OpenHead } from "#contract/tunnel/head.ts";

export const someHead: OpenHead = {
  kind: "http",
  endpoint: "web|10.0.0.1:80",
  method: "POST",
  scheme: "http",
  authority: "a",
  target: "/",
  fields: [],
};
