/** RGB bytes → a PNG file (W3C PNG, third edition): 8 bits a channel, no palette, no filter but "none". */
import { zlibSync } from 'fflate'
import { concatenated } from '../pack/bytes.ts'
import { crc32 } from '../archive/crc32.ts'

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const TRUE_COLOUR = 2

/** `rgb`: row-major, width × height × 3. */
export function writePng(width: number, height: number, rgb: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 8
  header[9] = TRUE_COLOUR
  const stride = width * 3
  // Each row begins with the number of its filter, 0.
  const rows = new Uint8Array(height * (stride + 1))
  for (let y = 0; y < height; y += 1)
    rows.set(rgb.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1)
  const chunks = [chunk('IHDR', header), chunk('IDAT', zlibSync(rows)), chunk('IEND', new Uint8Array())]
  return concatenated([SIGNATURE, ...chunks])
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const named = concatenated([new TextEncoder().encode(type), data])
  const whole = new Uint8Array(named.length + 8)
  const view = new DataView(whole.buffer)
  view.setUint32(0, data.length)
  whole.set(named, 4)
  view.setUint32(named.length + 4, crc32(named))
  return whole
}
