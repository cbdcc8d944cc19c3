// URLs of servers that the gateway itself asks.
import { z } from "zod";

export const remoteUriSchema = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s/@#?]+(?:\/[^\s#]*)?$/, "expected an http or https URL without user or fragment");
