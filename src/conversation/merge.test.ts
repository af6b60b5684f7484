import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnswerState, Turn } from './conversation.ts'
import {
  toKept,
  toShown,
  withFinal,
  withoutTab,
  withRemoval,
  withUndone,
  type KeptConversation,
} from './kept.ts'
import { isSame, merge } from './merge.ts'

const facts = { finish: 'end', lookMs: 0, prefillMs: 0, decodeMs: 0, prefilled: 0, dropped: 0 } as const

const done = (text: string): AnswerState => ({ status: 'done', text, tokenIds: [], answers: [], facts })
const waiting = (tab: string): AnswerState => ({ status: 'waiting', tab })

function turn(id: string, parent: string | null, answer: AnswerState = done(id)): Turn {
  return { id, parent, question: parent === null ? null : id, answers: { p: answer } }
}

function conversation(...turns: Turn[]): KeptConversation {
  return toKept({ id: 'c', changedAt: 1, pictures: [{ id: 'p', name: 'p.png' }], turns, chosen: {} })
}

const names = (kept: KeptConversation): string[] | undefined => toShown(kept)?.turns.map(({ id }) => id)

const removal = (id: string, turns: Turn[] | null, tab = 'one'): Parameters<typeof withRemoval>[1] => ({
  id,
  tab,
  status: 'undoable',
  turns: turns?.map((one) => ({ id: one.id, parent: one.parent })) ?? null,
})

describe('two versions of a conversation', () => {
  const [first, left, right] = [turn('a', null), turn('b', 'a'), turn('c', 'a')]

  it('have the turns of both, those that were kept first', () => {
    const both = merge(conversation(first, left), conversation(first, right))
    expect(names(both)).toEqual(['a', 'b', 'c'])
    expect(both.turns[2]).toBe(right)
  })

  it('are the same objects where the other adds nothing', () => {
    const mine = conversation(first, left)
    expect(isSame(merge(structuredClone(mine), mine), mine)).toBe(true)
    expect(isSame(merge(conversation(first), mine), mine)).toBe(true)
    expect(isSame(merge(conversation(first, left, right), mine), mine)).toBe(false)
  })

  it.each<[string, AnswerState, AnswerState]>([
    ['a finished answer over one that waits', done('x'), waiting('t')],
    [
      'a finished answer over one that was given up',
      done('x'),
      { status: 'failed', text: 'half', failure: { code: 'cancelled', message: '' } },
    ],
    ['a newer try over a finished older one', { ...waiting('t'), attempt: 1 }, done('x')],
    ['one and the same of two that are as far', done('y'), done('x')],
  ])('have %s', (_, later, earlier) => {
    const [a, b] = [conversation(turn('a', null, later)), conversation(turn('a', null, earlier))]
    for (const both of [merge(a, b), merge(b, a)]) expect(both.turns[0]?.answers).toEqual({ p: later })
  })

  it('have what either removed removed, and show what followed it where it stood', () => {
    const mine = withRemoval(conversation(first, left), removal('r', [left]))
    const theirs = conversation(first, left, turn('d', 'b'))
    for (const both of [merge(mine, theirs), merge(theirs, mine)]) {
      expect(toShown(both)?.turns.map(({ id, parent }) => [id, parent])).toEqual([
        ['a', null],
        ['d', 'a'],
      ])
      expect(names(withUndone(both, 'r'))).toEqual(['a', 'b', 'd'])
    }
  })

  it('lift one removal and leave another that took the same', () => {
    const both = merge(
      withRemoval(conversation(first, left), removal('one', [left])),
      withRemoval(conversation(first, left), removal('two', [left], 'two')),
    )
    const lifted = withUndone(both, 'one')
    expect(names(lifted)).toEqual(['a'])
    expect(names(withUndone(lifted, 'two'))).toEqual(['a', 'b'])
  })

  it('do not bring back what was removed for good, unless whoever undid it still had it', () => {
    const stale = conversation(first, left)
    const mine = withRemoval(stale, removal('r', [left]))
    const final = withFinal(mine, 'r')
    expect(final.turns).toEqual([first])
    expect(merge(final, stale).turns).toEqual([first])
    expect(names(merge(final, withUndone(mine, 'r')))).toEqual(['a', 'b'])
    expect(withFinal(withRemoval(stale, removal('all', null)), 'all')).toMatchObject({
      pictures: [],
      turns: [],
    })
  })

  it('let a page that is gone write nothing more and undo nothing more', () => {
    const kept = withRemoval(
      conversation(turn('a', null, waiting('one')), left, right),
      removal('r', [right]),
    )
    expect(withoutTab(kept, 'two')).toBe(kept)
    const after = withoutTab(kept, 'one')
    expect(after.turns.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(after.turns[0]?.answers['p']).toMatchObject({ status: 'failed', failure: { code: 'cancelled' } })
  })
})

/**
 * Versions that can have come from one beginning: turns never change but for their answers, and whoever undid a removal
 * still has what it took.
 */
const versions = (ended: 'undone' | 'final'): fc.Arbitrary<KeptConversation> =>
  fc
    .record({
      turns: fc.uniqueArray(fc.nat({ max: 6 }), { maxLength: 5 }),
      settled: fc.array(fc.nat({ max: 6 })),
      attempts: fc.array(fc.nat({ max: 1 }), { minLength: 7, maxLength: 7 }),
      removed: fc.uniqueArray(fc.nat({ max: 3 }), { maxLength: 3 }),
      status: fc.constantFrom('undoable', ended),
      chosen: fc.nat({ max: 2 }),
      photograph: fc.option(fc.boolean(), { nil: undefined }),
    })
    .map(({ turns, settled, attempts, removed, status, chosen, photograph }) => {
      const of = (n: number): Turn => {
        const answer = settled.includes(n) ? done(`answer ${n}`) : waiting(`tab ${n}`)
        return turn(`t${n}`, n === 0 ? null : `t${n >> 1}`, { ...answer, attempt: attempts[n] ?? 0 })
      }
      return {
        ...conversation(...turns.map(of)),
        pictures: [{ id: 'p', name: 'p.png', ...(photograph !== undefined && { photograph }) }],
        chosen: { t0: { turn: `t${chosen}`, after: chosen } },
        removals: removed.map((n) => ({ ...removal(`r${n}`, n === 3 ? null : [of(n)]), status })),
      }
    })

/** In an order of its own, for whichever way it was merged. */
function sorted({ turns, removals, ...rest }: KeptConversation): unknown {
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1)
  return { ...rest, turns: turns.toSorted(byId), removals: removals.toSorted(byId) }
}

describe('merging', () => {
  it.each(['undone', 'final'] as const)(
    'comes to the same, whoever merges with whom, in which order and how often, with removals that are %s',
    (ended) => {
      const one = versions(ended)
      fc.assert(
        fc.property(one, one, one, (a, b, c) => {
          expect(sorted(merge(a, b))).toEqual(sorted(merge(b, a)))
          const all = merge(merge(a, b), c)
          expect(sorted(all)).toEqual(sorted(merge(a, merge(b, c))))
          expect(sorted(merge(all, a))).toEqual(sorted(all))
        }),
        { numRuns: 300 },
      )
    },
  )
})
