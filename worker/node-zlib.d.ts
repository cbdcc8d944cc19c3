// What the gateway uses of workerd's `node:zlib`: the runtime's own types have no Node modules, and Node's types have all that
// workerd does not have.
declare module "node:zlib" {
  export interface Encoder {
    on(event: "data", listener: (bytes: Uint8Array) => void): void;
    on(event: "error", listener: () => void): void;
    once(event: "data" | "end", listener: () => void): void;
    once(event: "error", listener: (error: Error) => void): void;
    write(bytes: Uint8Array, written: (error?: Error | null) => void): void;
    end(): void;
    close(): void;
  }

  interface Options {
    readonly level?: number;
    readonly flush?: number;
    readonly params?: Readonly<Record<number, number>>;
  }
  type Open = (options: Options) => Encoder;
  type Whole = (bytes: ArrayBuffer, options: Options) => Uint8Array;

  export const createGzip: Open;
  export const createBrotliCompress: Open;
  export const createZstdCompress: Open;
  export const createDeflate: Open;
  export const createDeflateRaw: Open;
  export const gzipSync: Whole;
  export const brotliCompressSync: Whole;
  export const zstdCompressSync: Whole;
  export const deflateSync: Whole;
  export const deflateRawSync: Whole;
  export const constants: Readonly<
    Record<
      | "Z_SYNC_FLUSH"
      | "BROTLI_OPERATION_FLUSH"
      | "BROTLI_PARAM_LGWIN"
      | "BROTLI_PARAM_QUALITY"
      | "ZSTD_c_compressionLevel"
      | "ZSTD_c_windowLog"
      | "ZSTD_e_flush",
      number
    >
  >;
}
