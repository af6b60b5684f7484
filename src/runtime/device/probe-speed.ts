/**
 * What a device can do, found out in about half a second: chains of matrix products run by ONNX Runtime, as a model's
 * are, large enough that the device shows what it has.
 */
import { fromBase64 } from '../../pack/bytes.ts'
import type { DeviceSpeed } from '../../pack/caption-work.ts'
import { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { Compute } from './compute.ts'

/**
 * ONNX file, base64: x [rows, width] and w [width, width] → x·w·w·…, PRODUCTS times. Made ahead, because the graph builder
 * would bring its protobuf along; the test makes it anew and compares.
 */
export const GRAPH =
  'CAoSB3BpY3RhbGs66gMKJAoBeAoBdxIITWF0TXVsXzEaCE1hdE11bC8wIgZNYXRNdWw6AAorCghNYXRNdWxfMQoBdxIITWF0TXVsXzIaCE1hdE11bC8xIgZNYXRNdWw6AAorCghNYXRNdWxfMgoBdxIITWF0TXVsXzMaCE1hdE11bC8yIgZNYXRNdWw6AAorCghNYXRNdWxfMwoBdxIITWF0TXVsXzQaCE1hdE11bC8zIgZNYXRNdWw6AAorCghNYXRNdWxfNAoBdxIITWF0TXVsXzUaCE1hdE11bC80IgZNYXRNdWw6AAorCghNYXRNdWxfNQoBdxIITWF0TXVsXzYaCE1hdE11bC81IgZNYXRNdWw6AAorCghNYXRNdWxfNgoBdxIITWF0TXVsXzcaCE1hdE11bC82IgZNYXRNdWw6AAorCghNYXRNdWxfNwoBdxIITWF0TXVsXzgaCE1hdE11bC83IgZNYXRNdWw6AAolCghNYXRNdWxfOBIBeRoKSWRlbnRpdHkvOCIISWRlbnRpdHk6ABIFc3BlZWRaHAoBeBIXChUIARIRCgYSBHJvd3MKBxIFd2lkdGhaHQoBdxIYChYIARISCgcSBXdpZHRoCgcSBXdpZHRoYhwKAXkSFwoVCAESEQoGEgRyb3dzCgcSBXdpZHRoQgQKABAVQhEKDWNvbS5taWNyb3NvZnQQAQ=='
export const PRODUCTS = 8

/** From the smallest on; the first that takes long enough counts, or the last that there is time for. */
const LOOKS = [
  { rows: 64, width: 256 },
  { rows: 128, width: 512 },
  { rows: 256, width: 1024 },
  { rows: 512, width: 2048 },
]
const WORDS = [512, 1024, 2048, 4096].map((width) => ({ rows: 1, width }))
const LAUNCH = { rows: 1, width: 32 }

/** A run of this length is none of launching any more. */
const ENOUGH_MS = 25
/** No larger one is begun when the last took this long with its preparation. */
const LAST_MS = 120
const RUNS = 3

/** Throws what running throws. */
export async function probeSpeed(compute: Compute): Promise<DeviceSpeed> {
  const runtime = await Runtime.open(compute)
  const graph = fromBase64(GRAPH)
  const session = await runtime.session({ graph, keepOnDevice: ['y'] })
  try {
    const probe = new Probe(runtime, session)
    const launchMs = (await probe.run(LAUNCH)).ms / PRODUCTS
    const look = await probe.largest(LOOKS)
    const word = await probe.largest(WORDS)
    const net = (ms: number): number => Math.max(ms - PRODUCTS * launchMs, ms / 10) / 1000
    return {
      flops: (PRODUCTS * 2 * look.rows * look.width ** 2) / net(look.ms),
      bytesPerSecond: (PRODUCTS * 4 * word.width ** 2) / net(word.ms),
      launchMs,
    }
  } finally {
    await session.dispose()
  }
}

interface Size {
  rows: number
  width: number
}

class Probe {
  readonly #runtime: Runtime
  readonly #session: Session

  constructor(runtime: Runtime, session: Session) {
    this.#runtime = runtime
    this.#session = session
  }

  async largest(sizes: readonly Size[]): Promise<Size & { ms: number }> {
    let last: (Size & { ms: number }) | undefined
    for (const size of sizes) {
      const { ms, allMs } = await this.run(size)
      last = { ...size, ms }
      if (ms >= ENOUGH_MS || allMs >= LAST_MS) break
    }
    return last ?? { rows: 1, width: 1, ms: NaN }
  }

  /**
   * The middle one of three runs behind a first, in which shaders are built; and all of them together. The best one would
   * fall between the turns of whatever else is computed here, as no caption can.
   */
  async run({ rows, width }: Size): Promise<{ ms: number; allMs: number }> {
    const began = performance.now()
    const x = this.#runtime.resident('float32', new Float32Array(rows * width), [rows, width])
    let w: DeviceTensor | undefined
    try {
      w = this.#runtime.resident('float32', new Float32Array(width * width), [width, width])
      const times: number[] = []
      for (let i = 0; i < 1 + RUNS; i += 1) {
        const started = performance.now()
        const { y } = await this.#session.run({ x, w })
        // What comes back says that everything before it is done.
        try {
          await y?.read()
        } finally {
          y?.dispose()
        }
        times.push(performance.now() - started)
      }
      const [, middle = NaN] = times.slice(1).sort((a, b) => a - b)
      return { ms: middle, allMs: performance.now() - began }
    } finally {
      x.dispose()
      w?.dispose()
    }
  }
}
