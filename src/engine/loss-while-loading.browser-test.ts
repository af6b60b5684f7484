import { afterEach, expect, it } from 'vitest'
import type { EngineCalls, LoadProgress } from '../protocol/engine-calls.ts'
import { connect } from '../protocol/rpc.ts'
import type { Moment } from '../../testing/gpu/losing-engine.worker.ts'

let worker: Worker | null = null
afterEach(() => worker?.terminate())

/**
 * What the page does then, Node tests say for every failed load with this code, and one test end to end for a whole page:
 * it ends the thread, and the load goes on in another.
 */
it.each<Moment>([
  { news: 'vision', call: 'createBuffer', count: 3 },
  { news: 'q-former', call: 'createBuffer', count: 3 },
  { news: 'decoder', call: 'createBuffer', count: 3 },
  { news: 'warming-up', call: 'submit', count: 2 },
])('A load fails with the loss of the graphics device that goes away behind $news', async (moment) => {
  worker = new Worker(new URL('../../testing/gpu/losing-engine.worker.ts', import.meta.url), {
    type: 'module',
    name: JSON.stringify(moment),
  })
  const heard: LoadProgress[] = []
  const loading = connect<Pick<EngineCalls, 'load'>>(worker).call(
    'load',
    // A software adapter is not warmed up unless it is asked for.
    {
      pack: { kind: 'web', url: '' },
      prefer: 'webgpu',
      memory: 'auto',
      warmUp: moment.news === 'warming-up',
    },
    { onEvent: (progress) => void heard.push(progress) },
  )
  await expect(loading).rejects.toMatchObject({ code: 'device-lost' })
  const last = heard.at(-1)
  expect(last?.stage === 'preparing' ? last.graph : last?.stage).toBe(moment.news)
})
