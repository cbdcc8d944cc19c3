// Certificates of clients.
import { notFlag, notInteger, withoutEffect, type Rows } from "./row.ts";

const clients = { "auth-tls-secret": "default/authorities" };

export const certificateRows: Rows = {
  "auth-tls-secret": {
    samples: [
      { value: "default/authorities", tls: true, nginx: true, see: [{ ask: { https: true }, status: 400 }] },
    ],
    refused: {
      "default/nobody": 'there is no Secret "default/nobody"',
      "default/users": "the Secret has no authorities in ca.crt",
    },
  },
  "auth-tls-verify-client": {
    samples: [
      { value: "on", with: clients, tls: true, nginx: true, see: [{ ask: { https: true }, status: 400 }] },
      {
        value: "optional",
        with: clients,
        tls: true,
        see: [{ ask: { https: true }, seen: { headers: { "ssl-client-verify": "NONE" } } }],
      },
      { value: "off", with: clients, tls: true, nginx: true, see: [{ ask: { https: true }, by: "web" }] },
    ],
    refused: { perhaps: 'expected "on" or "off"' },
    beside: clients,
  },
  "auth-tls-verify-depth": withoutEffect("3", "chains of certificates", {
    inert: ["1"],
    refused: notInteger,
  }),
  "auth-tls-error-page": {
    samples: [
      {
        value: "https://help.example/certificates",
        with: clients,
        tls: true,
        nginx: true,
        see: [
          { ask: { https: true }, status: 302, headers: { location: "https://help.example/certificates" } },
        ],
      },
    ],
    refused: { "@named": "an http or https URL without variables" },
    beside: clients,
  },
  "auth-tls-pass-certificate-to-upstream": {
    samples: [
      {
        value: "true",
        with: { ...clients, "auth-tls-verify-client": "optional" },
        tls: true,
        // The client has none, and cannot write one.
        see: [
          {
            ask: { https: true, headers: { "ssl-client-cert": "forged" } },
            seen: { headers: { "ssl-client-cert": null } },
          },
        ],
      },
    ],
    refused: notFlag,
    beside: clients,
  },
  "auth-tls-match-cn": {
    samples: [
      {
        value: "CN=(ann|bob)",
        with: { ...clients, "auth-tls-verify-client": "optional" },
        tls: true,
        nginx: true,
        see: [{ ask: { https: true }, status: 403 }],
      },
    ],
    refused: { ann: "begins with CN=", "CN=(?=a)": "not possible in linear time" },
    beside: clients,
  },
};
