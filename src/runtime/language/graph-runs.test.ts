import { afterEach, expect, it } from 'vitest'
import { AppError } from '../../pack/failure.ts'
import { decoder as treaty } from '../../pack/parts.ts'
import { openCompute } from '../device/open-compute.ts'
import { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import { disposeTensors, liveTensorCount, type DeviceTensor } from '../ort/tensor.ts'
import type { DecoderRun } from './decoder-parts.ts'
import { GraphRuns, type Recording } from './graph-runs.ts'
import type { KvCache } from './kv-cache.ts'
import type { OneTokenStep } from './one-token-step.ts'

/** What was done, in order. */
let done: string[] = []
let queries: DeviceTensor | null = null
afterEach(() => {
  done = []
  if (queries !== null) disposeTensors({ queries })
  queries = null
  expect(liveTensorCount()).toBe(0)
})

// Nothing of these is read here.
const CACHE = { past: () => ({}), into: () => ({}), keep: () => undefined } as unknown as KvCache

function session(runtime: Runtime, name: string): Session {
  const fake = {
    records: false,
    run: () => {
      done.push(`run ${name}`)
      return Promise.resolve({
        [treaty.output.logits]: runtime.tensor('float32', Float32Array.of(1), [1, 1]),
      })
    },
    dispose: () => {
      done.push(`dispose ${name}`)
      return Promise.resolve()
    },
  }
  return fake as unknown as Session
}

interface Opened {
  runs: GraphRuns
  prompt: DecoderRun
  token: DecoderRun
}

async function open(
  comesOutRight: Recording['comesOutRight'],
  openPlain: (made: Session) => Promise<Session> = (made) => Promise.resolve(made),
): Promise<Opened> {
  const runtime = await Runtime.open(await openCompute('wasm'))
  queries = runtime.tensor('float32', new Float32Array(4), [1, 1, 4])
  const step = {
    run: () => {
      done.push('step')
      return Promise.resolve(Float32Array.of(2))
    },
    dispose: () => done.push('dispose step'),
  } as unknown as OneTokenStep
  const recording: Recording = {
    step,
    comesOutRight: () => {
      done.push('check')
      return comesOutRight()
    },
    openPlain: () => {
      done.push('open plain')
      return openPlain(session(runtime, 'plain'))
    },
  }
  const base = { queries, batch: 1, past: [0], logitRows: [0] }
  return {
    runs: new GraphRuns(runtime, session(runtime, 'recordable'), recording),
    prompt: { ...base, tokens: [1], rows: [0, 1] },
    token: { ...base, tokens: [1], rows: [1] },
  }
}

it('Nothing is found out about recordings before the first step of one token, and then once', async () => {
  const { runs, prompt, token } = await open(() => Promise.resolve(true))
  await runs.run(CACHE, prompt)
  expect(done).toEqual(['run recordable'])
  expect(runs.records).toBeNull()
  await Promise.all([runs.run(CACHE, token), runs.run(CACHE, token)])
  await runs.run(CACHE, token)
  expect(done).toEqual(['run recordable', 'check', 'step', 'step', 'step'])
  expect(runs.records).toBe(true)
  await runs.dispose()
  expect(done.slice(-2)).toEqual(['dispose step', 'dispose recordable'])
})

it('What warms up finds it out before the first step', async () => {
  const { runs, token } = await open(() => Promise.resolve(true))
  await runs.checkRecording()
  await runs.run(CACHE, token)
  await runs.checkRecording()
  expect(done).toEqual(['check', 'step'])
  await runs.dispose()
})

it('No step is replayed where recordings come out otherwise; of the two sessions one is there at a time', async () => {
  const { runs, prompt, token } = await open(() => Promise.resolve(false))
  await Promise.all([runs.run(CACHE, token), runs.run(CACHE, prompt)])
  await runs.run(CACHE, token)
  expect(done).toEqual([
    ...['check', 'dispose step', 'dispose recordable', 'open plain'],
    ...['run plain', 'run plain', 'run plain'],
  ])
  expect(runs.records).toBe(false)
  await runs.dispose()
  expect(done.at(-1)).toBe('dispose plain')
})

it('Where no memory is left to find it out, steps run plainly until there is', async () => {
  const fates = [
    () => Promise.reject(new AppError('out-of-memory', 'none left')),
    () => Promise.resolve(true),
  ]
  const { runs, token } = await open(() => fates.shift()?.() ?? Promise.resolve(false))
  await runs.run(CACHE, token)
  expect(runs.records).toBeNull()
  await runs.run(CACHE, token)
  expect(runs.records).toBe(true)
  expect(done).toEqual(['check', 'run recordable', 'check', 'step'])
  await runs.dispose()
})

it('What else goes wrong is heard by who wanted the step', async () => {
  const { runs, token } = await open(() => Promise.reject(new AppError('device-lost', 'gone')))
  await expect(runs.run(CACHE, token)).rejects.toMatchObject({ code: 'device-lost' })
  expect(done).toEqual(['check'])
  await runs.dispose()
})

it('A session that could not be opened in place of the first is asked for again', async () => {
  const fates = [() => Promise.reject(new AppError('network', 'cut off'))]
  const { runs, token } = await open(
    () => Promise.resolve(false),
    (made) => fates.shift()?.() ?? Promise.resolve(made),
  )
  await expect(runs.run(CACHE, token)).rejects.toMatchObject({ code: 'network' })
  await Promise.all([runs.run(CACHE, token), runs.run(CACHE, token)])
  expect(done.slice(done.indexOf('open plain'))).toEqual([
    ...['open plain', 'open plain', 'run plain', 'run plain'],
  ])
  await runs.dispose()
})

it('A decoder that is let go of while the other session is opened lets go of that one as well', async () => {
  let opened: () => void = () => undefined
  const fates = [
    () => Promise.reject(new AppError('network', 'cut off')),
    () => new Promise<void>((resolve) => (opened = resolve)),
  ]
  const { runs, prompt, token } = await open(
    () => Promise.resolve(false),
    async (made) => {
      await fates.shift()?.()
      return made
    },
  )
  await expect(runs.run(CACHE, token)).rejects.toMatchObject({ code: 'network' })
  const answer = runs.run(CACHE, prompt)
  const gone = runs.dispose()
  opened()
  await Promise.all([answer, gone])
  expect(done).toContain('dispose plain')
})

it('A decoder that is let go of while it finds out waits for that', async () => {
  let found: (right: boolean) => void = () => undefined
  const { runs, token } = await open(() => new Promise((resolve) => (found = resolve)))
  const step = runs.run(CACHE, token)
  const gone = runs.dispose().then(() => done.push('gone'))
  await Promise.resolve()
  expect(done).toEqual(['check'])
  found(true)
  await Promise.all([step, gone])
  expect(done).toEqual(expect.arrayContaining(['dispose recordable', 'gone']))
})
