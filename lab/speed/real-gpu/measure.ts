/**
 * One case of the run on a real GPU: the engine in Node on Dawn, over weights made up on the spot. Bundled by build.ts,
 * started by run.py:
 *   node measure.mjs --size full --level 0 --out <json> [--subgroups] [--logits <file>] [--tokens 64] [--adapter <name>]
 * The JSON is written anew after each part, so that what was measured survives a time limit.
 */
import { createRequire } from 'node:module'
import { renameSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { provideWebGpu, type Dawn } from '../../../src/cli/dawn.ts'
import { measure } from '../../../src/bench/measure.ts'
import type { TalkingModel } from '../../../src/runtime/models/model.ts'
import { openCompute } from '../../../src/runtime/device/open-compute.ts'
import { asFamily } from '../../../src/pack/manifest.ts'
import { PRECISIONS } from '../../../src/pack/precisions.ts'
import { SIZES } from '../../../src/synthetic/dimensions.ts'
import { syntheticPack } from '../../../src/synthetic/pack.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'full' },
    precision: { type: 'string', default: 'q4f16' },
    level: { type: 'string', default: '0' },
    subgroups: { type: 'boolean', default: false },
    tokens: { type: 'string', default: '64' },
    'prompt-tokens': { type: 'string', default: '8' },
    adapter: { type: 'string', default: '' },
    logits: { type: 'string' },
    out: { type: 'string', default: 'result.json' },
  },
})

function write(facts: object): void {
  writeFileSync(`${values.out}.part`, JSON.stringify(facts, null, 2))
  renameSync(`${values.out}.part`, values.out)
}

/** The logits behind a fixed prompt, for a comparison of one case with another. */
async function keepLogits(model: TalkingModel, path: string): Promise<void> {
  const size = model.manifest.parts.vision.shape.imageSize
  const data = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i / 97))
  const { embeddings } = await model.look.see({ data, size, brand: 'pixels' })
  const decoding = model.talk.start({ embeddings })
  const { logits } = await decoding.begin(
    [asFamily(model.manifest, 'blip2-opt').parts.decoder.shape.bosId, 5, 6, 7],
    1,
  )
  decoding.dispose()
  writeFileSync(path, new Uint8Array(logits.buffer))
}

async function main(): Promise<void> {
  const size = SIZES.find((one) => one === values.size)
  const precision = PRECISIONS.find((one) => one === values.precision)
  if (size === undefined || precision === undefined) throw new Error('No such size or precision.')
  const dawn = createRequire(import.meta.url)('./dawn.node') as Dawn
  provideWebGpu(dawn, values.adapter === '' ? [] : [`adapter=${values.adapter}`])
  const compute = await openCompute('webgpu', { subgroups: values.subgroups })
  const accuracyLevel = values.level === '4' ? 4 : 0
  const asked = { size, accuracyLevel, subgroups: values.subgroups }
  write({ asked, adapter: compute.adapter, reason: compute.reason })
  const { logits } = values
  const result = await measure(syntheticPack({ size, precision, seed: 1, accuracyLevel }), compute, {
    tokens: Number(values.tokens),
    promptTokens: Number(values['prompt-tokens']),
    onStage: (stage) => console.error(`${(performance.now() / 1000).toFixed(1)} s: ${stage}`),
    onPart: (soFar) => write({ asked, ...soFar }),
    ...(logits !== undefined && { onLoaded: (model: TalkingModel) => keepLogits(model, logits) }),
  })
  write({ asked, finished: true, ...result, nodePeakBytes: process.resourceUsage().maxRSS * 1024 })
}

main().then(
  // Dawn keeps the process alive otherwise.
  () => process.exit(0),
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  },
)
