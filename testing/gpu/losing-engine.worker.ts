/**
 * The engine's thread with a small model, whose graphics device goes away at a moment of loading: the name of the thread
 * says which, see `Moment`. ONNX Runtime may not recover in a thread that this happened to, so each moment has its own.
 */
import { Engine } from '../../src/engine/engine.ts'
import { SeenPictures } from '../../src/engine/seen.ts'
import type { PartName } from '../../src/pack/families.ts'
import { AppError } from '../../src/pack/failure.ts'
import type { EngineCalls, LoadProgress } from '../../src/protocol/engine-calls.ts'
import { serve, type Handlers } from '../../src/protocol/rpc.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { tableInMemory } from '../../src/store/table.ts'
import { smallPack } from '../small-model.ts'

export interface Moment {
  /** The part whose preparation is told of, or the stage. */
  news: PartName | 'warming-up'
  /** Behind that news: the so manieth call of a method. */
  call: keyof typeof METHODS
  count: number
}

const METHODS = {
  createBuffer: [GPUDevice.prototype, 'createBuffer'],
  mapAsync: [GPUBuffer.prototype, 'mapAsync'],
  submit: [GPUQueue.prototype, 'submit'],
} as const

const { news, call, count } = JSON.parse(self.name) as Moment
let device: GPUDevice | null = null
/** Calls until it goes away. */
let left = Infinity

const [owner, method] = METHODS[call]
const original = Reflect.get(owner, method) as (...args: unknown[]) => unknown
Reflect.set(owner, method, function (this: unknown, ...args: unknown[]) {
  left -= 1
  if (left === 0) device?.destroy()
  return Reflect.apply(original, this, args)
})

const engine = new Engine({
  openPack: () => smallPack(),
  openCompute: async (prefer) => {
    const compute = await openCompute(prefer)
    device = compute.device
    return compute
  },
  probeDevices: () => Promise.resolve([]),
  readPicture: () => Promise.reject(new AppError('bug', 'Nothing is looked at here.')),
  seen: new SeenPictures(tableInMemory()),
})

const handlers: Pick<Handlers<EngineCalls>, 'load'> = {
  load: (input, report, signal) => {
    const hear = (progress: LoadProgress): void => {
      if ([progress.stage, progress.stage === 'preparing' ? progress.graph : null].includes(news))
        left = count
      report(progress)
    }
    return engine.load(input, hear, signal)
  },
}
serve<Pick<EngineCalls, 'load'>>(self, handlers)
