/** transformers.js over the exporter's graph: bundled by lab/speed/side-by-side.ts, as the package lies elsewhere. */
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers'
import {
  answerRequest,
  mark,
  measureDecoder,
  promptOf,
  type DecoderRequest,
  type Generate,
  type Mark,
} from './answer.ts'

function configure({ base, cached }: Pick<DecoderRequest, 'base' | 'cached'>): void {
  env.allowRemoteModels = false
  env.allowLocalModels = true
  env.localModelPath = base
  env.useBrowserCache = cached
  env.useWasmCache = false
  const { wasm } = env.backends.onnx
  Object.assign(wasm, {
    numThreads: 1,
    proxy: false,
    wasmPaths: {
      mjs: `${base}ort-wasm-simd-threaded.asyncify.mjs`,
      wasm: `${base}ort-wasm-simd-threaded.asyncify.wasm`,
    },
  })
}

async function open(vocabulary: number, counts: Parameters<typeof mark>[0]): Promise<Generate> {
  const model = await AutoModelForCausalLM.from_pretrained('exporter', {
    dtype: 'q4',
    device: 'webgpu',
    use_external_data_format: true,
  })
  return async (length, count) => {
    const marks: Mark[] = []
    const ids: number[] = []
    await model.generate({
      inputs: new Tensor('int64', BigInt64Array.from(promptOf(length, vocabulary), BigInt), [1, length]),
      attention_mask: new Tensor('int64', new BigInt64Array(length).fill(1n), [1, length]),
      max_new_tokens: count,
      min_new_tokens: count,
      do_sample: false,
      streamer: {
        // It is first given the prompt, then each token.
        put: ([given = []]: bigint[][]) => {
          if (marks.length > 0) ids.push(Number(given[0]))
          marks.push(mark(counts))
        },
        end: () => undefined,
      },
    })
    return { marks, ids }
  }
}

answerRequest((request: DecoderRequest, pause) => {
  configure(request)
  return measureDecoder(request, pause, (counts) => open(request.vocabulary, counts))
})
