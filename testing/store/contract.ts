/**
 * What the store promises, as one suite that every implementation passes: memory in Node, IndexedDB, Web Locks and
 * BroadcastChannel in each browser, in the page and in a worker. It needs no test runner, so that it runs in any page.
 */
import { channelContract, lockContract } from './lock-contract.ts'
import { conversationContract, packContract } from './pack-contract.ts'
import { inTime, type Contract, type StoreUnderTest } from './store-under-test.ts'
import { tableContract } from './table-contract.ts'

export interface Case {
  name: string
  holds: Contract[string]
}

const titled = (subject: string, contract: Contract): Case[] =>
  Object.entries(contract).map(([name, holds]) => ({
    name: `${subject} ${name}`,
    holds: (store, own) => inTime(holds(store, own)),
  }))

export const contract: Case[] = [
  ...titled('a table', tableContract),
  ...titled('locks', lockContract),
  ...titled('channels', channelContract),
  ...titled('a pack', packContract),
  ...titled('conversations', conversationContract),
]

let names = 0

/** A name that nobody uses, in this browser's profile either. */
export function freshName(): string {
  return `pictalk-contract-${Date.now()}-${Math.random()}-${(names += 1)}`
}

export interface Outcome {
  name: string
  /** Why it does not hold; null when it does. */
  failure: string | null
}

/** Tries every case, one after the other. */
export async function tryContract(store: StoreUnderTest): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const { name, holds } of contract) {
    try {
      await holds(store, freshName())
      outcomes.push({ name, failure: null })
    } catch (error) {
      outcomes.push({ name, failure: String(error) })
    }
  }
  return outcomes
}
