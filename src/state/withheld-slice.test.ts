import { describe, expect, it } from 'vitest'
import { newId } from '../new-id.ts'
import { withheldNotes } from './withheld-slice.ts'

describe('what is withheld', () => {
  const all = { secure: true, database: null, settings: true } as const

  it('is nothing where everything is as it should be', () => {
    expect(withheldNotes(all)).toEqual([])
  })

  it.each([
    [{ ...all, database: 'absent' }, ['absent']],
    [{ ...all, database: 'absent', settings: false }, ['absentNorSettings']],
    [{ ...all, database: 'blocked' }, ['blocked']],
    [{ ...all, settings: false }, ['settings']],
    [{ ...all, secure: false }, ['insecure']],
    [{ secure: false, database: 'blocked', settings: false }, ['blockedNorSettings', 'insecure']],
  ] as const)('is said in a sentence: %o', (facts, names) => {
    expect(withheldNotes(facts)).toEqual(names.map((name) => ({ key: `shell:withheld.${name}` })))
  })
})

it('ids are UUIDs of version 4, each another', () => {
  const ids = Array.from({ length: 100 }, newId)
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(100)
})
