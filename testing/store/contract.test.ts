import { describe, it } from 'vitest'
import { contract, freshName } from './contract.ts'
import { storeInMemory, storeRefusingBlobs } from './store-under-test.ts'

describe('In memory', () => {
  it.each(contract)('$name', async ({ holds }) => {
    await holds(storeInMemory(), freshName())
  })
})

describe('Where databases refuse Blobs', () => {
  it.each(contract)('$name', async ({ holds }) => {
    await holds(storeRefusingBlobs(), freshName())
  })
})
