/// <reference types="@jsquash/webp/emscripten-types.d.ts" />
/** WebP and AVIF in WebAssembly (libwebp and libavif, as jSquash builds them): fetched when one is to be read. */
import { concatenated } from '../pack/bytes.ts'
import type { Raster } from './raster.ts'
import { damaged } from './refusal.ts'

export type CodecName = 'webp' | 'avif'

/** Where codecs come from: the page fetches them, Node has them on its disk. Both throw `stalled` and `network`. */
export interface CodecSource {
  loadScript(name: CodecName): Promise<CodecScript>
  compile(name: CodecName): Promise<WebAssembly.Module>
}

/** What is around a codec's WebAssembly. */
export interface CodecScript {
  default: (options: EmscriptenWasm.ModuleOpts) => Promise<Codec>
}

interface Codec {
  /** RGBA in this many bits a sample; null where the bytes are no picture. */
  decode(file: Uint8Array<ArrayBuffer>, bitDepth?: number): Pixels | null
}

const compiled = new Map<CodecName, Promise<WebAssembly.Module>>()

/** Compiled once. What failed to come is asked for again with the next picture. */
function codecOf(name: CodecName, source: CodecSource): Promise<WebAssembly.Module> {
  const known = compiled.get(name)
  if (known !== undefined) return known
  const module = source.compile(name)
  compiled.set(name, module)
  module.catch(() => compiled.delete(name))
  return module
}

interface Pixels {
  data: Uint8ClampedArray
  width: number
  height: number
}

/** Throws `bad-image`. */
export async function decodeWebp(bytes: Uint8Array, source: CodecSource): Promise<Raster> {
  const codec = await freshCodec('webp', source)
  return rasterOf(attempt('WebP', () => codec.decode(concatenated([bytes]))))
}

/** Of a sequence the first picture. Throws `bad-image`. */
export async function decodeAvif(bytes: Uint8Array, source: CodecSource): Promise<Raster> {
  const codec = await freshCodec('avif', source)
  return rasterOf(attempt('AVIF', () => codec.decode(concatenated([bytes]), 8)))
}

/**
 * Each picture has an instance of its own: one that failed may be left broken, and a large picture's memory goes with it.
 */
async function freshCodec(name: CodecName, source: CodecSource): Promise<Codec> {
  const { default: create } = await source.loadScript(name)
  return create(instantiatedFrom(await codecOf(name, source)))
}

function instantiatedFrom(module: WebAssembly.Module): EmscriptenWasm.ModuleOpts {
  return {
    noInitialRun: true,
    instantiateWasm(imports, use) {
      const instance = new WebAssembly.Instance(module, imports)
      use(instance)
      return instance.exports
    },
  }
}

function attempt(kind: string, decode: () => Pixels | null): Pixels {
  let pixels: Pixels | null
  try {
    pixels = decode()
  } catch (cause) {
    throw damaged(kind, cause)
  }
  if (pixels === null) throw damaged(kind)
  return pixels
}

function rasterOf({ data, width, height }: Pixels): Raster {
  const area = width * height
  const rgb = new Uint8Array(area * 3)
  const alpha = new Uint8Array(area)
  let opaque = 255
  for (let i = 0; i < area; i += 1) {
    rgb[i * 3] = data[i * 4] ?? 0
    rgb[i * 3 + 1] = data[i * 4 + 1] ?? 0
    rgb[i * 3 + 2] = data[i * 4 + 2] ?? 0
    alpha[i] = data[i * 4 + 3] ?? 255
    opaque &= alpha[i] ?? 255
  }
  return { width, height, rgb, alpha: opaque === 255 ? null : alpha }
}
