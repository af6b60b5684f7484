/// <reference types="@jsquash/webp/emscripten-types.d.ts" />
/** WebP and AVIF in WebAssembly (libwebp and libavif, as jSquash builds them): fetched when one is to be read. */
import { concatenated } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import type { Raster } from './raster.ts'
import { damaged } from './refusal.ts'

export type CodecName = 'webp' | 'avif'

/** Where a codec comes from: the page fetches it, Node has it on its disk. */
export type CompileCodec = (name: CodecName) => Promise<WebAssembly.Module>

const compiled = new Map<CodecName, Promise<WebAssembly.Module>>()

/** Compiled once. What failed to come is asked for again with the next picture. */
function codecOf(name: CodecName, compile: CompileCodec): Promise<WebAssembly.Module> {
  const known = compiled.get(name)
  if (known !== undefined) return known
  const module = compile(name)
  compiled.set(name, module)
  module.catch(() => compiled.delete(name))
  return module
}

/** Why a codec is not here, in words for somebody who waits for a picture. */
export function unfetched(cause: unknown): AppError {
  if (cause instanceof AppError && cause.code === 'stalled')
    return new AppError(
      'stalled',
      'The part of this page that reads such pictures did not arrive in time; try again.',
      { cause },
    )
  return new AppError(
    'network',
    'The part of this page that reads such pictures could not be fetched; try again when you are online.',
    { cause },
  )
}

/** A codec's script, which comes from the same place. */
async function scriptOf<T>(loading: Promise<T>): Promise<T> {
  return loading.catch((cause: unknown) => {
    throw unfetched(cause)
  })
}

interface Pixels {
  data: Uint8ClampedArray
  width: number
  height: number
}

/**
 * Throws `bad-image`. Each picture has an instance of its own: one that failed may be left broken, and a large picture's
 * memory goes with it.
 */
export async function decodeWebp(bytes: Uint8Array, compile: CompileCodec): Promise<Raster> {
  const { default: create } = await scriptOf(import('@jsquash/webp/codec/dec/webp_dec.js'))
  const codec = await create(instantiatedFrom(await codecOf('webp', compile)))
  return rasterOf(attempt('WebP', () => codec.decode(concatenated([bytes]))))
}

/** Of a sequence the first picture. Throws `bad-image`. */
export async function decodeAvif(bytes: Uint8Array, compile: CompileCodec): Promise<Raster> {
  const { default: create } = await scriptOf(import('@jsquash/avif/codec/dec/avif_dec.js'))
  const codec = await create(instantiatedFrom(await codecOf('avif', compile)))
  return rasterOf(attempt('AVIF', () => codec.decode(concatenated([bytes]), 8)))
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
