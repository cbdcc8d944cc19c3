// Networks as configurations write them; whether they are any is told with their place (`match-network-invalid`).
import { z } from "zod";

export const cidrSchema = z
  .string()
  .max(49)
  .regex(/^[0-9A-Fa-f:.]+(?:\/[0-9]{1,3})?$/, "expected a network such as 10.0.0.0/8 or 2001:db8::/32");

/** Of a condition. */
export const clientCidrsSchema = z.array(cidrSchema).min(1).max(256);
