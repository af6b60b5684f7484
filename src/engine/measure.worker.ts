/** Measures a model on this device, in a thread with nothing else in it. */
import { measure } from '../bench/measure.ts'
import type { MeasureCalls, MeasureRequest } from '../protocol/measure-calls.ts'
import type { BenchResult } from '../protocol/bench-result.ts'
import { serve } from '../protocol/rpc.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { openBrowserStore } from '../store/browser-store.ts'
import { openPack } from './open-pack.ts'

async function measureHere(
  { pack: place, prefer, tokens, promptTokens, warmUp }: MeasureRequest,
  report: (event: { stage: string }) => void,
  signal: AbortSignal,
): Promise<BenchResult> {
  const compute = await openCompute(prefer)
  try {
    const pack = await openPack(openBrowserStore(), place, { onBytes: () => undefined, signal })
    const onStage = (stage: string): void => report({ stage })
    return await measure(pack, compute, { tokens, promptTokens, warmUp, onStage, signal })
  } finally {
    compute.device?.destroy()
  }
}

serve<MeasureCalls>(self, { measure: measureHere })
