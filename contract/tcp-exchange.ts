// What a TCP check says and waits for (HAProxy `tcp-check send` and `expect`), in turns.
import { z } from "zod";
import { patternSchema } from "./pattern/pattern-schema.ts";

const payloadSchema = z.string().min(1).max(1_024);
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const tcpExchangeSchema = z
  .strictObject({
    send: payloadSchema
      .optional()
      .describe("What is sent first. Default: nothing, and what has come before goes on to count."),
    receive: payloadSchema
      .optional()
      .describe("What must have come before the next exchange begins. Default: nothing."),
    receivePattern: patternSchema
      .optional()
      .describe("The same as an expression for all that has come, each octet a character. Default: none."),
    encoding: z
      .enum(["Text", "Base64"])
      .default("Text")
      .describe("How `send` and `receive` are written. Default: Text, in UTF-8."),
    invert: z
      .literal(true)
      .optional()
      .describe(
        "True: what is said of the answer must not be so once `minReceivedBytes` of it have come, or its end. Default: false.",
      ),
    minReceivedBytes: z
      .int()
      .min(1)
      .max(16_384)
      .optional()
      .describe(
        "Length of an answer that is judged as it is. Default: it is waited for until it fits, or ends.",
      ),
  })
  .superRefine((exchange, context) => {
    const { send, receive, receivePattern, encoding } = exchange;
    if (send === undefined && receive === undefined && receivePattern === undefined) {
      context.addIssue({ code: "custom", message: "expected send, receive or receivePattern" });
    }
    const isExpecting = receive !== undefined || receivePattern !== undefined;
    for (const name of ["invert", "minReceivedBytes"] as const) {
      if (exchange[name] === undefined || isExpecting) continue;
      const message = "expected receive or receivePattern beside it";
      context.addIssue({ code: "custom", path: [name], message });
    }
    if (encoding === "Text") return;
    for (const [name, text] of Object.entries({ send, receive })) {
      if (text !== undefined && !base64.test(text)) {
        context.addIssue({
          code: "custom",
          path: [name],
          message: "expected base64 (RFC 4648 §4), with its padding",
        });
      }
    }
  });

export const tcpExchangesSchema = z.array(tcpExchangeSchema).min(1).max(16);

export type TcpExchange = z.infer<typeof tcpExchangeSchema>;
