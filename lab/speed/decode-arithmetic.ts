/**
 * What choosing a token costs the processor: milliseconds from one token to the next with a model that takes no time,
 * at the published vocabulary. `npm run bench:decoding [-- --tokens 40 --vocabulary 50304 --prompt 72]`
 */
import { parseArgs } from 'node:util'
import { GREEDY, type DecodingSettings } from '../../src/pack/decoding.ts'
import { generate } from '../../src/runtime/decode/generate.ts'
import type { Branches, Logits, Sequence } from '../../src/runtime/language/language-model.ts'

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: '40' },
    vocabulary: { type: 'string', default: '50304' },
    prompt: { type: 'string', default: '72' },
  },
})
const [tokens, vocabulary, promptTokens] = [values.tokens, values.vocabulary, values.prompt].map(Number)

const sampled = (sampling: Partial<NonNullable<DecodingSettings['sampling']>>): DecodingSettings => ({
  ...GREEDY,
  sampling: { temperature: 1, topK: 0, topP: 1, seed: 1, ...sampling },
})

const WAYS: Record<string, DecodingSettings> = {
  greedy: GREEDY,
  'greedy, repetition penalty 1.2, no 3-gram twice': { ...GREEDY, repetitionPenalty: 1.2, noRepeatNgram: 3 },
  sampled: sampled({}),
  'sampled, top-k 50': sampled({ topK: 50 }),
  'sampled, top-p 0.9': sampled({ topP: 0.9 }),
  'five beams': { ...GREEDY, beams: 5 },
  'five beams, repetition penalty 1.2': { ...GREEDY, beams: 5, repetitionPenalty: 1.2 },
}

/** Rows of logits as spread out as a language model's: some likely words over a broad floor. */
function logitsOf(rows: number, size: number, seed: number): Logits {
  let state = seed
  const uniform = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  return Float32Array.from({ length: rows * size }, () => {
    const sum = uniform() + uniform() + uniform() + uniform() - 2
    return 4 * sum + (uniform() < 0.001 ? 6 * uniform() : 0)
  })
}

/** A language model that has its logits ready; the copy stands for the read-back. */
function ready(size: number): Sequence {
  const one = Array.from({ length: 8 }, (_, i) => logitsOf(1, size, i + 1))
  const five = Array.from({ length: 8 }, (_, i) => logitsOf(5, size, i + 101))
  let at = 0
  const next = (rows: Logits[]): Promise<Logits> =>
    Promise.resolve((rows[(at += 1) % rows.length] ?? logitsOf(1, size, 1)).slice())
  const branches: Branches = { step: () => next(five), dispose: () => undefined }
  return {
    begin: async () => ({ logits: await next(one), ran: 1 }),
    step: () => next(one),
    rewind: () => Promise.resolve(),
    fork: () => Promise.resolve(branches),
    dispose: () => undefined,
  }
}

async function millisecondsPerToken(settings: DecodingSettings): Promise<{ median: number; most: number }> {
  const size = vocabulary ?? 0
  const prompt = Array.from({ length: promptTokens ?? 0 }, (_, i) => (i * 37) % size)
  const longest = { ...settings, maxNewTokens: tokens ?? 0 }
  const times: number[] = []
  // The first round lets the engine compile; it does not count.
  for (const counts of [false, true]) {
    let before = performance.now()
    for await (const { best } of generate(ready(size), prompt, longest, { countedIds: prompt, eosIds: [] })) {
      const now = performance.now()
      // The first token of a round has no token before it.
      if (counts && best.tokens.length > 1) times.push(now - before)
      before = performance.now()
    }
  }
  const sorted = times.toSorted((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)] ?? NaN, most: sorted.at(-1) ?? NaN }
}

for (const [name, settings] of Object.entries(WAYS)) {
  const { median, most } = await millisecondsPerToken(settings)
  console.log(`${name.padEnd(50)} median ${median.toFixed(2)} ms, most ${most.toFixed(2)} ms`)
}
