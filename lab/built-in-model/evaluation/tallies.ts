/** What is counted over many scenes, and how the counts of one scene are added. */
import type { Tally, Verdict } from '../../../src/scenes/judge.ts'
import { QUESTION_TYPES, type QuestionAnswer, type QuestionType } from '../../../src/scenes/questions.ts'
import type { Combinations } from '../../../src/scenes/scene.ts'
import type { Wording } from '../../../src/scenes/wordings.ts'

/** Which scenes: seeds from `from` on. */
export interface SceneSet {
  scenes: number
  from: number
  combinations: Combinations
  /** Photographed as in training, rather than as drawn. */
  noise: boolean
  /** In which words it is asked about them. */
  wording: Wording
}

/** Counts, so that shares can be worked out and added up later without loss. */
export interface Evaluation extends SceneSet {
  captions: {
    /** Scenes whose kinds and counts are named exactly; and of those, the ones with nothing else wrong either. */
    right: Tally
    faultless: Tally
    /** Objects: of those named the drawn ones, of those drawn the named ones, and so on as in a `Verdict`. */
    named: Tally
    drawn: Tally
    colours: Tally
    relations: Tally
  }
  questions: {
    all: Tally
    /** Questions that stand alone. */
    types: Record<QuestionType, Tally>
    /** Those that lean on the turn before them, of any type. */
    followUps: Tally
  }
}

export function emptyEvaluation(set: SceneSet): Evaluation {
  const none = (): Tally => ({ right: 0, of: 0 })
  return {
    ...set,
    captions: {
      right: none(),
      faultless: none(),
      named: none(),
      drawn: none(),
      colours: none(),
      relations: none(),
    },
    questions: {
      all: none(),
      types: Object.fromEntries(QUESTION_TYPES.map((type) => [type, none()])) as Record<QuestionType, Tally>,
      followUps: none(),
    },
  }
}

export function addCaption({ captions }: Evaluation, verdict: Verdict): void {
  add(captions.right, once(verdict.right))
  add(captions.faultless, once(verdict.faultless))
  add(captions.named, verdict.named)
  add(captions.drawn, verdict.drawn)
  add(captions.colours, verdict.colours)
  add(captions.relations, verdict.relations)
}

export function addAnswer(
  { questions }: Evaluation,
  { type, followUp }: QuestionAnswer,
  right: boolean,
): void {
  add(questions.all, once(right))
  add(followUp ? questions.followUps : questions.types[type], once(right))
}

/** "93.4 %", or a dash where nothing was counted. */
export function percent({ right, of }: Tally): string {
  return of === 0 ? '–' : `${((100 * right) / of).toFixed(1)} %`
}

function once(right: boolean): Tally {
  return { right: right ? 1 : 0, of: 1 }
}

function add(sum: Tally, more: Tally): void {
  sum.right += more.right
  sum.of += more.of
}
