import { expect, it } from 'vitest'
import { openCompute } from '../../device/open-compute.ts'
import { seededUniform } from '../../decode/sampling.ts'
import type { LanguageModel, Logits, ScoreRow, Sequence, TopWanted } from '../../language/language-model.ts'
import { Runtime } from '../../ort/runtime.ts'
import { liveTensorCount } from '../../ort/tensor.ts'
import { topReference } from '../kernels/top/reference.ts'
import { branchesAgree } from './branches-check.ts'
import { SMALL_DECODER as SHAPE } from '../../../../testing/gpu/small-decoder.ts'

function logitsBehind(tokens: readonly number[]): Logits {
  const next = seededUniform(tokens.reduce((sum, token) => (31 * sum + token + 7) % 100_003, 1))
  return Float32Array.from({ length: SHAPE.vocabulary }, () => 20 * next() - 10)
}

interface Faults {
  /** Branches go on from themselves, whatever they are told. */
  staysPut?: boolean
  /** What is found, changed. */
  spoil?: (row: ScoreRow, behind: readonly number[]) => void
}

function model({ staysPut = false, spoil }: Faults): Pick<LanguageModel, 'start'> {
  const some = (tokens: readonly number[], wanted: TopWanted): ScoreRow => {
    const found = topReference(logitsBehind(tokens), wanted)
    const logits = new Float32Array(SHAPE.vocabulary).fill(-Infinity)
    found.ids.forEach((id, i) => (logits[id] = found.logits[i] ?? NaN))
    wanted.besides.forEach((id, i) => (logits[id] = found.besides[i] ?? NaN))
    const row = { logits, norm: found.norm }
    spoil?.(row, tokens)
    return row
  }
  const start = (dispose: () => void): Sequence => {
    let said: number[] = []
    return {
      begin: (prompt) => Promise.resolve({ logits: logitsBehind((said = [...prompt])), ran: 1 }),
      step: (token) => Promise.resolve(logitsBehind((said = [...said, token]))),
      top: {
        begin: (prompt, _, wanted) => Promise.resolve({ ...some((said = [...prompt]), wanted), ran: 1 }),
        step: (token, wanted) => Promise.resolve(some((said = [...said, token]), wanted)),
      },
      rewind: () => Promise.resolve(),
      fork: (count) => {
        let rows = Array.from({ length: count }, () => said)
        return Promise.resolve({
          step: () => Promise.reject(new Error('not asked for')),
          top: (tokens, parents, wanted) => {
            const from = (i: number): number => (staysPut ? i : (parents?.[i] ?? i))
            rows = tokens.map((token, i) => [...(rows[from(i)] ?? []), token])
            return Promise.resolve(rows.map((row, i) => some(row, wanted[i] ?? { count: 0, besides: [] })))
          },
          dispose: () => undefined,
        })
      },
      dispose,
    }
  }
  return { start: (queries) => start(() => queries.dispose()) }
}

/** Another token, whose logit is right, stands in its place. */
function leaveOutLikeliest({ logits }: ScoreRow, behind: readonly number[]): void {
  const all = logitsBehind(behind)
  const likeliest = topReference(all, { count: 1, besides: [SHAPE.bosId] }).ids[0] ?? NaN
  const other = all.findIndex((value, id) => value < 0 && id !== SHAPE.bosId)
  logits[likeliest] = -Infinity
  logits[other] = all[other] ?? NaN
}

/** The second of the likeliest is not found, only what is less likely. */
function leaveOutSecond({ logits }: ScoreRow, behind: readonly number[]): void {
  const all = logitsBehind(behind)
  const { ids } = topReference(all, { count: 5, besides: [SHAPE.bosId] })
  const [second = NaN, next = NaN] = [ids[1], ids[4]]
  logits[second] = -Infinity
  logits[next] = all[next] ?? NaN
}

it.each<[string, Faults, boolean]>([
  ['passes what is the same', {}, true],
  [
    'passes what rounding explains',
    { spoil: ({ logits }) => logits.forEach((value, i) => (logits[i] = value * 1.0001)) },
    true,
  ],
  ['fails branches that are not put in order', { staysPut: true }, false],
  ['fails a likeliest token that is not', { spoil: leaveOutLikeliest }, false],
  ['fails a token less likely in the place of the second', { spoil: leaveOutSecond }, false],
  ['fails another logit', { spoil: ({ logits }) => (logits[SHAPE.bosId] = 30) }, false],
  ['fails another sum', { spoil: (row) => (row.norm = 20) }, false],
  ['fails what is no number', { spoil: (row) => (row.norm = NaN) }, false],
])('%s', async (_, faults, passes) => {
  const runtime = await Runtime.open(await openCompute('wasm'))
  const checked = { runtime, language: model(faults), shape: SHAPE, cacheType: 'float32' as const }
  expect(await branchesAgree(checked)).toBe(passes)
  expect(liveTensorCount()).toBe(0)
})
