// `test/e2e` of ingress-nginx, `admission` and `ingress`: hosts, paths and their types, what may not be.
import { plain } from "./states.ts";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const at = (path: string, status = 200): Seen => ({ ask: { path }, status });

const webhook = "there is no admission webhook: `isthmus validate` and a publish say it of files";
const blocked = (annotations: Texts, word: string): State =>
  plain("admission-test", {
    ingresses: [{ annotations }],
    settings: { "annotation-value-word-blocklist": word },
    refused: "annotation-value-word-blocklist has",
    see: [{ status: 404 }],
  });
const foreignClass = {
  apiVersion: "networking.k8s.io/v1",
  kind: "IngressClass",
  metadata: { name: "nginx-other" },
  spec: { controller: "k8s.io/other" },
};

const admission = upstreamFile(
  "admission/admission.go",
  {
    "should not allow overlaps of host and paths without canary annotations": plain("admission-test", {
      ingresses: [{ name: "first" }, { name: "second" }],
      warns: "already goes where the older Ingress",
    }),
    "should not allow overlaps of host and paths without canary annotations in any rule": plain(
      "admission-test",
      {
        ingresses: [
          { name: "first", paths: ["/safe-path-1", "/conflict-path"] },
          { name: "second", paths: ["/safe-path-2", "/conflict-path"] },
        ],
        warns: "already goes where the older Ingress",
        see: [at("/safe-path-1"), at("/safe-path-2"), at("/conflict-path")],
      },
    ),
    "should allow overlaps of host and paths with canary annotation": plain("admission-test", {
      ingresses: [
        {},
        {
          name: "second",
          service: "slow-echo",
          annotations: { canary: "true", "canary-by-header": "CanaryByHeader" },
        },
      ],
    }),
    "should return an error if there is an invalid value in some annotation": blocked(
      { "connection-proxy-header": "a;}" },
      "}",
    ),
    "should return an error if there is a forbidden value in some annotation": blocked(
      { "connection-proxy-header": "set_by_lua" },
      "set_by_lua",
    ),
    "should not return an error if the Ingress V1 definition is valid with Ingress Class": plain(
      "extensions",
      {
        ingresses: [{ className: "nginx" }],
      },
    ),
    "should not return an error if the Ingress V1 definition is valid with IngressClass annotation": plain(
      "extensions-class",
      { ingresses: [{ classAnnotation: "nginx" }] },
    ),
    "should not return an error for an invalid Ingress when it has unknown class": plain("extensions", {
      ingresses: [
        {
          host: "extensions-invalid",
          className: "nginx-other",
          annotations: { "configuration-snippet": "invalid directive\n" },
        },
        { name: "valid" },
      ],
      objects: [foreignClass],
      see: [{}, { ask: { host: "extensions-invalid" }, status: 404 }],
    }),
  },
  {
    "should not allow REALLY large ingresses": webhook,
    "should block ingress with invalid path":
      "`/etc/nginx` is a path like any other: no text of a path becomes configuration",
    "should return an error if there is an invalid path and wrong pathType is set":
      "paths are compared as they are, whatever their type: `strict-validate-path-type` is a warning",
  },
);

const pathHeader = (type: string, path?: string): Texts => ({
  "configuration-snippet":
    `more_set_input_headers "pathType: ${type}";` +
    (path === undefined ? "" : `more_set_input_headers "pathheader: ${path}";`),
});
const typed = (path: string, type: string, header?: string): Seen => ({
  ask: { path },
  seen: { headers: { pathtype: type, ...(header !== undefined && { pathheader: header }) } },
});
const exact = (path: string) => [{ path, pathType: "Exact" }];
const regex = (host: string, path: string, see: readonly Seen[]): State =>
  plain(host, { ingresses: [{ annotations: { "use-regex": "true" }, paths: [path] }], see });

const ingresses = [
  upstreamFile("ingress/deep_inspection.go", {
    "should drop whole ingress if one path matches invalid regex": plain("inspection123.com", {
      ingresses: [
        { name: "invalidregex", paths: ["/bla{alias /var/run/secrets/;}location ~* ^/abcd"] },
        { name: "valid", paths: ["/xpto"] },
      ],
      refused: "expected a path without spaces",
      see: [at("/xpto"), at("/bla", 404), at("/abcd/", 404)],
    }),
  }),
  upstreamFile("ingress/multiple_rules.go", {
    "should set the correct $service_name NGINX variable": plain("first.host", {
      ingresses: ["first", "second"].map((name) => ({
        name,
        host: `${name}.host`,
        service: `${name}-service`,
        annotations: { "configuration-snippet": 'more_set_input_headers "service-name: $service_name";' },
      })),
      see: ["first", "second"].map((name) => ({
        ask: { host: `${name}.host`, path: "/exact" },
        seen: { headers: { "service-name": `${name}-service` } },
      })),
    }),
  }),
  upstreamFile("ingress/pathtype_exact.go", {
    "should choose exact location for /exact": plain("exact.path", {
      ingresses: [
        { name: "exact", paths: exact("/exact"), annotations: pathHeader("exact") },
        { name: "exact-suffix", paths: ["/exact"], annotations: pathHeader("prefix") },
        { name: "prefix-again", paths: ["/exact"], annotations: pathHeader("duplicated") },
      ],
      see: [typed("/exact", "exact"), typed("/exact/suffix", "prefix")],
    }),
  }),
  upstreamFile("ingress/pathtype_mixed.go", {
    "should choose the correct location": plain("mixed.path", {
      ingresses: ["/", "/foo"].flatMap((path, index) => [
        { name: `exact-${index}`, paths: exact(path), annotations: pathHeader("exact", path) },
        { name: `prefix-${index}`, paths: [path], annotations: pathHeader("prefix", path) },
      ]),
      see: [
        typed("/", "exact", "/"),
        typed("/bar", "prefix", "/"),
        typed("/foo", "exact", "/foo"),
        typed("/foo/bar", "prefix", "/foo"),
        typed("/foobar", "prefix", "/"),
      ],
    }),
  }),
  upstreamFile("ingress/pathtype_prefix.go", {
    "should return 404 when prefix /aaa does not match request /aaaccc": plain("prefix.path", {
      ingresses: [{ paths: ["/aaa"] }],
      see: [at("/aaa"), at("/aaacccc", 404), at("/aaa/cccc"), at("/aaa/")],
    }),
    "should test prefix path using simple regex pattern for /id/{int}": regex("echo.com.br", "/id/[0-9]+", [
      at("/id/1"),
      at("/id/12"),
      at("/id/123"),
      at("/id/aaa", 404),
      at("/id/123a"),
    ]),
    "should test prefix path using regex pattern for /id/{int} ignoring non-digits characters at end of string":
      regex("echo.regex.br", "/id/[0-9]+$", [at("/id/1"), at("/id/aaa", 404), at("/id/123a", 404)]),
    "should test prefix path using fixed path size regex pattern /id/{int}{3}": regex(
      "echo.regex.size.br",
      "/id/[0-9]{3}$",
      [at("/id/99", 404), at("/id/123"), at("/id/9999", 404), at("/id/123a", 404)],
    ),
    "should correctly route multi-segment path patterns": regex(
      "echo.multi.segment.br",
      "/id/[0-9]+/post/[a-zA-Z]+$",
      [at("/id/123/post/abc"), at("/id/123/post/abc123", 404), at("/id/abc/post/abc", 404)],
    ),
  }),
  upstreamFile("ingress/without_host.go", {
    "should set ingress details variables for ingresses without a host": plain("", {
      ingresses: [
        {
          annotations: {
            "configuration-snippet":
              'more_set_input_headers "details: $ingress_name $service_name $service_port";',
          },
        },
      ],
      see: [{ ask: { host: "any.example" }, seen: { headers: { details: "main echo 80" } } }],
    }),
    "should set ingress details variables for ingresses with host without IngressRuleValue, only Backend":
      plain("only-backend", {
        ingresses: [{ paths: [], defaultBackend: "echo" }],
        see: [{}, { ask: { host: "only-backend-doesnotexist" }, status: 404 }],
      }),
  }),
];

export const ingressesFiles: readonly UpstreamFile[] = [admission, ...ingresses];
