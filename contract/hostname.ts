// Host names as configurations write them.
import { z } from "zod";
import { limits } from "./limits.ts";

export const hostnameSchema = z
  .string()
  .max(limits.hostnameChars)
  .regex(
    /^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
    "expected a host name such as api.example.com, or *.example.com",
  )
  .meta({ id: "Hostname", examples: ["api.example.com", "*.example.com"] });

/** Host name without wildcard (Gateway API `PreciseHostname`). */
export const preciseHostnameSchema = hostnameSchema.refine((hostname) => !hostname.startsWith("*"), {
  message: "expected a host name without wildcard",
});
