/** A picture file → RGB rows, in Node: libjpeg-turbo through sharp, codecs from the packages' folders. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import sharp from 'sharp'
import { withPicture, type Platform } from '../image/decode-picture.ts'
import type { PlainJpeg } from '../image/jpeg.ts'
import { rowsOf, type RgbRows } from '../image/pixels.ts'
import type { Alpha } from '../image/raster.ts'
import { damaged } from '../image/refusal.ts'

const CODEC_FILES = {
  avif: '@jsquash/avif/codec/dec/avif_dec.wasm',
  webp: '@jsquash/webp/codec/dec/webp_dec.wasm',
} as const

const nodePlatform: Platform = {
  async withJpeg(jpeg, use) {
    return use(await decodeJpeg(jpeg))
  },
  codecs: {
    loadScript: (name) =>
      name === 'avif'
        ? import('@jsquash/avif/codec/dec/avif_dec.js')
        : import('@jsquash/webp/codec/dec/webp_dec.js'),
    compile: (name) => compile(CODEC_FILES[name]),
  },
}

async function compile(file: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(createRequire(import.meta.url).resolve(file)))
}

/** Decodes a picture as the page does. Throws `bad-image` and `image-too-large`. */
export function decodeImage(bytes: Uint8Array, alpha: Alpha = 'drop'): Promise<RgbRows> {
  return withPicture(bytes, alpha, nodePlatform, (rows) => rows)
}

async function decodeJpeg({ bytes, components }: PlainJpeg): Promise<RgbRows> {
  try {
    const image = sharp(bytes, { failOn: 'error', ignoreIcc: true, limitInputPixels: false }).autoOrient()
    // Otherwise four colours would go through a profile of the library's own.
    const plain =
      components === 4 ? image.pipelineColourspace('cmyk').toColourspace('cmyk') : image.toColourspace('srgb')
    const { data, info } = await plain.raw().toBuffer({ resolveWithObject: true })
    return rowsOf(info.width, info.height, threeChannels(data, info.channels))
  } catch (cause) {
    throw damaged('JPEG', cause)
  }
}

function threeChannels(data: Buffer, channels: number): Uint8Array {
  if (channels === 3) return data
  const pixels = data.length / channels
  const rgb = new Uint8Array(pixels * 3)
  for (let i = 0; i < pixels; i += 1) {
    for (let c = 0; c < 3; c += 1) {
      rgb[i * 3 + c] = channels === 4 ? inkOnPaper(data, i * 4, c) : (data[i * channels] ?? 0)
    }
  }
  return rgb
}

/** Pillow's formula (Convert.c, cmyk2rgb): what the black leaves, less the ink's share of it, rounded as MULDIV255 does. */
function inkOnPaper(cmyk: Uint8Array, at: number, channel: number): number {
  const light = 255 - (cmyk[at + 3] ?? 0)
  const product = (cmyk[at + channel] ?? 0) * light + 128
  return light - (((product >> 8) + product) >> 8)
}
