// The encoders of compressed bodies, of workerd's `node:zlib` (decision 0027). Each flushes whatever it is given, so that a
// piece of a body arrives before the next one is there.
import type * as NodeZlib from "node:zlib";
import type { Compressor, CompressorType } from "#contract/compression.ts";

type Zlib = typeof NodeZlib;
type Encoder = NodeZlib.Encoder;

interface Coding {
  open(zlib: Zlib, level: number): Encoder;
  whole(zlib: Zlib, bytes: ArrayBuffer, level: number): Uint8Array;
  readonly defaultLevel: number;
  /** What an encoder holds while it is open: window, tables and buffers. Measured with Node's, rounded up. */
  heldBytes(level: number): number;
}

/** 256 KiB, as Envoy has it: what the others of a larger window gain, each open response would hold in memory. */
const windowBits = 18;

const mebibyte = 1024 * 1024;
const largeTables = (level: number): number => (level <= 4 ? 1 : level <= 6 ? 4 : 24) * mebibyte;

const zlibOptions = ({ constants }: Zlib, level: number): object => ({
  level,
  flush: constants.Z_SYNC_FLUSH,
});
const brotliOptions = ({ constants }: Zlib, level: number): object => ({
  flush: constants.BROTLI_OPERATION_FLUSH,
  params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_LGWIN]: windowBits },
});
const zstdOptions = ({ constants }: Zlib, level: number): object => ({
  flush: constants.ZSTD_e_flush,
  params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: windowBits },
});

const deflating: Pick<Coding, "defaultLevel" | "heldBytes"> = {
  defaultLevel: 1,
  heldBytes: () => 384 * 1024,
};

const codings: Readonly<Record<CompressorType, Coding>> = {
  Gzip: {
    open: (zlib, level) => zlib.createGzip(zlibOptions(zlib, level)),
    whole: (zlib, bytes, level) => zlib.gzipSync(bytes, zlibOptions(zlib, level)),
    ...deflating,
  },
  Deflate: {
    open: (zlib, level) => zlib.createDeflate(zlibOptions(zlib, level)),
    whole: (zlib, bytes, level) => zlib.deflateSync(bytes, zlibOptions(zlib, level)),
    ...deflating,
  },
  RawDeflate: {
    open: (zlib, level) => zlib.createDeflateRaw(zlibOptions(zlib, level)),
    whole: (zlib, bytes, level) => zlib.deflateRawSync(bytes, zlibOptions(zlib, level)),
    ...deflating,
  },
  Brotli: {
    open: (zlib, level) => zlib.createBrotliCompress(brotliOptions(zlib, level)),
    whole: (zlib, bytes, level) => zlib.brotliCompressSync(bytes, brotliOptions(zlib, level)),
    defaultLevel: 4,
    heldBytes: largeTables,
  },
  Zstd: {
    open: (zlib, level) => zlib.createZstdCompress(zstdOptions(zlib, level)),
    whole: (zlib, bytes, level) => zlib.zstdCompressSync(bytes, zstdOptions(zlib, level)),
    defaultLevel: 3,
    heldBytes: largeTables,
  },
};

export interface Encoding {
  readonly heldBytes: number;
  open(): Encoder;
  whole(bytes: ArrayBuffer): Uint8Array;
}

/** The module is read when it is first needed: an isolate that compresses nothing starts without it. */
export async function encodingOf({ type, level: wanted }: Compressor): Promise<Encoding> {
  const zlib = await import("node:zlib");
  const coding = codings[type];
  const level = wanted ?? coding.defaultLevel;
  return {
    heldBytes: coding.heldBytes(level),
    open: () => coding.open(zlib, level),
    whole: (bytes) => coding.whole(zlib, bytes, level),
  };
}
