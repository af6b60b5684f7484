/**
 * How long a caption takes on a device, from what a short probe measured there: arithmetic for looking and reading the
 * prompt, memory and launches for each word. Pure, so that a model can be judged before it is fetched.
 */
import type { Provider } from './device-report.ts'
import type { PackModel, PackPart, PartName } from './families.ts'
import { weightBytes } from './manifest.ts'
import { loadedParts, type PlannedPack } from './model-needs.ts'

/** What a device did in a probe; see `runtime/device/probe-speed`. */
export interface DeviceSpeed {
  /** Multiplications and additions per second, of large matrix products in float32. */
  flops: number
  /** Bytes of a matrix per second, of products with one row. */
  bytesPerSecond: number
  /** Milliseconds that the smallest product takes, one of many in a run. */
  launchMs: number
}

/** What a caption asks of a device. */
export interface CaptionWork {
  /** Before the first word: vision encoder, Q-Former and the prompt. */
  flops: number
  lookNodes: number
  /** For each word: weights that are read, and nodes of the graph. */
  wordBytes: number
  wordNodes: number
  words: number
}

/** Tokens of a usual caption. */
export const CAPTION_WORDS = 12
/** Weights of a layer in units of its hidden size squared: attention has 4, and the two matrices of a feed-forward 8. */
const LAYER = 12
/** Nodes of a graph for each layer that a GPU launches something for. */
const NODES = 12

export function captionWork(pack: PlannedPack): CaptionWork {
  const parts = loadedParts(pack)
  const { queries } = shapeOf(pack)
  let [flops, lookNodes, wordBytes, wordNodes] = [0, 0, 0, 0]
  for (const [name, part] of parts) {
    const rows = rowsOf(name, part, queries)
    const { hiddenSize } = part.shape
    const layers = 'layers' in part.shape ? part.shape.layers : 0
    flops += 2 * LAYER * layers * hiddenSize ** 2 * rows + 4 * layers * rows ** 2 * hiddenSize
    if (name === 'decoder' || name === 'text-decoder') {
      wordBytes += weightBytes(pack, name)
      wordNodes += NODES * layers
    } else lookNodes += NODES * layers
  }
  return { flops, lookNodes, wordBytes, wordNodes, words: CAPTION_WORDS }
}

/**
 * On the processor quantised weights cost more than the float32 ones of the probe, since they are widened as they are read:
 * arithmetic so many times, memory so many times. Found with the synthetic shape `mini` in Node, by processor time (036).
 */
const WIDENING = { wasm: { flops: 3, bytes: 25 }, webgpu: { flops: 1, bytes: 1 } } as const

/** Seconds from a picture's pixels to the end of its caption. */
export function predictedSeconds(
  work: CaptionWork,
  { flops, bytesPerSecond, launchMs }: DeviceSpeed,
  provider: Provider,
): number {
  const more = WIDENING[provider]
  const look = (more.flops * work.flops) / flops + (work.lookNodes * launchMs) / 1000
  const word = (more.bytes * work.wordBytes) / bytesPerSecond + (work.wordNodes * launchMs) / 1000
  return look + work.words * word
}

function shapeOf(model: PackModel): { queries: number } {
  return model.family === 'blip2-itm' ? model.parts['text-q-former'].shape : model.parts['q-former'].shape
}

/** Rows that a part computes at once, before the first word. */
function rowsOf(name: PartName, { shape }: PackPart, queries: number): number {
  if (name === 'vision' && 'tokens' in shape) return shape.tokens
  if (name === 'text-decoder') return 1
  return queries
}
