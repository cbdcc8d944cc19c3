import { expect, test } from "vitest";
import { objectUrl, parseObjectPath } from "./object-path.ts";

test.each(["default", "team/prod:1", "a b?c#d%"])("the object named %s survives its path", (name) => {
  const url = new URL(objectUrl("TunnelHub", name, "/push"));
  expect(url.pathname.endsWith("/push")).toBe(true);
  expect(parseObjectPath(url.pathname.slice(1))).toEqual({ className: "TunnelHub", name });
});

test.each(["", "ConfigStore/x", "RegionState", "RegionState/", "RegionState/%zz"])(
  "%j names no object",
  (path) => {
    expect(parseObjectPath(path)).toBeUndefined();
  },
);
