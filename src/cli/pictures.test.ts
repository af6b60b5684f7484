import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { faultOf, TABLE } from '../../testing/pictures/table.ts'
import { decodeImage } from './decode-image.ts'

it.each(TABLE)('takes %s as Pillow does', async (name, expectation) => {
  const file = Uint8Array.from(readFileSync(`testing/pictures/files/${name}`))
  expect(await faultOf(file, expectation, decodeImage)).toBeNull()
})

it('holds files of every kind', () => {
  expect(TABLE.length).toBeGreaterThan(400)
})
