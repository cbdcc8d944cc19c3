// Texts as bytes and back: each character of a text is one byte; what does not fit is written in UTF-8.

export function toBytes(text: string): Uint8Array {
  // oxlint-disable-next-line no-control-regex
  if (/[^\u0000-\u00FF]/.test(text)) return new TextEncoder().encode(text);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function fromBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function hexText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0").toUpperCase();
  return text;
}
