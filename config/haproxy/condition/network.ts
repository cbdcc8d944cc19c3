// Networks as patterns and converters write them.
import { isCidr } from "../../native/address.ts";
import { invalid } from "../statement-problem.ts";

/** Also `10.0.0.0/255.0.0.0`. Throws `StatementProblem`. */
export function readNetwork(pattern: string): string {
  if (isCidr(pattern)) return pattern;
  const [address = "", mask = "", ...rest] = pattern.split("/");
  const network = `${address}/${maskBits(mask)}`;
  if (isCidr(network) && !address.includes(":") && rest.length === 0) return network;
  return invalid(`expected a network such as 10.0.0.0/8; found ${JSON.stringify(pattern)}`, {
    remedy: "Write addresses, not names.",
  });
}

/** Of `255.255.255.0`. `undefined`: it is no mask. */
export function maskBits(mask: string): number | undefined {
  if (!/^[0-9.]+$/.test(mask) || !isCidr(mask)) return undefined;
  const bits = mask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits) ? bits.replaceAll("0", "").length : undefined;
}
