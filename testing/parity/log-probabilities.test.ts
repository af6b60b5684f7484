import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { convertReference, pixelsOf, storedValues } from './reference.ts'
import { readFromDisk } from './files.ts'

interface Scored {
  imageKey: string
  promptIds: number[]
  settings: Record<string, number>
  answers: { ids: number[]; score: number | null }[]
}

/** Settings under which a beam's score is the plain mean of its tokens' log-probabilities. */
const PLAIN = new Set(['max_new_tokens', 'eos_token_id', 'num_beams'])

it.each(['untied', 't5-untied'] as const)(
  '%s: the log-probabilities of the tokens of an answer make up the score that transformers gave it',
  async (name) => {
    const cases = (JSON.parse(await readFile(`models/reference/${name}/generation.json`, 'utf8')) as Scored[])
      .filter(({ settings }) => Object.keys(settings).every((key) => PLAIN.has(key)))
      .flatMap(({ imageKey, promptIds, answers }) =>
        answers.map(({ ids, score }) => ({ imageKey, promptIds, ids, score })),
      )
      .filter(({ score }) => score !== null)
      .slice(0, 3)
    expect(cases.length).toBeGreaterThan(0)
    const model = await openTalkingModel(
      await convertReference(readFromDisk, name, 'fp32'),
      await openCompute('wasm'),
    )
    const values = await storedValues(readFromDisk, `${name}/reference.safetensors`)
    for (const { imageKey, promptIds, ids, score } of cases) {
      const pixels = await pixelsOf(values, imageKey, model)
      const found = await model.talk.logProbabilities(await model.look.see(pixels), promptIds, ids)
      const mean = found.reduce((sum, value) => sum + value, 0) / ids.length
      expect(Math.abs(mean / (score ?? NaN) - 1)).toBeLessThan(1e-4)
    }
    await model.dispose()
    expect(liveTensorCount()).toBe(0)
  },
)
