/** Our decoder, without the rest of the model: what lab/speed/side-by-side.ts puts beside transformers.js. */
import { DecoderOnly } from '../../../src/runtime/language/decoder-only.ts'
import { Runtime } from '../../../src/runtime/ort/runtime.ts'
import {
  answerRequest,
  largest,
  mark,
  measureDecoder,
  promptOf,
  type DecoderRequest,
  type Generate,
} from './answer.ts'
import { gpu, openDecoderFiles } from './decoder-files.ts'

async function open(
  { base, vocabulary }: DecoderRequest,
  counts: Parameters<typeof mark>[0],
): Promise<Generate> {
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
    ownKernels: 'left-out',
    context: shape.positions,
  })
  if (!language.records) throw new Error('Steps are not recorded here.')
  const { queries } = shape
  return async (length, count) => {
    const marks = [mark(counts)]
    const ids: number[] = []
    // As many positions as theirs, the queries' among them.
    const embeddings = new Float32Array(queries * shape.hiddenSize).map((_, i) => Math.sin(i))
    const decoding = language.start(runtime.tensor('float32', embeddings, [1, queries, shape.hiddenSize]))
    try {
      let { logits } = await decoding.begin(promptOf(length - queries, vocabulary), count)
      for (;;) {
        const id = largest(logits)
        marks.push(mark(counts))
        ids.push(id)
        if (ids.length === count) break
        logits = await decoding.step(id)
      }
    } finally {
      decoding.dispose()
    }
    return { marks, ids }
  }
}

answerRequest((request: DecoderRequest, pause) =>
  measureDecoder(request, pause, (counts) => open(request, counts)),
)
