/** The engine in Node: a model is loaded, looks, answers and is let go of, again and again, and nothing may grow. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openPackFolder } from '../../src/cli/files.ts'
import { Engine } from '../../src/engine/engine.ts'
import { SeenPictures } from '../../src/engine/seen.ts'
import { rowsOf } from '../../src/image/pixels.ts'
import { normalise } from '../../src/image/preprocess.ts'
import { resizeBicubic } from '../../src/image/resize.ts'
import { GREEDY } from '../../src/pack/decoding.ts'
import type { PackReader } from '../../src/pack/manifest.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { liveTensorCount, OwnedTensor } from '../../src/runtime/ort/tensor.ts'
import { tableInMemory } from '../../src/store/table.ts'
import { growthOf, type Growth } from './growth.ts'
import { keepNextTensor, LEAKED_BYTES } from './leaks.ts'

/** What is kept in each cycle, to see that it is noticed. */
export const NODE_LEAKS = ['tensor', 'bytes'] as const
export type NodeLeak = (typeof NODE_LEAKS)[number]

export interface NodeSoak {
  cycles: number
  leak: NodeLeak | null
  /** The built-in model, unless another is given. */
  pack?: PackReader
  onCycle?: (done: number) => void
}

const SIDE = 32

/** What grew of what a process holds after its garbage was collected. */
export async function soakNode({ cycles, leak, pack, onCycle }: NodeSoak): Promise<Growth[]> {
  const collect = garbageCollector()
  const own = pack ?? (await openPackFolder('public/models/drawn-scenes'))
  const engine = new Engine({
    openPack: () => Promise.resolve(own),
    probeDevices: () => Promise.resolve([]),
    openCompute: () => openCompute('wasm'),
    readPicture: async (image, preprocessing) => {
      const [shade = 0] = new Uint8Array(await image.arrayBuffer())
      const rows = rowsOf(SIDE, SIDE, new Uint8Array(SIDE * SIDE * 3).fill(shade))
      const pixels = normalise(resizeBicubic(rows, preprocessing.size), preprocessing)
      return { pixels, width: SIDE, height: SIDE, photograph: false }
    },
    seen: new SeenPictures(tableInMemory()),
  })
  const kept: unknown[] = []
  const dispose = Reflect.get<OwnedTensor, 'dispose'>(OwnedTensor.prototype, 'dispose')
  const measured: Record<string, number>[] = []
  try {
    for (let done = 1; done <= cycles; done += 1) {
      if (leak === 'tensor') keepNextTensor(kept)
      await cycle(engine, done)
      if (leak === 'bytes') kept.push(new Uint8Array(LEAKED_BYTES))
      await collect()
      measured.push({ ...heaps(), tensors: liveTensorCount() })
      onCycle?.(done)
    }
  } finally {
    OwnedTensor.prototype.dispose = dispose
  }
  return Object.entries(BOUNDS).map(([name, ratio]) =>
    growthOf({ name, values: measured.map((one) => one[name] ?? 0), ratio, slack: 0 }),
  )
}

/** Of what the system gives a process comes back late and in part what the process lets go of. */
const BOUNDS = { heap: 1.02, 'array buffers': 1.02, 'resident memory': 1.05, tensors: 1 }

function heaps(): Record<string, number> {
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  return { heap: heapUsed, 'array buffers': arrayBuffers, 'resident memory': rss }
}

async function cycle(engine: Engine, number: number): Promise<void> {
  const unheard = (): void => undefined
  await engine.load({ pack: { kind: 'web', url: '' }, prefer: 'wasm', memory: 'auto' }, unheard, NEVER)
  const picture = { id: `picture ${number}`, image: new Blob([Uint8Array.of(number % 256)]) }
  const settings = { ...GREEDY, maxNewTokens: 8 }
  await engine.answer({ picture, asked: { kind: 'caption', prompt: '' }, settings }, unheard, NEVER)
  await engine.forget({ pictureIds: [picture.id] })
  await engine.unload()
}

const NEVER = new AbortController().signal

function garbageCollector(): () => Promise<void> {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  return async () => {
    // Finalisers run between two collections, and let go of more.
    for (let times = 0; times < 2; times += 1) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
