/** What a model says of scenes that it has never seen: a caption of each, and one conversation about it. */
import { GREEDY } from '../../../src/pack/decoding.ts'
import { lastOf } from '../../../testing/parity/reference.ts'
import type { TalkingModel } from '../../../src/runtime/models/model.ts'
import type { Discussion } from '../../../src/runtime/talk/discussion.ts'
import { isAnswer, judgeCaption } from '../../../src/scenes/judge.ts'
import { conversationOf, type QuestionAnswer } from '../../../src/scenes/questions.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../../src/scenes/scene.ts'
import type { Wording } from '../../../src/scenes/wordings.ts'
import { LONGEST_CAPTION, pixelsOf } from '../captions.ts'
import { addAnswer, addCaption, emptyEvaluation, type Evaluation, type SceneSet } from './tallies.ts'

/** Turns of each conversation. */
const TURNS = 6

const SETTINGS = { ...GREEDY, maxNewTokens: LONGEST_CAPTION }

/**
 * Greedy answers. Each turn stands behind the true answers to the earlier ones, so that one mistake is not counted
 * again in every later turn. As in the app a turn runs only what is new to the picture's KV cache.
 */
export async function measure(
  model: TalkingModel,
  set: SceneSet,
  onScene?: (done: number) => void,
): Promise<Evaluation> {
  const evaluation = emptyEvaluation(set)
  await measureInto([evaluation], model, set, onScene)
  return evaluation
}

/** The same in each of these wordings: a picture is looked at and captioned once, and its caption counts in each. */
export async function measureWordings(
  model: TalkingModel,
  set: Omit<SceneSet, 'wording'>,
  wordings: readonly Wording[],
): Promise<Evaluation[]> {
  const evaluations = wordings.map((wording) => emptyEvaluation({ ...set, wording }))
  await measureInto(evaluations, model, set)
  return evaluations
}

async function measureInto(
  evaluations: readonly Evaluation[],
  model: TalkingModel,
  set: Omit<SceneSet, 'wording'>,
  onScene?: (done: number) => void,
): Promise<void> {
  if (!(set.from >= FIRST_HELD_OUT_SEED))
    throw new RangeError(`Seeds below ${FIRST_HELD_OUT_SEED} were trained on.`)
  for (let i = 0; i < set.scenes; i += 1) {
    const scene = makeScene(set.from + i, set.combinations)
    const discussion = model.talk.discuss(await model.look.see(await pixelsOf(scene, model, set)))
    try {
      const caption = await lastOf(discussion.answer('', { settings: SETTINGS }))
      for (const evaluation of evaluations) {
        addCaption(evaluation, judgeCaption(caption.text, scene))
        const turns = conversationOf(scene, TURNS, 0, { wording: evaluation.wording })
        for (const [k, turn] of turns.entries()) {
          const answer = await answerTo(discussion, turns.slice(0, k), turn)
          addAnswer(evaluation, turn, isAnswer(answer, turn.answer))
        }
      }
    } finally {
      discussion.dispose()
    }
    onScene?.(i + 1)
  }
}

async function answerTo(
  discussion: Discussion,
  earlier: readonly QuestionAnswer[],
  { question }: QuestionAnswer,
): Promise<string> {
  return (await lastOf(discussion.ask(earlier, question, { settings: SETTINGS }))).text
}
