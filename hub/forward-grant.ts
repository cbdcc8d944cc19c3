// Asks the control whether somebody may reach a backend by port forwarding.
import { type ForwardGrant, forwardGrantSchema, type ForwardRequest } from "#contract/port-forward.ts";
import { type ApiError, apiErrorSchema } from "#contract/sync.ts";
import { type AskControl, parsedJson } from "./hub-runtime.ts";

export interface ForwardRefusal {
  /** Of the control's answer; 503 where there was none. */
  readonly status: number;
  readonly error: ApiError;
}

/** Never rejects. */
export async function askForward(
  askControl: AskControl,
  request: ForwardRequest,
): Promise<ForwardGrant | ForwardRefusal> {
  try {
    const { status, text } = await askControl("/forward", request);
    const answer = parsedJson(text);
    if (status === 200) return forwardGrantSchema.parse(answer);
    return { status, error: apiErrorSchema.parse(answer) };
  } catch (error) {
    const message = `the control cannot be asked: ${String(error)}`;
    return { status: 503, error: { code: "control_unavailable", message } };
  }
}

export function isRefusal(answer: ForwardGrant | ForwardRefusal): answer is ForwardRefusal {
  return "error" in answer;
}
