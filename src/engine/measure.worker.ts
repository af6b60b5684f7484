/** Measures a model on this device, in a thread with nothing else in it. */
import { measure } from '../bench/measure.ts'
import type { MeasureCalls, MeasureRequest, Measuring } from '../protocol/measure-calls.ts'
import type { BenchResult } from '../protocol/bench-result.ts'
import { serve } from '../protocol/rpc.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { openBrowserStore } from '../store/browser-store.ts'
import { browserTable } from '../store/indexed-db.ts'
import { KeptJudgements } from './judged.ts'
import { openPack } from './open-pack.ts'

async function measureHere(
  { pack: place, prefer, kernels, tokens, promptTokens, warmUp, timestamps = false }: MeasureRequest,
  report: (event: Measuring) => void,
  signal: AbortSignal,
): Promise<BenchResult> {
  const compute = await openCompute(prefer, { timestamps })
  try {
    const pack = await openPack(openBrowserStore(), place, { onBytes: () => undefined, signal })
    const judgements = new KeptJudgements(browserTable('pictalk-judged'))
    let soFar: Partial<BenchResult> = {}
    return await measure(pack, compute, {
      tokens,
      promptTokens,
      kernels,
      judgements,
      warmUp,
      onPart: (parts) => (soFar = parts),
      onStage: (stage) => report({ stage, soFar }),
      signal,
    })
  } finally {
    compute.device?.destroy()
  }
}

serve<MeasureCalls>(self, { measure: measureHere })
