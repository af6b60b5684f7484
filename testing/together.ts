/**
 * Tests that share a process with others of these, since to begin one for each file takes longer than most of them do. They
 * load no model and put back what they change of the globals; that they mock no module and measure no memory, `scripts/layers` says.
 */
export const TOGETHER = [
  'src/{messages,pack,protocol,scenes,search,state,studio,ui}/**/*.test.{ts,tsx}',
  'src/conversation/!(large-export).test.ts',
  'src/convert/!(pack-writer).test.ts',
  'src/convert/{families,lavis,tokenizer,torch}/**/*.test.ts',
  'src/runtime/{decode,limits,retrieval}/**/*.test.ts',
  'src/runtime/language/!(decoder-only).test.ts',
  'src/runtime/talk/{!(together),together-rows}.test.ts',
  'src/runtime/wgsl/{decoder,kernels,vision}/**/*.test.ts',
  'src/bench/kernel-times.test.ts',
  'src/cli/{checkpoint-source,dawn,decode-image,pictures,sentence,verify}.test.ts',
  'src/engine/{check-weights,judged,last-features}.test.ts',
  'src/image/*.test.ts',
  'src/runtime/device/{measured-alone,room-trial}.test.ts',
  'src/runtime/models/{kernel-ways,own-kernels,talk}.test.ts',
  'src/runtime/ort/{build,weights/readable,weights/weights-ahead}.test.ts',
  'src/runtime/wgsl/gpu/loss.test.ts',
  'src/{shared-pictures,synthetic/synthetic}.test.ts',
  'lab/speed/**/*.test.ts',
  'lab/built-in-model/{card/*,as-converted/*,evaluation/tallies,limits/looked-at}.test.ts',
  'scripts/assemble.test.ts',
  'scripts/gate/{reports,summary}.test.ts',
  'testing/parity/{side-files,spiece}.test.ts',
  'testing/soak/growth.test.ts',
]

/**
 * The same for tests with models, servers and stores: ONNX Runtime's WebAssembly is compiled once for several. What they begin
 * may go on behind their end, so that none of them has a false clock, which `scripts/layers` says, too.
 */
export const TOGETHER_IN_TIME = [
  'src/bench/measure.test.ts',
  'src/cli/{batch,compare,hostile,main,no-words,refusals}.test.ts',
  'src/engine/{choose-compute,comparer,engine,model-loader,searcher,together}.test.ts',
  'src/keeper/!(save).test.ts',
  'src/remote/*.test.ts',
  'src/runtime/device/{attention-check,probe-speed}.test.ts',
  'src/runtime/language/decoder-only.test.ts',
  'src/runtime/models/{models,tower}.test.ts',
  'src/runtime/ort/weights/far-weights.test.ts',
  'src/runtime/talk/together.test.ts',
  'src/store/!(download|table|tower-once).test.ts',
  'testing/parity/!(side-files|spiece).test.ts',
  'testing/store/*.test.ts',
  'lab/built-in-model/{evaluation/built-in-model,limits/limits}.test.ts',
]
