/** How a browser's worker decodes: its own JPEG decoder, codecs fetched beside the page's scripts. */
import avifScriptUrl from '@jsquash/avif/codec/dec/avif_dec.js?url'
import avifUrl from '@jsquash/avif/codec/dec/avif_dec.wasm?url'
import webpScriptUrl from '@jsquash/webp/codec/dec/webp_dec.js?url'
import webpUrl from '@jsquash/webp/codec/dec/webp_dec.wasm?url'
import { concatenated } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import type { Network } from '../remote/network.ts'
import { requestRange } from '../remote/range-request.ts'
import { scriptInTime, unfetched } from '../pack/script.ts'
import type { CodecName, CodecScript } from './codecs.ts'
import type { Platform } from './decode-picture.ts'
import type { RgbRows } from './pixels.ts'
import { damaged } from './refusal.ts'

/** Rows per strip of canvas: a strip of the widest picture has 32 MiB. */
const STRIP_ROWS = 256

const CODEC_URLS: Readonly<Record<CodecName, string>> = { avif: avifUrl, webp: webpUrl }
const SCRIPT_URLS: Readonly<Record<CodecName, string>> = { avif: avifScriptUrl, webp: webpScriptUrl }
const PURPOSE = 'reads such pictures'

type ImportScript = (url: string) => Promise<CodecScript>

const importScript: ImportScript = (url) => import(/* @vite-ignore */ url) as Promise<CodecScript>

/** How often each failed to come, in this thread: a browser remembers such an import by its address (HTML, module map). */
const failures = new Map<CodecName, number>()

/** `network` is asked for codecs, and has patience with their scripts. */
export function browserPlatform(network: Network, load = importScript): Platform {
  async function loadScript(name: CodecName): Promise<CodecScript> {
    const failed = failures.get(name) ?? 0
    const again = failed === 0 ? '' : `?again=${failed}`
    const address = new URL(SCRIPT_URLS[name] + again, import.meta.url)
    try {
      return await scriptInTime(load(address.href), PURPOSE, network.stallMs)
    } catch (error) {
      failures.set(name, failed + 1)
      throw error
    }
  }

  return {
    async withJpeg({ bytes }, use) {
      const bitmap = await bitmapOf(bytes)
      try {
        return use(stripsOf(bitmap))
      } finally {
        bitmap.close()
      }
    },
    codecs: { loadScript, compile: (name) => compile(network, CODEC_URLS[name]) },
  }
}

async function bitmapOf(bytes: Uint8Array<ArrayBuffer>): Promise<ImageBitmap> {
  try {
    const blob = new Blob([bytes], { type: 'image/jpeg' })
    return await createImageBitmap(blob, { imageOrientation: 'from-image', colorSpaceConversion: 'none' })
  } catch (cause) {
    throw damaged('JPEG', cause)
  }
}

/** One attempt: somebody looks at a picture and waits. Throws `stalled` and `network`. */
async function compile(network: Network, address: string): Promise<WebAssembly.Module> {
  try {
    const url = new URL(address, import.meta.url)
    const response = await requestRange(network, { url, start: 0, cache: 'default' })
    if (response === undefined) throw new Error('It is not there.')
    const pieces: Uint8Array[] = []
    for await (const piece of response.pieces()) pieces.push(piece)
    return await WebAssembly.compile(concatenated(pieces))
  } catch (cause) {
    throw unfetched(PURPOSE, cause)
  }
}

function stripsOf(bitmap: ImageBitmap): RgbRows {
  const { width, height } = bitmap
  const canvas = new OffscreenCanvas(width, Math.min(height, STRIP_ROWS))
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (context === null)
    throw new AppError('out-of-memory', 'There is not enough memory to read this picture; close other tabs.')
  let loaded = { start: 0, count: 0, rgba: new Uint8ClampedArray() }
  const load = (start: number): void => {
    const count = Math.min(canvas.height, height - start)
    context.drawImage(bitmap, 0, start, width, count, 0, 0, width, count)
    loaded = { start, count, rgba: context.getImageData(0, 0, width, count).data }
  }
  return {
    width,
    height,
    readRows(start, count) {
      const rgb = new Uint8Array(count * width * 3)
      for (let row = 0; row < count; row += 1) {
        const y = start + row
        if (y < loaded.start || y >= loaded.start + loaded.count) load(y)
        dropAlpha(loaded.rgba, (y - loaded.start) * width * 4, rgb, row * width * 3, width)
      }
      return rgb
    },
  }
}

function dropAlpha(rgba: Uint8ClampedArray, from: number, rgb: Uint8Array, to: number, pixels: number): void {
  for (let i = 0; i < pixels; i += 1) {
    rgb[to + i * 3] = rgba[from + i * 4] ?? 0
    rgb[to + i * 3 + 1] = rgba[from + i * 4 + 1] ?? 0
    rgb[to + i * 3 + 2] = rgba[from + i * 4 + 2] ?? 0
  }
}
