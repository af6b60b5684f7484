import { describe, expect, it } from 'vitest'
import { seededRandom } from './random.ts'
import { FORMS, inFewWords, inOtherWords, plainly, templatesOf, WORDINGS, type Wording } from './wordings.ts'

type Form = (typeof FORMS)[number]

const SLOTS = ['the cat', 'the box'] as const

/** Some of what a form can become. */
function some(form: Form, wording: Wording, slots: readonly string[]): string[] {
  const random = seededRandom(1)
  return Array.from({ length: 200 }, () =>
    wording === 'plain' ? plainly(random, form, slots) : inOtherWords(random, form, slots, wording),
  )
}

/** All that a template can become: alternatives are written alike in both, everything else stands for itself. */
function pattern(template: string): RegExp {
  return new RegExp(`^${template.replace(/[?{}.]/g, '\\$&')}$`)
}

describe.each(FORMS)('wordings of %s', (form) => {
  it('that are measured with are never trained with', () => {
    const trained = [...templatesOf(form, 'plain'), ...templatesOf(form, 'varied')].map(pattern)
    const gaps = ['{0}', '{1}']
    for (const known of some(form, 'varied', gaps))
      expect(
        trained.some((one) => one.test(known)),
        known,
      ).toBe(true)
    for (const unseen of some(form, 'unseen', gaps))
      expect(
        trained.some((one) => one.test(unseen)),
        unseen,
      ).toBe(false)
  })

  it('leave no gap, no bracket and no double space', () => {
    for (const wording of WORDINGS)
      for (const question of [inFewWords(form, SLOTS), ...some(form, wording, SLOTS)])
        expect(question).toMatch(/^[a-z][a-z',]*( I| [a-z',]+)*\??$/)
  })

  it('name in every case what a plain one names', () => {
    const named = (question: string): string => SLOTS.filter((slot) => question.includes(slot)).join()
    const wanted = new Set(some(form, 'plain', SLOTS).map(named))
    for (const wording of WORDINGS)
      for (const question of some(form, wording, SLOTS))
        expect(wanted.has(named(question)), question).toBe(true)
  })
})
