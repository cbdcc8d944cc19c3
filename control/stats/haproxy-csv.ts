// Statistics in the CSV of HAProxy's `show stat` (management guide §9.1, HAProxy 2.6), so that what reads HAProxy reads
// Isthmus: a listener is a FRONTEND, an endpoint a server, a backend a BACKEND. What is not counted here stays empty.
import type { BackendStats, EndpointStats, ListenerStats, Stats, Traffic } from "#contract/stats.ts";
import { isServing } from "./system-stats.ts";

/** In the order of HAProxy, up to where its optional modules begin. */
export const haproxyColumns =
  "pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses,wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est,uweight,agg_server_status,agg_server_check_status,agg_check_status".split(
    ",",
  );

type Row = Readonly<Record<string, string | number>>;

/** `type` of a row. */
const rowType = { frontend: 0, backend: 1, server: 2 } as const;

const algorithms: Readonly<Record<string, string>> = {
  RoundRobin: "roundrobin",
  LeastRequest: "leastconn",
  Random: "random",
  ConsistentHash: "hash",
  PeakEWMA: "peakewma",
};

export function haproxyCsv(stats: Stats): string {
  const rows: Row[] = stats.listeners.map((listener, index) => frontendRow(listener, index + 1));
  stats.backends.forEach((backend, index) => {
    const proxyId = stats.listeners.length + index + 1;
    backend.endpoints.forEach((endpoint, position) =>
      rows.push(serverRow(endpoint, modeOf(backend.protocol), proxyId, position + 1, stats.atMs)),
    );
    rows.push(backendRow(backend, proxyId));
  });
  // HAProxy ends every line with a comma.
  const lines = rows.map(
    (row) => `${haproxyColumns.map((column) => csvField(row[column] ?? "")).join(",")},\n`,
  );
  return `# ${haproxyColumns.join(",")},\n${lines.join("")}`;
}

function frontendRow(listener: ListenerStats, proxyId: number): Row {
  return {
    pxname: listener.name,
    svname: "FRONTEND",
    status: "OPEN",
    ...common(listener, modeOf(listener.protocol), proxyId, 0, rowType.frontend),
    req_rate: Math.round(listener.requestsPerSecond),
    req_tot: listener.requests,
  };
}

function backendRow(backend: BackendStats, proxyId: number): Row {
  const serving = backend.endpoints.filter(isServing);
  return {
    pxname: backend.name,
    svname: "BACKEND",
    scur: backend.inFlight,
    status: backend.up ? "UP" : "DOWN",
    weight: serving.reduce((sum, { weight }) => sum + weight, 0),
    act: serving.length,
    bck: 0,
    wretr: backend.retries,
    lbtot: backend.requests,
    ...common(backend, modeOf(backend.protocol), proxyId, 0, rowType.backend),
    req_tot: backend.requests,
    ...(backend.averageMs !== undefined && { rtime: Math.round(backend.averageMs) }),
    algo: algorithms[backend.algorithm] ?? backend.algorithm,
  };
}

function serverRow(
  endpoint: EndpointStats,
  mode: Mode,
  proxyId: number,
  serverId: number,
  nowMs: number,
): Row {
  const { healthSinceMs, administered, averageMs } = endpoint;
  const changedMs = Math.max(healthSinceMs ?? 0, administered?.atMs ?? 0);
  return {
    pxname: endpoint.backend,
    svname: endpoint.endpoint,
    scur: endpoint.inFlight,
    status: serverStatus(endpoint),
    weight: endpoint.weight,
    uweight: endpoint.weight,
    act: 1,
    bck: 0,
    lbtot: endpoint.requests,
    ...(changedMs > 0 && { lastchg: Math.max(0, Math.round((nowMs - changedMs) / 1000)) }),
    ...common(endpoint, mode, proxyId, serverId, rowType.server),
    ...(averageMs !== undefined && { rtime: Math.round(averageMs) }),
    ...(endpoint.health !== "unchecked" && { last_chk: endpoint.healthReason }),
    addr: endpoint.endpoint,
  };
}

/** The words of HAProxy's status column. */
function serverStatus({ state, health }: EndpointStats): string {
  if (state === "maintenance") return "MAINT";
  if (health === "unhealthy") return "DOWN";
  if (state === "drain") return "DRAIN";
  return health === "unchecked" ? "no check" : "UP";
}

type Mode = "http" | "tcp";

function modeOf(protocol: string): Mode {
  return protocol === "TCP" || protocol === "TLS" ? "tcp" : "http";
}

function common(traffic: Traffic, mode: Mode, proxyId: number, serverId: number, type: number): Row {
  const [oneHundreds, twoHundreds, threeHundreds, fourHundreds, fiveHundreds] = traffic.statuses;
  return {
    stot: traffic.requests,
    pid: 1,
    iid: proxyId,
    sid: serverId,
    type,
    rate: Math.round(traffic.requestsPerSecond),
    // Connections have no statuses; HAProxy leaves these empty, too.
    ...(mode === "http" && {
      hrsp_1xx: oneHundreds,
      hrsp_2xx: twoHundreds,
      hrsp_3xx: threeHundreds,
      hrsp_4xx: fourHundreds,
      hrsp_5xx: fiveHundreds,
      hrsp_other: 0,
    }),
    mode,
  };
}

/** RFC 4180: quoted where it has to be, on one line whatever an endpoint answered to its check. */
function csvField(value: string | number): string {
  const text = String(value).replace(/[\r\n]+/g, " ");
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
