/** transformers.js over the exporter's graph: bundled by lab/speed/side-by-side.ts, as the package lies elsewhere. */
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers'
import { startGpuProbe } from '../../../src/bench/gpu-probe.ts'
import {
  answerRequest,
  answers,
  mark,
  promptOf,
  type Answered,
  type DecoderRequest,
  type DecoderResult,
  type Mark,
} from './answer.ts'

async function measure(
  request: DecoderRequest,
  pause: (at: string) => Promise<void>,
): Promise<DecoderResult> {
  const { base, vocabulary, loadOnly } = request
  env.allowRemoteModels = false
  env.allowLocalModels = true
  env.localModelPath = base
  env.useBrowserCache = false
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
  const probe = startGpuProbe()
  const started = performance.now()
  const model = await AutoModelForCausalLM.from_pretrained('exporter', {
    dtype: 'q4',
    device: 'webgpu',
    use_external_data_format: true,
  })
  const loadMs = performance.now() - started
  const gpuBytesLoading = probe.counts.peakBytes
  await pause('loaded')
  if (loadOnly) return { loadMs, gpuBytesLoading, rounds: [], ids: [] }
  const generate = async (length: number, count: number): Promise<Answered> => {
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
          marks.push(mark(probe.counts))
        },
        end: () => undefined,
      },
    })
    return { marks, ids }
  }
  const pausedMs = performance.now() - started - loadMs
  const since = (): number => performance.now() - started - pausedMs
  const result = await answers(request, since, generate, pause)
  probe.stop()
  return { loadMs, gpuBytesLoading, ...result }
}

answerRequest(measure)
