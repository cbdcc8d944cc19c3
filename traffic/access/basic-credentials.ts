// RFC 7617: `Authorization: Basic base64(user:password)`.

export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

const maxChars = 4_096;

/** `undefined`: no or malformed credentials. Text is UTF-8, as the challenge asks for. */
export function parseBasicCredentials(authorization: string | null): BasicCredentials | undefined {
  if (authorization === null || authorization.length > maxChars) return undefined;
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const colon = text.indexOf(":");
    return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
  } catch {
    return undefined;
  }
}
