/**
 * One question in many words. `plain` wordings are those that the model learns to answer first; `varied` ones are all the
 * ways of asking that it learns besides; `unseen` ones never occur in training, so that it can be measured whether it
 * understands people who put things in words of their own.
 *
 * A wording is a template: `{0}` stands for a word of the scene, `(a|b|)` for any of the alternatives.
 */
import {
  besideQuestions,
  outermost,
  outermostBeside,
  THING,
  THINGS,
  COLOUR,
  PICTURE,
  HERE,
  OF_IT,
  WHAT_IS,
  TRUE,
  type Templates,
  type Wordings,
} from './place-wordings.ts'
import type { Random } from './random.ts'

export const WORDINGS = ['plain', 'varied', 'unseen'] as const
export type Wording = (typeof WORDINGS)[number]

const [LEFT, RIGHT, ABOVE, BELOW] = [
  besideQuestions('left'),
  besideQuestions('right'),
  besideQuestions('above'),
  besideQuestions('below'),
]

const PRESENT_VARIED: Templates = [
  `(is there|do you see|can you see|can i see|do we see) {0}${HERE}?`,
  `is {0} (visible|shown|there|to be seen|present)${HERE}?`,
  `does (it|this|${PICTURE}) (show|contain|have|include) {0}?`,
  `is {0} (in|on) ${PICTURE}?`,
  `(tell me if|is it true that) there is {0}${HERE}?`,
]
const PRESENT_UNSEEN: Templates = [
  'has this picture got {0}?',
  'can {0} be seen anywhere?',
  'could you find {0} in this?',
  'would you say there is {0}?',
]

const ALL_WORDINGS = {
  everything: {
    plain: [
      'what is in the picture?',
      "what's in the picture?",
      'what do you see?',
      'what can you see here?',
      'what is shown?',
      'what is this?',
    ],
    varied: [
      `(what is|what's|what is there|what can be seen|what do you see|what can you see|what is shown|what is visible) (in|on) ${PICTURE}?`,
      `(what is|what's|what do you see|what can you see) (in|on) ${PICTURE}?`,
      `(what|which) ${THINGS} (are there|do you see|can you see|are shown|are visible)${HERE}?`,
      `(what|which) ${THINGS} are (in|on) ${PICTURE}?`,
      `(|please |can you |could you )(describe|caption|explain) (it|this|${PICTURE})`,
      `what does ${PICTURE} (show|contain|depict|have)?`,
      `(tell me|describe|say) what (you see|is there|is shown)${HERE}`,
      `(list|name) (everything|all|all ${THINGS}|the ${THINGS}|what you see)${HERE}`,
      "(what's (here|there|that|this)|what is (here|there|that)|what am i looking at|what is going on|what is happening)?",
    ],
    unseen: [
      'what can be found in this picture?',
      'what is this a picture of?',
      'give me a description of the image',
      'what has been drawn?',
    ],
  },
  setting: {
    plain: ['what is the background?', 'what kind of background is it?'],
    varied: [
      "(what is|what's|describe|name|tell me) the background(| of the picture| of the image| here)",
      'what (kind|sort|type) of background (is it|is there|is this|does it have|do you see)?',
      "(what is|what's|what do you see) in the background?",
      'what is the background like?',
    ],
    unseen: ['which background is that?', 'what does the background look like?'],
  },
  outermostLeft: outermostBeside('left'),
  outermostRight: outermostBeside('right'),
  outermostAbove: outermost(
    ['what is at the top?', "what's at the top?", 'what is the highest thing?'],
    'top',
    [
      `(what is|which is|name) the (highest|topmost|uppermost) ${THING}${HERE}?`,
      `which ${THING} is (highest|highest up|topmost)?`,
    ],
  ),
  outermostBelow: outermost(
    ['what is at the bottom?', "what's at the bottom?", 'what is the lowest thing?'],
    'bottom',
    [
      `(what is|which is|name) the (lowest|bottommost) ${THING}${HERE}?`,
      `which ${THING} is (lowest|lowest down|bottommost)?`,
    ],
  ),
  middle: {
    plain: ['what is in the middle?', 'what is in the centre?'],
    varied: [`${WHAT_IS} (in|at) the (middle|centre|center)${OF_IT}?`],
    unseen: ['what can be found in the middle?', 'which one is right in the centre?'],
  },
  extreme: {
    plain: ['what is the {0} thing?', 'which thing is the {0}?'],
    varied: [
      `(what is|what's|which is|name|tell me) the {0} ${THING}${HERE}?`,
      `(which|what) (one|${THING}) is (the |){0}${HERE}?`,
      `(what is|what's|which is) the {0}(| one)${HERE}?`,
    ],
    unseen: ['of all of these, which is the {0}?', 'what would you say is the {0} object?'],
  },
  countAll: {
    plain: [
      'how many things are there?',
      'how many objects are in the picture?',
      'how many things do you see?',
    ],
    varied: [
      `how many ${THINGS} (are there|do you see|can you see|are shown|are visible|can be seen)${HERE}?`,
      `how many ${THINGS} are (in|on) ${PICTURE}?`,
      `(|please )count (|the |all |all the )${THINGS}${HERE}`,
      `what is the number of ${THINGS}${HERE}?`,
      `how many ${THINGS} does ${PICTURE} (show|have|contain)?`,
    ],
    unseen: [
      'how many things can be counted?',
      'how many objects have been drawn?',
      'tell me how many things there are',
    ],
  },
  countColour: {
    plain: ['how many {0} things are there?', 'how many things are {0}?'],
    varied: [
      `how many {0} ${THINGS} (are there|do you see|can you see|are shown|are visible)${HERE}?`,
      `how many (of them|${THINGS}) are {0}${HERE}?`,
      `how many {0} (|ones |${THINGS} )are (in|on) ${PICTURE}?`,
      `(|please )count the {0} ${THINGS}${HERE}`,
      `what is the number of {0} ${THINGS}${HERE}?`,
    ],
    unseen: ['how many things have the colour {0}?', 'tell me how many {0} things there are'],
  },
  countKind: {
    plain: [
      'how many {0} are there?',
      'how many {0} are there?',
      'how many {0} can you see?',
      'how many {0} are in the picture?',
    ],
    varied: [
      `how many {0} (are there|do you see|can you see|are shown|are visible|can be seen)${HERE}?`,
      `how many {0} are (in|on) ${PICTURE}?`,
      `(|please )count (|the |all |all the ){0}${HERE}`,
      `what is the number of {0}${HERE}?`,
      `how many {0} does ${PICTURE} (show|have|contain)?`,
    ],
    unseen: [
      'how many {0} can be counted?',
      'how many {0} have been drawn?',
      'tell me how many {0} there are',
    ],
  },
  colourOf: {
    plain: ['what colour is the {0}?', 'which colour is the {0}?', 'what color is the {0}?'],
    varied: [
      `(what|which|in what|in which) ${COLOUR} is the {0}${HERE}?`,
      `(what is|what's|tell me|name) the ${COLOUR} of the {0}${HERE}`,
      `(what|which) ${COLOUR} does the {0} have?`,
      `what is the {0}'s ${COLOUR}?`,
      `the {0} is (what|which) ${COLOUR}?`,
      'how is the {0} (coloured|colored)?',
    ],
    unseen: [
      'which colour has the {0} got?',
      'can you make out the colour of the {0}?',
      'the colour of the {0}?',
    ],
  },
  whereIs: {
    plain: ['where is {0}?', 'where is {0}?', "where's {0}?", 'where can I find {0}?'],
    varied: [
      `(where is|where's) {0}${HERE}?`,
      `where (in|on) ${PICTURE} is {0}?`,
      `where (do you see|can you see|can i see|can you find|do i find) {0}${HERE}?`,
      `(in|on) (which|what) (part|side) of ${PICTURE} is {0}?`,
      `(what is|what's) the (position|place|location) of {0}${HERE}?`,
      'tell me where {0} is',
      'where (|exactly )is {0} (located|placed|found|shown)?',
    ],
    unseen: ['whereabouts is {0}?', 'can you locate {0}?', 'in which spot is {0}?', 'at what place is {0}?'],
  },
  presence: {
    plain: [
      'is there {0}?',
      'is there {0}?',
      'do you see {0}?',
      'can you see {0}?',
      'is there {0} in the picture?',
      'are there any {1}?',
    ],
    varied: [
      ...PRESENT_VARIED,
      `are there (|any |some ){1}${HERE}?`,
      `(do|can) you see (|any |some ){1}${HERE}?`,
    ],
    unseen: [...PRESENT_UNSEEN, 'any {1} around?'],
  },
  presenceInColour: {
    plain: ['is there {0}?', 'do you see {0}?'],
    varied: PRESENT_VARIED,
    unseen: PRESENT_UNSEEN,
  },
  isColoured: {
    plain: ['is the {0} {1}?'],
    varied: [
      `is the {0} {1}${HERE}?`,
      `is the ${COLOUR} of the {0} {1}?`,
      `(does the {0} have|has the {0}) the ${COLOUR} {1}?`,
      `(is it true that the {0} is {1}|the {0} is {1}, ${TRUE})?`,
    ],
    unseen: ['would you call the {0} {1}?', 'is {1} the colour of the {0}?'],
  },
  isAtPlace: {
    plain: ['is {0} {1}?'],
    varied: [
      `is {0} {1}${OF_IT}?`,
      `is {0} (shown|placed|located|standing) {1}${OF_IT}?`,
      `(do you see|can you see) {0} {1}?`,
      `(is it true that {0} is {1}|{0} is {1}, ${TRUE})?`,
    ],
    unseen: ['can {0} be found {1}?', 'would you say {0} is {1}?'],
  },
  isInside: {
    plain: ['is {0} inside {1}?'],
    varied: [
      'is {0} (in|inside|inside of|within) {1}?',
      'is {0} (placed|shown|located) (in|inside) {1}?',
      'does {1} (contain|hold) {0}?',
      `(is it true that {0} is (in|inside) {1}|{0} is (in|inside) {1}, ${TRUE})?`,
    ],
    unseen: ['does {1} have {0} in it?', 'can {0} be found in {1}?'],
  },
  isBehind: {
    plain: ['is {0} behind {1}?'],
    varied: [
      `is {0} behind {1}${HERE}?`,
      'is {0} (partly |)(hidden|covered) by {1}?',
      'is {1} (in front of|before) {0}?',
      `(is it true that {0} is behind {1}|{0} is behind {1}, ${TRUE})?`,
    ],
    unseen: ['does {1} stand in the way of {0}?', 'can {0} be found behind {1}?'],
  },
  isLeft: LEFT.isIt,
  isRight: RIGHT.isIt,
  isAbove: ABOVE.isIt,
  isBelow: BELOW.isIt,
  left: LEFT.whatIs,
  right: RIGHT.whatIs,
  above: ABOVE.whatIs,
  below: BELOW.whatIs,
  inside: {
    plain: ['what is inside {0}?', 'what is in {0}?'],
    varied: [
      `${WHAT_IS} (in|inside|inside of|within) {0}?`,
      'what does {0} (contain|hold|have in it|have inside)?',
      '(tell me|name) what is (in|inside) {0}',
    ],
    unseen: ['what can be found in {0}?', 'what has been put inside {0}?'],
  },
  behind: {
    plain: ['what is behind {0}?'],
    varied: [
      `${WHAT_IS} behind {0}?`,
      'what (hides|stands|lies) behind {0}?',
      'what is (partly |)(hidden|covered) by {0}?',
      'what does {0} (hide|cover)?',
    ],
    unseen: ['what can be found behind {0}?', 'which one is at the back of {0}?'],
  },
  inFrontOf: {
    plain: ['what is in front of {0}?'],
    varied: [`${WHAT_IS} (in front of|before) {0}?`, 'what (hides|covers) (|part of ){0}?'],
    unseen: ['what can be found in front of {0}?', 'what stands in the way of {0}?'],
  },
  colourOfThem: {
    plain: ['what colour are they?', 'which colour are they?'],
    varied: [
      `(|and )(what|which) ${COLOUR} are (they|those|these)?`,
      `(what is|what's|and) their ${COLOUR}?`,
      `(what|which) ${COLOUR} do they have?`,
    ],
    unseen: ['how are they coloured?', 'in which colour are they?'],
  },
  colourOfIt: {
    plain: ['what colour is it?', 'which colour is it?', 'and its colour?'],
    varied: [
      `(|and )(what|which) ${COLOUR} is (it|that|this)?`,
      `(what is|what's|and|tell me) (its|the) ${COLOUR}?`,
      `(what|which) ${COLOUR} does it have?`,
    ],
    unseen: ['how is it coloured?', 'in which colour is it?', 'its colour?'],
  },
  isItColoured: {
    plain: ['is it {0}?'],
    varied: [`(|and )is (it|that|this) {0}?`, `is (its|the) ${COLOUR} {0}?`],
    unseen: ['would you call it {0}?', 'does it look {0}?'],
  },
  whereIsIt: {
    plain: ['where is it?', 'and where is it?'],
    varied: [
      `(|and )where is (it|that|this)${HERE}?`,
      "(|and )where(| exactly|'s it)?",
      'where (do you see|can i find|can i see|can you see) it?',
      `(in|on) (which|what) (part|side) of ${PICTURE} is it?`,
      '(what is|and) its (position|place|location)?',
    ],
    unseen: ['whereabouts is it?', 'in which spot is it?'],
  },
  andPresence: {
    plain: ['and {0}?'],
    varied: ['(and|what about|how about|or|and what about) {0}?', 'is there (|also ){0}(| too| as well)?'],
    unseen: ['{0}, perhaps?', 'now what of {0}?'],
  },
  andCount: {
    plain: ['and how many {0}?'],
    varied: ['(|and )how many {0}?', '(and|what about|how about) (|the ){0}?'],
    unseen: ['and the number of {0}?', 'now what of the {0}?'],
  },
  andOther: {
    plain: ['and {0}?', 'what about {0}?'],
    varied: ['(and|what about|how about|and what about) {0}?'],
    unseen: ['the same for {0}?', 'now what of {0}?'],
  },
  whatElse: {
    plain: ['what else is there?', 'what else do you see?', 'anything else?'],
    varied: [
      `(|and )what else(| is there| do you see| can you see| is shown| is visible)${HERE}?`,
      `what (other|more) ${THINGS} (are there|do you see|can you see)${HERE}?`,
      `(|and |is there )(anything|something) else${HERE}?`,
    ],
    unseen: ['what remains?', 'and besides that?', 'which others are there?'],
  },
} as const satisfies Record<string, Wordings>

/** What is asked, whatever the words. */
export type Form = keyof typeof ALL_WORDINGS

export const FORMS = Object.keys(ALL_WORDINGS) as readonly Form[]

export function templatesOf(form: Form, wording: Wording): Templates {
  return ALL_WORDINGS[form][wording]
}

/** A question of that form in plain words about `slots`. */
export function plainly(random: Random, form: Form, slots: readonly string[]): string {
  return filled(random.pick(templatesOf(form, 'plain')), slots)
}

/** The first of its plain wordings. */
export function inFewWords(form: Form, slots: readonly string[]): string {
  return filled(templatesOf(form, 'plain')[0], slots)
}

/** The same in other words; one in five of the varied ones is plain. */
export function inOtherWords(
  random: Random,
  form: Form,
  slots: readonly string[],
  wording: Exclude<Wording, 'plain'>,
): string {
  const from = wording === 'varied' && random.next() < 0.2 ? 'plain' : wording
  return filled(expanded(random, random.pick(templatesOf(form, from))), slots)
}

const INNERMOST = /\(([^()]*)\)/

function expanded(random: Random, template: string): string {
  let text = template
  for (let group = INNERMOST.exec(text); group !== null; group = INNERMOST.exec(text)) {
    const [whole, inside = ''] = group
    const [first = '', ...more] = inside.split('|')
    const chosen = random.pick([first, ...more])
    text = text.slice(0, group.index) + chosen + text.slice(group.index + whole.length)
  }
  return text
}

function filled(template: string, slots: readonly string[]): string {
  return template.replace(/\{(\d)\}/g, (_, index: string) => slots[Number(index)] ?? '')
}
