// Certificates of a bind: files, folders and lists.
import { expect, test } from "vitest";
import { loadConfig } from "../../load.ts";
import { namedFiles } from "../../named-files.ts";

const config = (bind: string): string =>
  `global\n crt-base /etc/ssl\nfrontend web\n mode http\n bind :443 ssl ${bind}\n default_backend site\nbackend site\n mode http\n server s 10.0.0.1:80\n`;

function certificatesOf(bind: string, folder: string, listing: string): unknown {
  const files = [
    { name: "haproxy.cfg", content: config(bind) },
    { name: folder, content: listing, role: "named" as const },
  ];
  return loadConfig(files).model?.listeners[0]?.tls?.certificates?.map(
    (pair) => "certFile" in pair && pair.certFile,
  );
}

test("a folder stands for the certificates in it, with and without a slash", () => {
  const listing = ".hidden.pem\na.pem\na.pem.key\na.pem.ocsp\nb.crt";
  for (const bind of ["crt sites", "crt sites/"]) {
    const found = certificatesOf(`crt main.pem ${bind}`, "/etc/ssl/sites/", listing);
    expect(found).toEqual(["/etc/ssl/main.pem", "/etc/ssl/sites/a.pem", "/etc/ssl/sites/b.crt"]);
  }
});

test("what may be a folder, and lists, are handed over; certificates are not", () => {
  const named = (bind: string) => namedFiles([{ name: "haproxy.cfg", content: config(bind) }]);
  expect(named("crt a.pem")).toEqual([]);
  expect(named("crt sites crt /certs/")).toEqual(["/etc/ssl/sites/", "/certs/"]);
  expect(named("crt-list list.txt")).toEqual(["list.txt"]);
});
