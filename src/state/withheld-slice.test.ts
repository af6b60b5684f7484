import { describe, expect, it } from 'vitest'
import { newId } from '../new-id.ts'
import { withheldSentences } from './withheld-slice.ts'

describe('what is withheld', () => {
  const all = { secure: true, database: null, settings: true } as const

  it('is nothing where everything is as it should be', () => {
    expect(withheldSentences(all)).toEqual([])
  })

  it.each([
    [{ ...all, database: 'absent' }, [/has no storage for pages: conversations last until it is closed/]],
    [
      { ...all, database: 'blocked', settings: false },
      [/keep nothing \(a private window, .*: conversations and settings last/],
    ],
    [{ ...all, settings: false }, [/keeps no settings/]],
    [{ ...all, secure: false }, [/plain http.*Open it over https/]],
    [{ secure: false, database: 'blocked', settings: false }, [/keep nothing/, /plain http/]],
  ] as const)('is said in a sentence: %o', (facts, patterns) => {
    expect(withheldSentences(facts)).toEqual(
      patterns.map((pattern) => expect.stringMatching(pattern) as string),
    )
  })
})

it('ids are UUIDs of version 4, each another', () => {
  const ids = Array.from({ length: 100 }, newId)
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(100)
})
