import { OnDemand, type RunOptions } from './on-demand.ts'
import type { Runtime } from './runtime.ts'
import type { Session } from './session.ts'
import { disposeTensors, type DeviceTensor } from './tensor.ts'

/** A graph whose session need not exist all the time. */
export class OnDemandSession extends OnDemand<Session> {
  readonly #runtime: Runtime

  constructor(runtime: Runtime, openSession: (signal: AbortSignal | undefined) => Promise<Session>) {
    super(openSession)
    this.#runtime = runtime
  }

  /** Runs the graph. What comes out is the caller's and outlives the session. */
  run(feeds: Record<string, DeviceTensor>, options: RunOptions = {}): Promise<Record<string, DeviceTensor>> {
    return this.use(async (session) => outliving(this.#runtime, await session.run(feeds)), options)
  }
}

/** Copies in memory of their own: what ONNX Runtime gives its outputs belongs to the session that may be gone before them. */
export async function outliving(
  runtime: Runtime,
  outputs: Record<string, DeviceTensor>,
): Promise<Record<string, DeviceTensor>> {
  const copies: Record<string, DeviceTensor> = {}
  try {
    for (const [name, tensor] of Object.entries(outputs)) copies[name] = await runtime.repeat(tensor, 1)
    return copies
  } catch (error) {
    disposeTensors(copies)
    throw error
  } finally {
    disposeTensors(outputs)
  }
}
