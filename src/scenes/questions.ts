/**
 * Questions that a scene answers without doubt, and conversations made of them. An answer is always the one that a
 * person would give; where two could be right nothing is asked.
 */
import { articleFor, COLOUR_NAMES, KINDS, pluralOf, type Colour, type Kind } from './kinds.ts'
import { listOf, nounPhrase, NUMBERS, settingOf, words } from './language.ts'
import { seededRandom, type Random } from './random.ts'
import {
  extremeSize,
  isAt,
  objectsAt,
  outermost,
  PLACE_NAMES,
  placeOf,
  SPATIAL,
  type Spatial,
} from './relations.ts'
import type { Scene, SceneObject } from './scene.ts'
import { inFewWords, inOtherWords, plainly, type Form, type Wording } from './wordings.ts'

export const QUESTION_TYPES = ['what', 'count', 'colour', 'where', 'presence', 'yes-no', 'relation'] as const
export type QuestionType = (typeof QUESTION_TYPES)[number]

export interface QuestionAnswer {
  type: QuestionType
  question: string
  answer: string
  /** Leans on the turn before it and means nothing alone. */
  followUp: boolean
}

/** A question in plain words, what it asks, and what it was about, for the next one to lean on. */
interface Asked extends QuestionAnswer {
  form: Form
  /** The words of the scene that its wordings have gaps for. */
  slots: readonly string[]
  about: SceneObject[]
}

export interface ConversationStyle {
  types?: readonly [QuestionType, ...QuestionType[]]
  wording?: Wording
}

/**
 * A conversation of up to `turns` turns: `types` of question as likely as each other, leaning on the turn before where
 * that is possible and as often as not; no question twice. In whatever words, the same is asked.
 */
export function conversationOf(
  scene: Scene,
  turns: number,
  seed: number,
  { types = QUESTION_TYPES, wording = 'plain' }: ConversationStyle = {},
): QuestionAnswer[] {
  const random = seededRandom(scene.seed ^ Math.imul(seed + 1, 0x2545f491))
  const asker = new Asker(scene, random, types)
  const asked: Asked[] = []
  for (let tries = 0; asked.length < turns && tries < 8 * turns; tries += 1) {
    const last = asked.at(-1)
    const leaning = last === undefined || random.next() < 0.4 ? null : asker.someFollowUp(last)
    const next = leaning ?? asker.question()
    if (next !== null && !asked.some(({ question }) => question === next.question)) asked.push(next)
  }
  return asked.map(({ type, question, form, slots, answer, followUp }) => {
    const put = wording === 'plain' ? question : inOtherWords(random, form, slots, wording)
    return { type, question: asTyped(random, put), answer, followUp }
  })
}

/** People begin with a capital or do not, and forget the question mark. */
function asTyped(random: Random, question: string): string {
  const begun = random.next() < 0.4 ? question.charAt(0).toUpperCase() + question.slice(1) : question
  return random.next() < 0.1 ? begun.replace(/\?$/, '') : begun
}

class Asker {
  constructor(
    private readonly scene: Scene,
    private readonly random: Random,
    private readonly types: readonly [QuestionType, ...QuestionType[]],
  ) {}

  question(): Asked | null {
    const type = this.random.pick(this.types)
    switch (type) {
      case 'what':
        return this.what()
      case 'count':
        return this.count()
      case 'colour':
        return this.colour()
      case 'where':
        return this.where()
      case 'presence':
        return this.presence()
      case 'yes-no':
        return this.yesOrNo()
      case 'relation':
        return this.relation()
    }
  }

  someFollowUp(last: Asked): Asked | null {
    return this.followUp(last) ?? this.followUp(last) ?? this.followUp(last)
  }

  /** A question that leans on the last turn; null when the one tried has no single answer. */
  private followUp(last: Asked): Asked | null {
    const next = this.random.pick([
      () => this.aboutIt(last),
      () => this.aboutIt(last),
      () => this.sameOfAnother(last),
      () => this.whatElse(last),
    ])()
    return next === null ? null : { ...next, followUp: true }
  }

  private what(): Asked | null {
    const { scene, random } = this
    const kind = random.pick(['all', 'side', 'side', 'middle', 'size', 'setting'])
    if (kind === 'all') return this.ask('what', 'everything', [], listOf(scene.objects), scene.objects)
    if (kind === 'setting')
      return this.ask('what', 'setting', [], SETTINGS[settingOf(scene)] ?? settingOf(scene), [])
    if (kind === 'side') {
      const side = random.pick(SPATIAL)
      const there = outermost(scene, side)
      return there === null ? null : this.ask('what', OUTERMOST[side], [], nounPhrase(there), [there])
    }
    if (kind === 'middle') {
      // One near a line may be called in the middle too.
      const there = scene.objects.filter((object) => [null, 'in the middle'].includes(placeOf(object)))
      const [only] = there
      if (only === undefined || there.length > 1 || placeOf(only) === null) return null
      return this.ask('what', 'middle', [], nounPhrase(only), [only])
    }
    const which = random.pick(['largest', 'smallest'])
    const extreme = extremeSize(scene, which)
    const adjective = which === 'largest' ? random.pick(['largest', 'biggest']) : 'smallest'
    return extreme === null ? null : this.ask('what', 'extreme', [adjective], nounPhrase(extreme), [extreme])
  }

  private count(): Asked | null {
    const { scene, random } = this
    const kind = random.pick(['all', 'kind', 'kind', 'colour'])
    if (kind === 'all')
      return this.ask('count', 'countAll', [], numberOf(scene.objects.length), scene.objects)
    if (kind === 'colour') {
      const colour = this.someColour()
      const those = scene.objects.filter((object) => object.colour === colour)
      return this.ask('count', 'countColour', [colour], numberOf(those.length), those)
    }
    return this.countOf(this.someKind())
  }

  private countOf(kind: Kind): Asked {
    const those = this.scene.objects.filter((object) => object.kind === kind)
    return this.ask('count', 'countKind', [pluralOf(kind)], numberOf(those.length), those)
  }

  private colour(): Asked | null {
    const object = this.random.sample(
      this.scene.objects.filter(({ colour }) => colour !== null),
      1,
    )[0]
    return object === undefined ? null : this.colourOf(object)
  }

  private colourOf(object: SceneObject): Asked | null {
    if (object.colour === null || this.ofKind(object.kind).length > 1) return null
    return this.ask('colour', 'colourOf', [object.kind], object.colour, [object])
  }

  private where(): Asked | null {
    const object = this.someObject()
    return object === undefined ? null : this.whereIs(object)
  }

  private whereIs(object: SceneObject): Asked | null {
    const [the, place] = [this.reference(object), this.place(object)]
    return the === null || place === null ? null : this.ask('where', 'whereIs', [the], place, [object])
  }

  private presence(): Asked | null {
    const { random } = this
    if (random.next() < 0.35) return this.presenceInColour()
    return this.presenceOf(this.someKind(0.5))
  }

  private presenceOf(kind: Kind): Asked {
    const those = this.ofKind(kind)
    return this.ask('presence', 'presence', [withArticle(kind), pluralOf(kind)], yes(those.length > 0), those)
  }

  /** "is there a red star?": a lie has the right kind in another colour, or the colour on another kind. */
  private presenceInColour(): Asked | null {
    const { random, scene } = this
    const object = random.sample(
      scene.objects.filter(({ colour }) => colour !== null),
      1,
    )[0]
    if (object === undefined) return null
    const colour = random.next() < 0.5 ? object.colour : random.pick(COLOUR_NAMES)
    const claimed = { kind: object.kind, colour }
    const those = scene.objects.filter((other) => words(other) === words(claimed))
    return this.ask('presence', 'presenceInColour', [nounPhrase(claimed)], yes(those.length > 0), those)
  }

  private yesOrNo(): Asked | null {
    const { random } = this
    const object = this.someObject()
    if (object === undefined) return null
    return random.pick([
      () => this.isColoured(object),
      () => this.isAtPlace(object),
      () => this.isRelated(object),
      () => this.isRelated(object),
    ])()
  }

  private isColoured(object: SceneObject): Asked | null {
    if (object.colour === null || this.ofKind(object.kind).length > 1) return null
    const claimed = this.claimedColour(object.colour)
    return this.ask('yes-no', 'isColoured', [object.kind, claimed], yes(claimed === object.colour), [object])
  }

  private isAtPlace(object: SceneObject): Asked | null {
    const [the, place] = [this.reference(object), placeOf(object)]
    if (the === null || place === null) return null
    const claimed = this.random.next() < 0.5 ? place : (this.random.sample(PLACE_NAMES, 1)[0] ?? place)
    return this.ask('yes-no', 'isAtPlace', [the, claimed], yes(claimed === place), [object])
  }

  private isRelated(object: SceneObject): Asked | null {
    const { random, scene } = this
    const other = random.sample(
      scene.objects.filter((one) => one !== object),
      1,
    )[0]
    if (other === undefined) return null
    const [the, to] = [this.reference(object), this.reference(other)]
    if (the === null || to === null) return null
    const deep = scene.objects[object.inside ?? object.behind ?? -1]
    if (deep !== undefined && random.next() < 0.6) {
      const claimed = random.next() < 0.5 ? deep : other
      const the2 = this.reference(claimed)
      if (the2 === null) return null
      const form = object.inside === null ? 'isBehind' : 'isInside'
      return this.ask('yes-no', form, [the, the2], yes(claimed === deep), [object])
    }
    const relation = random.pick(SPATIAL)
    const holds = isAt(object, relation, other)
    return holds === null ? null : this.ask('yes-no', IS_BESIDE[relation], [the, to], yes(holds), [object])
  }

  private relation(): Asked | null {
    const { random, scene } = this
    const deep = scene.objects.find(({ inside, behind }) => (inside ?? behind) !== null)
    if (deep !== undefined && random.next() < 0.5) return this.whatIsDeep(deep)
    const object = this.someObject()
    return object === undefined ? null : this.whatIsAt(object, random.pick(SPATIAL), this.reference(object))
  }

  private whatIsDeep(deep: SceneObject): Asked | null {
    const other = this.scene.objects[deep.inside ?? deep.behind ?? -1]
    if (other === undefined) return null
    const [the, to] = [this.reference(deep), this.reference(other)]
    if (the === null || to === null) return null
    if (deep.inside !== null) return this.ask('relation', 'inside', [to], nounPhrase(deep), [deep])
    return this.random.next() < 0.6
      ? this.ask('relation', 'behind', [to], nounPhrase(deep), [deep])
      : this.ask('relation', 'inFrontOf', [the], nounPhrase(other), [other])
  }

  private whatIsAt(object: SceneObject, relation: Spatial, the: string | null): Asked | null {
    const there = objectsAt(this.scene, relation, object)
    if (the === null || there === null || there.length > 2 || this.scene.objects.length === 1) return null
    return this.ask('relation', relation, [the], listOf(there), there)
  }

  /** "what colour is it?": the turn before was about one thing, or about several that look alike. */
  private aboutIt(last: Asked): Asked | null {
    const [it, ...more] = last.about
    if (it === undefined || (last.type === 'what' && last.about.length > 1)) return null
    if (more.length > 0) {
      if (it.colour === null || !more.every((object) => words(object) === words(it))) return null
      return this.ask('colour', 'colourOfThem', [], it.colour, last.about)
    }
    const said =
      last.answer.includes(it.colour ?? 'no colour') || last.question.includes(it.colour ?? 'no colour')
    return this.random.pick([
      () => (it.colour === null || said ? null : this.ask('colour', 'colourOfIt', [], it.colour, [it])),
      () => this.isItColoured(it, said),
      () => this.whereIsIt(last, it),
      () => this.whereIsIt(last, it),
      () => this.whatIsAt(it, this.random.pick(SPATIAL), 'it'),
      () => this.itsRelation(it),
    ])()
  }

  private isItColoured(it: SceneObject, said: boolean): Asked | null {
    if (it.colour === null || said) return null
    const claimed = this.claimedColour(it.colour)
    return this.ask('yes-no', 'isItColoured', [claimed], yes(claimed === it.colour), [it])
  }

  private whereIsIt(last: Asked, it: SceneObject): Asked | null {
    const place = this.place(it)
    if (place === null || last.type === 'where' || last.question.includes('where')) return null
    return this.ask('where', 'whereIsIt', [], place, [it])
  }

  private itsRelation(it: SceneObject): Asked | null {
    const index = this.scene.objects.indexOf(it)
    const content = this.scene.objects.find(({ inside }) => inside === index)
    const back = this.scene.objects.find(({ behind }) => behind === index)
    if (content !== undefined) return this.ask('relation', 'inside', ['it'], nounPhrase(content), [content])
    return back === undefined ? null : this.ask('relation', 'behind', ['it'], nounPhrase(back), [back])
  }

  /** "and the dog?": what was asked of one thing is asked of another. */
  private sameOfAnother(last: Asked): Asked | null {
    const others = this.scene.objects.filter((object) => !last.about.includes(object))
    const another = this.random.sample(others, 1)[0]
    const the = another === undefined ? null : this.reference(another)
    if (last.type === 'presence' && !last.followUp) {
      const kind = this.someKind(0.5)
      return { ...this.presenceOf(kind), ...shortly('andPresence', withArticle(kind)) }
    }
    if (last.type === 'count' && / are there| can you see| are in the picture/.test(last.question)) {
      const kind = this.someKind()
      if (!last.question.includes('things') && !last.question.includes(pluralOf(kind)))
        return { ...this.countOf(kind), ...shortly('andCount', pluralOf(kind)) }
    }
    if (another === undefined || the === null || last.about.length !== 1) return null
    if (last.type === 'where') {
      const place = this.place(another)
      return place === null ? null : this.ask('where', 'andOther', [the], place, [another])
    }
    if (last.type === 'colour' && another.colour !== null && this.ofKind(another.kind).length === 1)
      return this.ask('colour', 'andOther', [`the ${another.kind}`], another.colour, [another])
    return null
  }

  private whatElse(last: Asked): Asked | null {
    if (last.about.length === 0 || last.type !== 'what') return null
    const rest = this.scene.objects.filter((object) => !last.about.includes(object))
    if (rest.length === 0 && this.scene.objects.length > 1) return null
    return this.ask('what', 'whatElse', [], listOf(rest), rest)
  }

  private ask(
    type: QuestionType,
    form: Form,
    slots: readonly string[],
    answer: string,
    about: readonly SceneObject[],
  ): Asked {
    const question = plainly(this.random, form, slots)
    return { type, form, slots, question, answer, followUp: false, about: [...about] }
  }

  /** "the cat", or "the red star" where there are several stars; null when words cannot single it out. */
  private reference(object: SceneObject): string | null {
    if (this.ofKind(object.kind).length === 1) return `the ${object.kind}`
    const alike = this.scene.objects.filter((other) => words(other) === words(object))
    return alike.length === 1 ? `the ${words(object)}` : null
  }

  /** Inside of or behind something says more than a place in the picture. */
  private place(object: SceneObject): string | null {
    const other = this.scene.objects[object.inside ?? object.behind ?? -1]
    if (other === undefined) return placeOf(object)
    const the = this.reference(other)
    return the === null ? null : `${object.inside === null ? 'behind' : 'inside'} ${the}`
  }

  private ofKind(kind: Kind): SceneObject[] {
    return this.scene.objects.filter((object) => object.kind === kind)
  }

  private someObject(): SceneObject | undefined {
    return this.random.sample(this.scene.objects, 1)[0]
  }

  /** A kind of the scene, or with `otherwise` one that is not in it. */
  private someKind(otherwise = 0.25): Kind {
    const drawn = this.scene.objects.map(({ kind }) => kind)
    const [there] = this.random.sample(drawn, 1)
    if (there !== undefined && this.random.next() >= otherwise) return there
    return (
      this.random.sample(
        KINDS.filter((kind) => !drawn.includes(kind)),
        1,
      )[0] ?? 'cat'
    )
  }

  private someColour(): Colour {
    const drawn = this.scene.objects.flatMap(({ colour }) => colour ?? [])
    return this.random.next() < 0.75
      ? (this.random.sample(drawn, 1)[0] ?? 'red')
      : this.random.pick(COLOUR_NAMES)
  }

  /** Right as often as not. */
  private claimedColour(colour: Colour): Colour {
    if (this.random.next() < 0.5) return colour
    return (
      this.random.sample(
        COLOUR_NAMES.filter((other) => other !== colour),
        1,
      )[0] ?? colour
    )
  }
}

const OUTERMOST: Record<Spatial, Form> = {
  left: 'outermostLeft',
  right: 'outermostRight',
  above: 'outermostAbove',
  below: 'outermostBelow',
}

const IS_BESIDE: Record<Spatial, Form> = {
  left: 'isLeft',
  right: 'isRight',
  above: 'isAbove',
  below: 'isBelow',
}

const SETTINGS: Record<string, string> = {
  'in a field': 'a field',
  'on a beach': 'a beach',
  'on a striped background': 'striped',
  'on a checked background': 'checked',
  'on a dotted background': 'dotted',
  'on a plain background': 'plain',
}

/** The same in few words, behind a turn that asked it of something else. */
function shortly(form: Form, slot: string): Pick<Asked, 'form' | 'slots' | 'question'> {
  return { form, slots: [slot], question: inFewWords(form, [slot]) }
}

function withArticle(kind: Kind): string {
  return `${articleFor(kind)} ${kind}`
}

/** "none" rather than "no", which answers other questions. */
function numberOf(count: number): string {
  return count === 0 ? 'none' : (NUMBERS[count] ?? 'many')
}

function yes(holds: boolean): string {
  return holds ? 'yes' : 'no'
}
