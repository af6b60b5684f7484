/** Our decoder, without the rest of the model: what lab/speed/side-by-side.ts puts beside transformers.js. */
import { DecoderOnly } from '../../../src/runtime/language/decoder-only.ts'
import { Runtime } from '../../../src/runtime/ort/runtime.ts'
import type { Session } from '../../../src/runtime/ort/session.ts'
import { openOptDecoder, planOptDecoder } from '../../../src/runtime/wgsl/decoder/open-opt.ts'
import { weightsOfGraph } from '../../../src/runtime/wgsl/weights/graph-weights.ts'
import {
  answerRequest,
  largest,
  mark,
  measureDecoder,
  promptOf,
  type DecoderRequest,
  type Generate,
} from './answer.ts'
import { gpu, openDecoderFiles, type DecoderFiles } from './decoder-files.ts'

/** Over ONNX Runtime. */
async function openGraph(runtime: Runtime, { shape, graph, weights }: DecoderFiles): Promise<DecoderOnly> {
  const keepOnDevice = DecoderOnly.deviceOutputs(shape)
  const session = (recordable: boolean): Promise<Session> =>
    runtime.session({ graph, weights, keepOnDevice, recordable })
  return DecoderOnly.open(runtime, {
    openSession: () => session(true),
    openPlain: () => session(false),
    shape,
    cacheType: 'float32',
    ownKernels: 'left-out',
    context: shape.positions,
  })
}

/** Over our own kernels, untested: that they are right on a device is a matter of the model's loading. */
async function openOwn(runtime: Runtime, { part, graph, weights }: DecoderFiles): Promise<DecoderOnly> {
  const { device } = runtime.compute
  if (device === null) throw new Error('There is no GPU.')
  const tensors = weightsOfGraph(graph, weights.path)
  const options = { tensors, weights, part, cacheType: 'float32', context: part.shape.positions } as const
  const { language } = await openOptDecoder(runtime, options, planOptDecoder(device, options))
  return language
}

async function open(
  { vocabulary, ownKernels, ...place }: DecoderRequest,
  counts: Parameters<typeof mark>[0],
): Promise<Generate> {
  const runtime = await Runtime.open(await gpu())
  const files = await openDecoderFiles(place)
  const { shape } = files
  const language = await (ownKernels ? openOwn(runtime, files) : openGraph(runtime, files))
  const { queries } = shape
  return async (length, count) => {
    const marks = [mark(counts)]
    const ids: number[] = []
    // As many positions as theirs, the queries' among them.
    const embeddings = new Float32Array(queries * shape.hiddenSize).map((_, i) => Math.sin(i))
    const dims = [1, queries, shape.hiddenSize]
    const seen = ownKernels
      ? runtime.resident('float32', embeddings, dims)
      : runtime.tensor('float32', embeddings, dims)
    const decoding = language.start(seen)
    const prompt = promptOf(length - queries, vocabulary)
    try {
      if (decoding.greedy !== undefined) {
        for await (const { token } of decoding.greedy(prompt, count)) {
          marks.push(mark(counts))
          ids.push(token)
        }
        return { marks, ids }
      }
      let { logits } = await decoding.begin(prompt, count)
      for (;;) {
        const id = largest(logits)
        marks.push(mark(counts))
        ids.push(id)
        if (ids.length === count) break
        logits = await decoding.step(id)
      }
      // Found out with the first step.
      if (!language.records) throw new Error('Steps are not recorded here.')
    } finally {
      decoding.dispose()
    }
    return { marks, ids }
  }
}

answerRequest((request: DecoderRequest, pause) =>
  measureDecoder(request, pause, (counts) => open(request, counts)),
)
