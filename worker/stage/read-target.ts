// Entry: listener, Host and path of the request, in their one canonical form or refused.
import { GatewayError } from "#contract/error.ts";
import type { SocketPlace } from "#contract/listener-place.ts";
import type { SnapshotListener } from "#contract/snapshot.ts";
import { limits } from "#contract/limits.ts";
import { reservedPrefix } from "#contract/reserved-path.ts";
import { parseHost, type ParsedHost } from "#traffic/match/host.ts";
import { normalizePath } from "#traffic/match/path.ts";
import { schemeOf } from "#traffic/match/listener-table.ts";
import type { Exchange } from "../exchange.ts";

export function readTarget(exchange: Exchange): void {
  const { url } = exchange.request;
  if (url.length > limits.requestTargetChars) throw new GatewayError("uri_too_long");
  readHost(exchange, url);
  readPath(exchange, url);
  readListener(exchange, url.startsWith("https:") ? "https" : "http");
  if (exchange.path.startsWith(reservedPrefix)) throw new GatewayError("route_not_found", "reserved path");
}

/**
 * The Host header itself, not the URL's authority: workerd pastes the header into the URL unread, so that `Host: a/b?`
 * would move the border between authority and path.
 */
function readHost(exchange: Exchange, url: string): void {
  const authority = exchange.header("host") ?? url.slice(authorityStart(url), pathStart(url));
  const host = parseHost(authority);
  if (!host) throw new GatewayError("host_malformed");
  checkAuthority(exchange.method, host, authority, url);
  exchange.authority = authority;
  exchange.upstreamAuthority = authority;
  exchange.host = host.hostname;
  exchange.port = host.port ?? (url.startsWith("https:") ? 443 : 80);
}

/** A target that is no path, workerd pastes behind the Host as it is. That of `OPTIONS *` is none. */
function checkAuthority(method: string, host: ParsedHost, authority: string, url: string): void {
  const written = url.slice(authorityStart(url), pathStart(url));
  if (written === authority || !written.startsWith(authority)) return;
  if (parseHost(written)?.hostname === host.hostname) return;
  if (method === "OPTIONS" && written === `${authority}*`) return;
  throw new GatewayError("path_malformed", "the target is no path");
}

function readPath(exchange: Exchange, url: string): void {
  const start = pathStart(url);
  const queryStart = url.indexOf("?", start);
  const rawPath = queryStart < 0 ? url.slice(start) : url.slice(start, queryStart);
  // `OPTIONS *` arrives without a path.
  const path = normalizePath(rawPath === "" ? "/" : rawPath);
  if (path === undefined) throw new GatewayError("path_malformed");
  exchange.path = path;
  exchange.upstreamPath = path;
  exchange.query = queryStart < 0 ? "" : url.slice(queryStart + 1);
}

function readListener(exchange: Exchange, urlScheme: "http" | "https"): void {
  const listener = findListener(exchange, urlScheme);
  if (!listener) throw new GatewayError("route_not_found", "no listener fits the request");
  if (urlScheme === "https") checkServerName(exchange, listener);
  exchange.listener = listener;
  exchange.scheme = schemeOf(listener);
}

/** The listener, as far as it can be told from what has been read of the request. */
export function findListener(exchange: Exchange, urlScheme: "http" | "https"): SnapshotListener | undefined {
  const { plan, port, host } = exchange;
  return plan.listeners.find(socketOf(exchange), urlScheme, port, host);
}

/** What the socket says, asked only where it counts: the runtime makes `props` anew for each request. */
function socketOf({ plan, lifetime }: Exchange): SocketPlace | undefined {
  return plan.listeners.needsSocket ? lifetime.props : undefined;
}

/**
 * A connection belongs to the listener of its server name: certificates, and who may connect, were settled by that one.
 * RFC 9110 §7.4: requests for another are answered 421, and the client opens a connection of its own for them (Gateway
 * API, GatewaySpec.listeners). Only the front door of `isthmus serve` knows the name.
 */
function checkServerName(exchange: Exchange, listener: SnapshotListener): void {
  const { serverName, plan, port, host } = exchange;
  if (serverName === undefined || serverName === host) return;
  if (plan.listeners.find(socketOf(exchange), "https", port, serverName) !== listener)
    throw new GatewayError("misdirected_request");
}

function authorityStart(url: string): number {
  return url.indexOf("://") + 3;
}

function pathStart(url: string): number {
  const slash = url.indexOf("/", authorityStart(url));
  return slash < 0 ? url.length : slash;
}
