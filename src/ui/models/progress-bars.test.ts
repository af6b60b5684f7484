import { expect, it } from 'vitest'
import { PART_KINDS } from '../../pack/families.ts'
import { partOf } from './progress-bars.tsx'

it('Every part of every family is called by a name, and other files by their own', () => {
  for (const part of Object.keys(PART_KINDS)) expect(partOf(`${part}.weights`)).toBe(part)
  expect(partOf('other.weights')).toBeNull()
  expect(partOf('toString.weights')).toBeNull()
})
