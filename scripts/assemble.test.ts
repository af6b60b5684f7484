import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { assembled, GENERATED } from './assemble.ts'

it('what ships is assembled of the text beside it', async () => {
  expect(readFileSync(GENERATED, 'utf8')).toBe(await assembled())
})
