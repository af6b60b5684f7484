/**
 * What it is worth to write answers about several pictures together, as rows of one batch: tokens a second of one row
 * against several, on the processor, in its own time. `npx tsx lab/speed/rows.ts [--pack <folder> | --size mini] [--tokens 24]`
 */
import { parseArgs } from 'node:util'
import { openPackFolder } from '../../src/cli/files.ts'
import { GREEDY } from '../../src/pack/decoding.ts'
import { asFamily, type PackReader } from '../../src/pack/manifest.ts'
import { MOST_ROWS } from '../../src/pack/memory-budget.ts'
import { seededUniform } from '../../src/runtime/decode/sampling.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import { SIZES } from '../../src/synthetic/dimensions.ts'
import { syntheticPack } from '../../src/synthetic/pack.ts'

const { values } = parseArgs({
  options: {
    pack: { type: 'string', default: 'public/models/drawn-scenes' },
    size: { type: 'string' },
    tokens: { type: 'string', default: '24' },
  },
})
const tokens = Number(values.tokens)

function packOf(size: string | undefined): Promise<PackReader> {
  if (size === undefined) return openPackFolder(values.pack)
  const known = SIZES.find((one) => one === size)
  if (known === undefined) throw new Error(`There is no made-up model of size ${size}.`)
  return Promise.resolve(syntheticPack({ size: known, precision: 'q4', seed: 1 }))
}

const model = await openTalkingModel(await packOf(values.size), await openCompute('wasm'))
const { queries, hiddenSize } = asFamily(model.manifest, 'blip2-opt').parts.decoder.shape

/** The processor's milliseconds so far, whatever else the machine does. */
const worked = (): number => process.cpuUsage().user / 1000

/** The processor's milliseconds behind the first token of all, prompts left out, of answers that have all their tokens. */
async function decodeMs(rows: number): Promise<number> {
  const firsts: number[] = []
  const answers = Array.from({ length: rows }, (_, picture) => {
    const next = seededUniform(picture)
    const embeddings = Float32Array.from({ length: queries * hiddenSize }, () => 2 * next() - 1)
    return model.talk.answerTogether(Promise.resolve(model.look.seenBefore(embeddings)), '', {
      settings: { ...GREEDY, maxNewTokens: tokens, minNewTokens: tokens },
      report: ({ tokenIds }) => {
        if (tokenIds.length === 1) firsts.push(worked())
      },
    })
  })
  await Promise.all(answers)
  return worked() - Math.max(...firsts)
}

await decodeMs(1)
const alone: number[] = []
console.log('rows  ms/step  tokens/s  against one')
for (const rows of [1, 2, 4, MOST_ROWS]) {
  const times = [await decodeMs(rows), await decodeMs(rows), await decodeMs(rows)].sort((a, b) => a - b)
  const step = (times[1] ?? NaN) / (tokens - 1)
  if (rows === 1) alone.push(step)
  const factor = (rows * (alone[0] ?? NaN)) / step
  console.log(
    `${String(rows).padStart(4)}  ${step.toFixed(2).padStart(7)}  ${((1000 * rows) / step).toFixed(1).padStart(8)}  ${factor.toFixed(2)}`,
  )
}
await model.dispose()
