/** transformers.js over the exporter's graph: bundled by scripts/side-by-side.ts, as the package lies elsewhere. */
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers'
import { startGpuProbe } from '../../src/bench/gpu-probe.ts'

interface Request {
  base: string
  tokens: number
  promptTokens: number
  vocabulary: number
}

async function measure({ base, tokens, promptTokens, vocabulary }: Request): Promise<object> {
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
  const loaded = performance.now()
  const ids = BigInt64Array.from({ length: promptTokens }, (_, i) =>
    BigInt(i === 0 ? 2 : (i * 37) % vocabulary),
  )
  const generate = async (count: number): Promise<{ at: number; host: number; dispatches: number }[]> => {
    const marks = [{ at: performance.now(), host: 0, dispatches: probe.counts.dispatches }]
    const put = (): void => {
      const at = performance.now()
      const { submittedAt, dispatches } = probe.counts
      marks.push({ at, host: submittedAt - (marks.at(-1)?.at ?? 0), dispatches })
    }
    await model.generate({
      inputs: new Tensor('int64', ids, [1, promptTokens]),
      attention_mask: new Tensor(
        'int64',
        ids.map(() => 1n),
        [1, promptTokens],
      ),
      max_new_tokens: count,
      min_new_tokens: count,
      do_sample: false,
      streamer: { put, end: () => undefined },
    })
    return marks
  }
  // The streamer is first given the prompt, then each token.
  const cold = await generate(1)
  const warm = await generate(1)
  const marks = (await generate(tokens + 3)).slice(-tokens - 1)
  const gap = (list: { at: number }[], i: number): number => (list[i + 1]?.at ?? NaN) - (list[i]?.at ?? NaN)
  const steps = marks.slice(1).map((mark, i) => ({
    ms: gap(marks, i),
    hostMs: mark.host,
    dispatches: mark.dispatches - (marks[i]?.dispatches ?? 0),
  }))
  const median = (of: 'ms' | 'hostMs' | 'dispatches'): number =>
    steps.map((step) => step[of]).sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? NaN
  probe.stop()
  return {
    loadMs: loaded - started,
    coldPrefillMs: (cold.at(-1)?.at ?? NaN) - (cold[0]?.at ?? NaN),
    prefillMs: (warm.at(-1)?.at ?? NaN) - (warm[0]?.at ?? NaN),
    decode: { ms: median('ms'), hostMs: median('hostMs'), dispatches: median('dispatches') },
    gpuBytes: probe.counts.peakBytes,
  }
}

self.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  measure(data).then(
    (result) => self.postMessage({ result }),
    (error: unknown) => self.postMessage({ error: String(error instanceof Error ? error.stack : error) }),
  )
})
