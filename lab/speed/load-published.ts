/**
 * A made-up pack of a published shape, loaded in Node and run as far as patience goes:
 *   npx tsx lab/speed/load-published.ts opt-6.7b [--precision q4f16] [--pack <folder>] [--provider wasm|webgpu] [--steps 2]
 * `webgpu` is Dawn (`npm install --no-save webgpu@0.6.2`), on the adapter of PICTALK_DAWN_FLAGS. With `--pack` one that the
 * converter made is loaded in its place. Prints a JSON line after each stage: seconds, and the most that this process has
 * had resident since it began, in MB (the kernel's `VmHWM`); weights that are made up are held in memory beside the model.
 */
import { parseArgs } from 'node:util'
import { openPackFolder } from '../../src/cli/files.ts'
import { openProvider } from '../../src/cli/provider.ts'
import { weightBytes } from '../../src/pack/manifest.ts'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import { syntheticPack } from '../../src/synthetic/pack.ts'
import { PUBLISHED } from '../../src/synthetic/published.ts'
import { peakBytesOf } from './browser-memory.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    precision: { type: 'string', default: 'q4f16' },
    pack: { type: 'string' },
    provider: { type: 'string', default: 'webgpu' },
    steps: { type: 'string', default: '2' },
  },
})
const size = PUBLISHED.find((name) => name === positionals[0])
const precision = PRECISIONS.find((name) => name === values.precision)
if (size === undefined || precision === undefined || !/^(wasm|webgpu)$/.test(values.provider))
  throw new Error(`Name one of ${PUBLISHED.join(', ')}, a precision and wasm or webgpu.`)

let since = performance.now()
function told(stage: string, facts: object = {}): void {
  const seconds = Math.round((performance.now() - since) / 1000)
  console.log(
    JSON.stringify({ size, stage, seconds, peakMB: Math.round(peakBytesOf('self') / 1e6), ...facts }),
  )
  since = performance.now()
}

const provider = values.provider === 'wasm' ? 'wasm' : 'webgpu'
const remark = (line: string): void => console.error(line)
const { signal } = new AbortController()
const compute = await openProvider({ provider }, { signal, print: remark, remark })
const reader =
  values.pack === undefined ? syntheticPack({ size, precision, seed: 1 }) : await openPackFolder(values.pack)
told('opened', { weightBytes: weightBytes(reader.manifest) })
const model = await openTalkingModel(reader, compute, { signal })
told('loaded')
const { imageSize } = model.manifest.parts.vision.shape
const pixels = {
  data: new Float32Array(3 * imageSize ** 2).fill(0.1),
  size: imageSize,
  brand: 'pixels',
} as const
const seen = await model.look.see(pixels)
told('looked')
const [prompt, ids] = [model.talk.promptIds(''), Array<number>(Number(values.steps)).fill(5)]
await model.talk.trace(seen, prompt, ids)
told(`read the prompt and ${ids.length - 1} tokens`)
await model.dispose()
