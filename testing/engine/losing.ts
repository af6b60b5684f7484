/** A graphics device that goes away at a chosen moment of loading a model. */
import { after } from '../../src/bench/gpu-probe.ts'

/** Behind the news that a graph is being prepared: at once, or at the so manieth call of a device's method. */
export interface Moment {
  graph: 'vision' | 'q-former' | 'decoder'
  at: 'once' | 'createBuffer' | 'createShaderModule' | 'mapAsync'
  count: number
}

export interface LosingCalls {
  /** Gives the failure of the load, or null when it went well. Null for `moment`: nothing is lost. */
  load: { in: { moment: Moment | null; pack: string }; event: never; out: string | null }
}

/** Destroys `device` at the moment. Returns what is to be told of graphs. For a thread of its own. */
export function losing(device: GPUDevice, moment: Moment | null): (graph: string) => void {
  let left = Infinity
  const count = (method: string): void => {
    if (method !== moment?.at) return
    left -= 1
    if (left === 0) device.destroy()
  }
  for (const method of ['createBuffer', 'createShaderModule'] as const)
    after(GPUDevice.prototype, method, () => count(method))
  after(GPUBuffer.prototype, 'mapAsync', () => count('mapAsync'))
  return (graph) => {
    if (graph !== moment?.graph) return
    if (moment.at === 'once') device.destroy()
    else left = moment.count
  }
}
