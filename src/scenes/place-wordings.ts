/** Questions about places in many words, and the phrases that all questions share. */
import type { Spatial } from './relations.ts'

/** Templates of one question; see wordings.ts. */
export interface Wordings {
  plain: Templates
  varied: Templates
  unseen: Templates
}

export type Templates = readonly [string, ...string[]]

export const THING = '(thing|object|item)'
export const THINGS = '(things|objects|items)'
export const COLOUR = '(colour|color)'
export const PICTURE = '(the|this) (picture|image|photo|scene|drawing)'
export const HERE = `(||| here| in ${PICTURE})`
export const OF_IT = `(||| of ${PICTURE}| in ${PICTURE})`
export const WHAT_IS = `(what is|what's|what do you see|what can you see|what (is|can be) seen|which ${THING} is|what ${THING} is)`
export const TRUE = "(right|true|isn't it|correct)"

/** How a question about a place beside, above or below something may put it. */
const BESIDE: Record<Spatial, { plain: string; varied: string; unseen: string; opposite: Spatial }> = {
  left: besideWords('left', 'right'),
  right: besideWords('right', 'left'),
  above: {
    plain: 'above',
    varied: '(above|over|higher than|higher up than)',
    unseen: '(further up than|at a higher place than)',
    opposite: 'below',
  },
  below: {
    plain: 'below',
    varied: '(below|under|beneath|underneath|lower than|lower down than)',
    unseen: '(further down than|at a lower place than)',
    opposite: 'above',
  },
}

function besideWords(side: 'left' | 'right', opposite: 'left' | 'right'): (typeof BESIDE)[Spatial] {
  return {
    plain: `to the ${side} of`,
    varied: `(to the ${side} of|${side} of|on the ${side} of|on the ${side} side of|at the ${side} of)`,
    unseen: `(further ${side} than|to the ${side} hand side of)`,
    opposite,
  }
}

/** What is outermost at a side. */
export function outermost(plain: Templates, side: string, varied: Templates): Wordings {
  return {
    plain,
    varied: [
      `${WHAT_IS} (on|at|to) the ${side}(| side)${OF_IT}?`,
      `${WHAT_IS} (on|at) the ${side}${OF_IT}?`,
      `(name|tell me|what is) the ${THING} (on|at) the ${side}${OF_IT}`,
      ...varied,
    ],
    unseen: [
      `what can be found at the ${side}?`,
      `what is at the ${side} edge?`,
      `which one is at the very ${side}?`,
    ],
  }
}

export function outermostBeside(side: 'left' | 'right'): Wordings {
  const plain: Templates = [
    `what is on the ${side}?`,
    `what's on the ${side}?`,
    `what is on the ${side} side?`,
    `what is the ${side}most thing?`,
  ]
  return outermost(plain, side, [
    `(what is|which is|name) the (${side}most|${side} most) ${THING}${HERE}?`,
    `which ${THING} is (${side}most|furthest ${side}|most to the ${side})?`,
  ])
}

export function besideQuestions(side: Spatial): { whatIs: Wordings; isIt: Wordings } {
  const { plain, varied, unseen, opposite } = BESIDE[side]
  return {
    whatIs: {
      plain: [`what is ${plain} {0}?`],
      varied: [
        `${WHAT_IS} ${varied} {0}?`,
        `${WHAT_IS} ${varied} {0}?`,
        `(which|what) ${THINGS} are ${varied} {0}?`,
        `(what (stands|lies)|tell me what is|name what is) ${varied} {0}${HERE}?`,
      ],
      unseen: [
        `what can be found ${plain} {0}?`,
        `what is positioned ${plain} {0}?`,
        `which ones are ${plain} {0}?`,
        `what is ${unseen} {0}?`,
      ],
    },
    isIt: {
      plain: [`is {0} ${plain} {1}?`],
      varied: [
        `is {0} ${varied} {1}${HERE}?`,
        `is {0} ${varied} {1}?`,
        `is {0} (placed|shown|located|standing) ${varied} {1}?`,
        `(is it true that {0} is ${varied} {1}|{0} is ${varied} {1}, ${TRUE})?`,
        `is {1} ${BESIDE[opposite].varied} {0}?`,
      ],
      unseen: [
        `is {0} ${unseen} {1}?`,
        `would you say {0} is ${plain} {1}?`,
        `can {0} be found ${plain} {1}?`,
      ],
    },
  }
}
