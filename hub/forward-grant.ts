// Asks the control whether somebody may reach a backend by port forwarding.
import { type ForwardGrant, forwardGrantSchema, type ForwardRequest } from "#contract/port-forward.ts";
import { type ApiError, apiErrorSchema } from "#contract/sync.ts";

const timeoutMs = 10_000;

export interface ForwardRefusal {
  /** Of the control's answer; 503 where there was none. */
  readonly status: number;
  readonly error: ApiError;
}

/** Never rejects. */
export async function askForward(
  control: Fetcher,
  request: ForwardRequest,
): Promise<ForwardGrant | ForwardRefusal> {
  try {
    const response = await control.fetch("https://control/forward", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body: unknown = await response.json();
    if (response.ok) return forwardGrantSchema.parse(body);
    return { status: response.status, error: apiErrorSchema.parse(body) };
  } catch (error) {
    const message = `the control cannot be asked: ${String(error)}`;
    return { status: 503, error: { code: "control_unavailable", message } };
  }
}

export function isRefusal(answer: ForwardGrant | ForwardRefusal): answer is ForwardRefusal {
  return "error" in answer;
}
