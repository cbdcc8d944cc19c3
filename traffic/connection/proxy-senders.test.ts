import { expect, test } from "vitest";
import { proxySenders } from "./proxy-senders.ts";

test("without networks, every client begins with the PROXY protocol", () => {
  expect(proxySenders({ optional: false })("203.0.113.9")).toBe("always");
  expect(proxySenders({ optional: true })("203.0.113.9")).toBe("optional");
  expect(proxySenders({ optional: false })(undefined)).toBe("always");
});

test("with networks, whoever comes from elsewhere is a client", () => {
  const presence = proxySenders({ optional: false, trustedCIDRs: ["10.0.0.0/8", "2001:db8::/32"] });
  expect(["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"].map(presence)).toEqual([
    "always",
    "always",
    "always",
  ]);
  expect(["11.1.2.3", "2001:db9::1", undefined].map(presence)).toEqual(["never", "never", "never"]);
});
