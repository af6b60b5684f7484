/** Our decoder, without the rest of the model: what lab/speed/side-by-side.ts puts beside transformers.js. */
import { startGpuProbe } from '../../../src/bench/gpu-probe.ts'
import { DecoderOnly } from '../../../src/runtime/language/decoder-only.ts'
import { Runtime } from '../../../src/runtime/ort/runtime.ts'
import {
  answerRequest,
  answers,
  largest,
  mark,
  promptOf,
  type Answered,
  type DecoderRequest,
  type DecoderResult,
} from './answer.ts'
import { gpu, openDecoderFiles } from './decoder-files.ts'

async function measure(
  request: DecoderRequest,
  pause: (at: string) => Promise<void>,
): Promise<DecoderResult> {
  const { base, vocabulary, loadOnly } = request
  const probe = startGpuProbe()
  const started = performance.now()
  const runtime = await Runtime.open(await gpu())
  const { shape, graph, weights } = await openDecoderFiles(base)
  const language = await DecoderOnly.open(runtime, {
    openSession: (recordable) =>
      runtime.session({
        graph,
        weights,
        keepOnDevice: DecoderOnly.deviceOutputs(shape),
        recordable,
      }),
    shape,
    cacheType: 'float32',
    context: shape.positions,
  })
  const loadMs = performance.now() - started
  const gpuBytesLoading = probe.counts.peakBytes
  await pause('loaded')
  if (loadOnly) return { loadMs, gpuBytesLoading, rounds: [], ids: [] }
  if (!language.records) throw new Error('Steps are not recorded here.')
  const { queries } = shape
  const generate = async (length: number, count: number): Promise<Answered> => {
    const marks = [mark(probe.counts)]
    const ids: number[] = []
    // As many positions as theirs, the queries' among them.
    const embeddings = new Float32Array(queries * shape.hiddenSize).map((_, i) => Math.sin(i))
    const decoding = language.start(runtime.tensor('float32', embeddings, [1, queries, shape.hiddenSize]))
    try {
      let { logits } = await decoding.begin(promptOf(length - queries, vocabulary), count)
      for (;;) {
        const id = largest(logits)
        marks.push(mark(probe.counts))
        ids.push(id)
        if (ids.length === count) break
        logits = await decoding.step(id)
      }
    } finally {
      decoding.dispose()
    }
    return { marks, ids }
  }
  const pausedMs = performance.now() - started - loadMs
  const since = (): number => performance.now() - started - pausedMs
  const result = await answers(request, since, generate, pause)
  probe.stop()
  return { loadMs, gpuBytesLoading, ...result }
}

answerRequest(measure)
