/**
 * Whether branches of one sequence, which share positions, come out as what each of them is by itself, and whether what
 * the device finds in their logits is what is in them.
 */
import { throwIfCancelled } from '../../../pack/failure.ts'
import { logSumExp } from '../../decode/logits.ts'
import type { LanguageModel, Logits, ScoreRow, TopWanted } from '../../language/language-model.ts'
import { BOUNDS, queriesFor, tokensFor, type CheckedModel } from '../../language/rows-check.ts'

const PROMPT_TOKENS = 4
const COUNT = 4

/** In the second step every branch goes on from another one, and two from the same. */
const PARENTS = [2, 0, 0]

/** Also true of a model that has none of this. Throws `cancelled`. */
export async function branchesAgree({
  runtime,
  language,
  shape,
  cacheType,
  signal,
}: Omit<CheckedModel, 'language'> & { language: Pick<LanguageModel, 'start'> }): Promise<boolean> {
  const [sequence, alone] = [0, 1].map(() => language.start(queriesFor(runtime, shape, 0)))
  if (sequence === undefined || alone === undefined) return false
  try {
    if (sequence.top === undefined) return true
    const prompt = tokensFor(shape, PROMPT_TOKENS, 4)
    const [first, second] = [5, 6].map((seed) => tokensFor(shape, PARENTS.length + 1, seed).slice(1))
    if (first === undefined || second === undefined) return false
    const wanted: TopWanted = { count: COUNT, besides: [shape.bosId] }
    const same = async (row: ScoreRow | undefined, behind: readonly number[]): Promise<boolean> => {
      throwIfCancelled(signal)
      const { logits } = await alone.begin([...prompt, ...behind], 1)
      return row !== undefined && isIn(row, logits, wanted, BOUNDS[cacheType])
    }
    if (!(await same(await sequence.top.begin(prompt, 3, wanted), []))) return false
    const branches = await sequence.fork(PARENTS.length)
    try {
      const each = PARENTS.map(() => wanted)
      await branches.top?.(first, undefined, each)
      const rows = (await branches.top?.(second, PARENTS, each)) ?? []
      for (const [i, parent] of PARENTS.entries())
        if (!(await same(rows[i], [first[parent] ?? 0, second[i] ?? 0]))) return false
    } finally {
      branches.dispose()
    }
    return true
  } finally {
    sequence.dispose()
    alone.dispose()
  }
}

/**
 * Whether what was found of a row is what its logits say, and nothing is missing that is likelier. `bound`: of
 * differences, relative to the size of logits.
 */
function isIn({ logits: found, norm }: ScoreRow, logits: Logits, wanted: TopWanted, bound: number): boolean {
  const size = Math.sqrt(logits.reduce((sum, value) => sum + value ** 2, 0) / logits.length)
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 10 * bound * size
  const known = [...found.keys()].filter((id) => found[id] !== -Infinity)
  const besides = new Set(wanted.besides)
  const top = (values: Logits): Logits => values.slice().sort().subarray(-wanted.count)
  const unnamed = (values: Logits): Logits => values.map((value, id) => (besides.has(id) ? -Infinity : value))
  const likeliest = top(unnamed(logits))
  return (
    known.length >= wanted.count &&
    wanted.besides.every((id) => known.includes(id)) &&
    known.every((id) => near(found[id] ?? NaN, logits[id] ?? NaN)) &&
    top(unnamed(found)).every((value, i) => near(value, likeliest[i] ?? NaN)) &&
    near(norm ?? NaN, logSumExp(logits))
  )
}
