/** A thread of its own for a load that may lose its device: what it leaves behind there, nobody else meets. */
import { Engine } from '../../src/engine/engine.ts'
import { SeenPictures } from '../../src/engine/seen.ts'
import { toFailure } from '../../src/pack/failure.ts'
import { serve } from '../../src/protocol/rpc.ts'
import { openCompute } from '../../src/runtime/device/compute.ts'
import { openHttpPack } from '../../src/store/http-pack.ts'
import { tableInMemory } from '../../src/store/table.ts'
import { losing, type LosingCalls, type Moment } from './losing.ts'

async function load({ moment, pack }: { moment: Moment | null; pack: string }): Promise<string | null> {
  let tell: (graph: string) => void = () => undefined
  const engine = new Engine({
    openPack: () => openHttpPack(pack),
    openCompute: async (prefer) => {
      const compute = await openCompute(prefer)
      if (compute.device !== null) tell = losing(compute.device, moment)
      // What is no rasteriser is warmed up, too.
      return { ...compute, software: false }
    },
    readPicture: () => Promise.reject(new Error('There is no picture.')),
    seen: new SeenPictures(tableInMemory()),
  })
  const input = { pack: { kind: 'web', url: pack }, prefer: 'webgpu', memory: 'auto' } as const
  try {
    const onProgress = (event: { stage: string; graph?: string }): void => tell(event.graph ?? '')
    const { device } = await engine.load(input, onProgress, new AbortController().signal)
    return device.provider === 'webgpu' ? null : 'There is no WebGPU here.'
  } catch (error) {
    const { code, message } = toFailure(error)
    return `${code}: ${message}`
  }
}

// Vitest has what is imported late pass through a runner, which it puts on the page and not into threads.
Object.assign(self, { __vitest_browser_runner__: { wrapDynamicImport: (load: () => unknown) => load() } })

serve<LosingCalls>(self, { load })
