// Targets that could match one rule and reach what another one guards: `/admin` is refused with 403, all else goes to the
// endpoint. The rule is docs/paths.md.
import { type HostileCase, message, request } from "./hostile-case.ts";

const get = (target: string): string => request(`GET ${target}`);

export const pathConfusionCases: readonly HostileCase[] = [
  { title: "the guarded path", bytes: get("/admin"), http: "403" },
  { title: "below it", bytes: get("/admin/x"), http: "403" },
  { title: "beside it", bytes: get("/administrator-here"), http: "200 <= GET /administrator-here" },
  { title: "an escaped letter", bytes: get("/%61dmin"), http: "403" },
  { title: "an escaped dot segment", bytes: get("/here/%2e%2e/admin"), http: "403" },
  { title: "half an escaped dot segment", bytes: get("/here/.%2E/admin"), http: "403" },
  { title: "a dot segment", bytes: get("/here/../admin"), http: "403" },
  { title: "a dot segment in front", bytes: get("/./admin"), http: "403" },
  { title: "dot segments above the root", bytes: get("/../../admin"), http: "403" },
  { title: "two slashes", bytes: get("//admin"), http: "403" },
  // Dot segments first, then slashes: a server that does it the other way round sees neither any more.
  {
    title: "slashes between dot segments",
    bytes: get("/here//..//..///admin"),
    http: "200 <= GET /here/admin",
  },
  { title: "a backslash", bytes: get("/here\\..\\admin"), http: "403" },
  { title: "an escaped slash", bytes: get("/here%2f..%2fadmin"), http: "400" },
  { title: "an escaped backslash", bytes: get("/here%5c..%5cadmin"), http: "400" },
  { title: "an overlong slash", bytes: get("/here%c0%afadmin"), http: "400" },
  { title: "an overlong dot", bytes: get("/%c0%ae%c0%ae/admin"), http: "400" },
  { title: "an escaped NUL", bytes: get("/here%00/../admin"), http: "400" },
  { title: "half an escape", bytes: get("/here%4"), http: "400" },
  { title: "an escape that is none", bytes: get("/here%zz"), http: "400" },
  {
    title: "escaped twice is another path",
    bytes: get("/here/%252e%252e/admin"),
    http: "200 <= GET /here/%252e%252e/admin",
  },
  { title: "a parameter of the guarded element", bytes: get("/admin;x"), http: "404" },
  { title: "a dot segment with a parameter", bytes: get("/here/..;/admin"), http: "400" },
  { title: "parameters elsewhere", bytes: get("/here;v=1/x"), http: "200 <= GET /here;v=1/x" },
  { title: "a fragment is no part of a target", bytes: get("/here#/../admin"), http: "200 <= GET /here" },
  { title: "a query with a path in it", bytes: get("/here?/../admin"), http: "200 <= GET /here?/../admin" },
  { title: "a space in the target", bytes: get("/here /admin"), http: "400" },
  { title: "a tab in the target", bytes: get("/here\t/admin"), http: "400" },
  { title: "a control character in the target", bytes: get("/here\x01"), http: "400" },
  { title: "an octet beyond ASCII in the target", bytes: get("/here\xe9"), http: "400" },
  { title: "two spaces before the target", bytes: get(" /here"), http: "400", https: "200 <= GET /here" },
  { title: "a target that is no path", bytes: get("admin/here"), http: "400" },
  { title: "a target that completes the Host", bytes: get(".evil.test/here"), http: "400" },
  { title: "a target that is an authority", bytes: get("a.test:80"), http: "200 <= GET /", https: "400" },
  { title: "an absolute target", bytes: get("http://a.test/here"), http: "200 <= GET /here" },
  {
    title: "an absolute target with another spelling of the path",
    bytes: get("http://a.test/%61dmin"),
    http: "403",
  },
  // workerd does not tell the Worker of the target's own authority. The Host decides, and is all that goes on.
  {
    title: "an absolute target for another host",
    bytes: get("http://b.test/here"),
    http: "200 <= GET /here",
  },
  {
    title: "an absolute target with a user",
    bytes: get("http://b.test@c.test/here"),
    http: "200 <= GET /here",
  },
  {
    title: "an absolute target with another Host",
    bytes: message(["GET http://a.test/here HTTP/1.1", "Host: b.test"]),
    http: "404",
  },
  { title: "an asterisk with a method other than OPTIONS", bytes: get("*"), http: "400" },
  { title: "an asterisk with OPTIONS", bytes: request("OPTIONS *"), http: "200 <= OPTIONS /" },
  // workerd says 200 before it asks the Worker, which hangs up.
  { title: "CONNECT", bytes: request("CONNECT a.test:80"), http: "200", https: "closed" },
  {
    title: "a method in lower case is another method",
    bytes: request("get /here"),
    http: "501",
    https: "400",
  },
  { title: "a method that is no token", bytes: request("GE(T /here"), http: "400" },
  { title: "HTTP/0.9", bytes: "GET /here\r\n\r\n", http: "400" },
  { title: "HTTP/2.0 as text", bytes: message(["GET /here HTTP/2.0", "Host: a.test"]), http: "400" },
  { title: "HTTP/1.2", bytes: message(["GET /here HTTP/1.2", "Host: a.test"]), http: "400" },
  {
    title: "a method in a header does not count",
    bytes: request("GET /admin", ["X-HTTP-Method-Override: POST", "X-Original-URL: /here"]),
    http: "403",
  },
];
