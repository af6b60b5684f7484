/**
 * What prompt lookup would bring greedy search: tokens that are drafted out of the conversation itself, from behind the
 * last place where it went on as it ends now, and verified in one run. Counted over the captions and
 * conversations that the built-in model learned to write. `npx tsx lab/speed/prompt-lookup.ts`
 */
import { openPackFolder } from '../../src/cli/files.ts'
import { asFamily } from '../../src/pack/manifest.ts'
import { dialoguePrompt, type EarlierTurn } from '../../src/runtime/talk/dialogue.ts'
import { openTokenizer } from '../../src/runtime/talk/tokenizer.ts'
import { captionsOf } from '../../src/scenes/language.ts'
import { conversationOf } from '../../src/scenes/questions.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../src/scenes/scene.ts'

/** Rows of a run that verifies: one token that is known and drafts behind it. */
const MOST_DRAFTS = 4
const LONGEST_GRAM = 3

const SCENES = 500
const TURNS = 6

/** Runs that it takes to write `answer` behind `prompt`, and how many of them had drafts. */
function runsFor(prompt: readonly number[], answer: readonly number[]): { runs: number; drafted: number } {
  const ids = [...prompt]
  let runs = 0
  let drafted = 0
  for (let at = 0; at < answer.length;) {
    const drafts = draftsBehind(ids)
    let accepted = 0
    while (
      accepted < drafts.length &&
      at + accepted < answer.length - 1 &&
      drafts[accepted] === answer[at + accepted]
    )
      accepted += 1
    const taken = answer.slice(at, at + accepted + 1)
    ids.push(...taken)
    at += taken.length
    runs += 1
    if (drafts.length > 0) drafted += 1
  }
  return { runs, drafted }
}

/** What stood behind the last n-gram that is the end of `ids`, the longest that is there. */
function draftsBehind(ids: readonly number[]): readonly number[] {
  for (let size = LONGEST_GRAM; size >= 1; size -= 1) {
    const end = ids.slice(-size)
    for (let at = ids.length - size - 1; at >= 0; at -= 1)
      if (end.every((id, i) => ids[at + i] === id)) return ids.slice(at + size, at + size + MOST_DRAFTS)
  }
  return []
}

const pack = await openPackFolder('public/models/drawn-scenes')
const tokenizer = await openTokenizer(pack)
if (tokenizer === null) throw new Error('The built-in pack has a tokenizer.')
const { bosId, eosIds } = asFamily(pack.manifest, 'blip2-opt').parts.decoder.shape
const idsOf = (text: string): number[] => [bosId, ...tokenizer.encode(text)]
const answerIds = (text: string): number[] => [...tokenizer.encode(` ${text}`), eosIds[0] ?? bosId]

interface Sum {
  tokens: number
  runs: number
  drafted: number
}

function add(sum: Sum, prompt: readonly number[], answer: readonly number[]): void {
  const { runs, drafted } = runsFor(prompt, answer)
  sum.tokens += answer.length
  sum.runs += runs
  sum.drafted += drafted
}

const captions = { tokens: 0, runs: 0, drafted: 0 }
const firstTurns = { tokens: 0, runs: 0, drafted: 0 }
const laterTurns = { tokens: 0, runs: 0, drafted: 0 }
for (let seed = 0; seed < SCENES; seed += 1) {
  const scene = makeScene(FIRST_HELD_OUT_SEED + seed)
  for (const caption of captionsOf(scene, 1)) add(captions, idsOf(''), answerIds(caption))
  const turns: EarlierTurn[] = []
  for (const { question, answer } of conversationOf(scene, TURNS, seed)) {
    add(
      turns.length === 0 ? firstTurns : laterTurns,
      idsOf(dialoguePrompt(turns, question)),
      answerIds(answer),
    )
    turns.push({ question, answer })
  }
}
for (const [name, { tokens, runs, drafted }] of Object.entries({ captions, firstTurns, laterTurns }))
  console.log(
    `${name}: ${tokens} tokens in ${runs} runs, ${drafted} of them with drafts: ${(tokens / runs).toFixed(2)} tokens a run`,
  )
