import { expect, it } from 'vitest'
import type { LosingCalls, Moment } from '../../testing/engine/losing.ts'
import { connect } from '../protocol/rpc.ts'

const pack = new URL('/models/drawn-scenes/', location.href).href

/** What becomes of a load in a fresh thread that loses its device at a moment. */
async function loadIn(moment: Moment | null): Promise<string | null> {
  const url = new URL('../../testing/engine/losing.worker.ts', import.meta.url)
  const worker = new Worker(url, { type: 'module' })
  try {
    return await connect<LosingCalls>(worker).call('load', { moment, pack })
  } finally {
    worker.terminate()
  }
}

it.each<[string, Moment]>([
  ['the vision encoder is made', { graph: 'vision', at: 'once', count: 0 }],
  ['weights of the vision encoder are sent', { graph: 'vision', at: 'createBuffer', count: 3 }],
  ['Q-Former is made', { graph: 'q-former', at: 'once', count: 0 }],
  ['looking is tried out', { graph: 'q-former', at: 'createShaderModule', count: 2 }],
  ['the decoder is made', { graph: 'decoder', at: 'createBuffer', count: 3 }],
  ['recordings are checked', { graph: 'decoder', at: 'mapAsync', count: 2 }],
  ['the decoder is tried out', { graph: 'decoder', at: 'mapAsync', count: 4 }],
])('A device that goes away while %s fails the load, and a fresh thread loads', async (_, moment) => {
  expect(await loadIn(moment)).toMatch(/^device-lost: /)
  expect(await loadIn(null)).toBe(null)
})
