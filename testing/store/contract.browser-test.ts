import { describe, expect, it } from 'vitest'
import { storageProblem } from '../../src/store/indexed-db.ts'
import { contract, freshName } from './contract.ts'
import { storeOfBrowser } from './store-under-test.ts'

describe('In Chromium', () => {
  it('IndexedDB works', async () => {
    expect(await storageProblem()).toBeNull()
  })

  it.each(contract)('$name', async ({ holds }) => {
    await holds(storeOfBrowser, freshName())
  })
})
