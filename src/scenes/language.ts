/** What there is to say about a scene: captions in varied wording, questions with their answers. All lower case. */
import { seededRandom, type Random } from './random.ts'
import type { Scene, SceneObject } from './scene.ts'

export interface QuestionAnswer {
  type: 'what' | 'count' | 'colour' | 'where' | 'presence'
  question: string
  answer: string
}

/** "a red circle", "an apple", "grapes". */
export function nounPhrase(object: SceneObject): string {
  const words = object.colour === null ? object.kind : `${object.colour} ${object.kind}`
  if (object.kind === 'grapes') return words
  return `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`
}

/** `count` captions of a scene, made from its seed; objects are named from left to right. */
export function captionsOf(scene: Scene, count: number): string[] {
  const random = seededRandom(scene.seed ^ 0x51ed270b)
  return Array.from({ length: count }, () => caption(random, scene))
}

function caption(random: Random, scene: Scene): string {
  const [first, second, third] = scene.objects
  if (first === undefined) return 'nothing'
  const setting = random.next() < 0.25 ? ` ${settingOf(scene)}` : ''
  if (second === undefined) {
    const frame = random.pick(['', '', '', 'there is ', 'a drawing of ', 'a picture of '])
    return frame + nounPhrase(first) + setting
  }
  if (third === undefined) return pair(random, first, second) + setting
  const list = `${nounPhrase(first)}, ${nounPhrase(second)} and ${nounPhrase(third)}`
  return random.pick(['', '', '', 'there are ', 'a drawing of ']) + list + setting
}

function pair(random: Random, left: SceneObject, right: SceneObject): string {
  const [a, b] = [nounPhrase(left), nounPhrase(right)]
  if (random.next() < 0.5) return `${a} and ${b}`
  if (Math.abs(left.y - right.y) > 1.2 * Math.abs(left.x - right.x)) {
    return left.y < right.y ? `${a} above ${b}` : `${a} below ${b}`
  }
  return random.pick([`${a} to the left of ${b}`, `${a} next to ${b}`])
}

function settingOf(scene: Scene): string {
  switch (scene.background.style) {
    case 'meadow':
      return 'in a field'
    case 'striped':
      return 'on a striped background'
    case 'plain':
    case 'gradient':
      return 'on a plain background'
  }
}

const NUMBERS = ['zero', 'one', 'two', 'three', 'four', 'five']

/** Every question that this scene answers, presence questions about `absent` kinds included. */
export function questionsOf(scene: Scene, absent: readonly string[]): QuestionAnswer[] {
  const names = scene.objects.map(nounPhrase)
  const all =
    names.length < 3 ? names.join(' and ') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
  return [
    { type: 'what', question: 'what is in the picture?', answer: all },
    {
      type: 'count',
      question: 'how many things are there?',
      answer: NUMBERS[scene.objects.length] ?? 'many',
    },
    ...scene.objects.flatMap((object) => questionsAbout(object, scene)),
    ...absent.map((kind): QuestionAnswer => ({
      type: 'presence',
      question: `is there ${article(kind)}?`,
      answer: 'no',
    })),
  ]
}

function questionsAbout(object: SceneObject, scene: Scene): QuestionAnswer[] {
  const { kind, colour } = object
  const presence: QuestionAnswer = { type: 'presence', question: `is there ${article(kind)}?`, answer: 'yes' }
  const where: QuestionAnswer = {
    type: 'where',
    question: `where ${kind === 'grapes' ? 'are' : 'is'} the ${kind}?`,
    answer: placeOf(object, scene),
  }
  const colours: QuestionAnswer[] =
    colour === null ? [] : [{ type: 'colour', question: `what colour is the ${kind}?`, answer: colour }]
  return [presence, where, ...colours]
}

function article(kind: string): string {
  if (kind === 'grapes') return 'any grapes'
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`
}

function placeOf(object: SceneObject, scene: Scene): string {
  const third = (value: number): number => (value < 224 / 3 ? 0 : value < (2 * 224) / 3 ? 1 : 2)
  if (scene.objects.length === 1 && third(object.x) === 1) return 'in the middle'
  return ['on the left', 'in the middle', 'on the right'][third(object.x)] ?? 'in the middle'
}
