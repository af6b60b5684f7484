/** What a page and its threads hold once the garbage is collected, as Chromium's inspector tells it. */
import type { CDPSession, Page } from 'puppeteer-core'
import type { Sample } from './verdict.ts'

/** Kinds of objects that are counted; those that tensors and pictures consist of are weighed, too. */
const COUNTED = ['Blob', 'ArrayBuffer', 'Worker', 'MessagePort', 'ImageBitmap'] as const

/** One sample over the page and its threads; threads of one kind are taken together. */
export async function sampleOf(page: Page): Promise<Sample> {
  const session = await page.createCDPSession()
  try {
    const sample: Sample = { 'the page: threads': page.workers().length }
    Object.assign(sample, named('the page', await heapOf(session)))
    const { nodes, jsEventListeners, documents } = await session.send('Memory.getDOMCounters')
    Object.assign(sample, named('the page', { nodes, listeners: jsEventListeners, documents }))
    for (const worker of page.workers()) {
      const kind = /(\w+)\.worker/.exec(worker.url())?.[1] ?? 'another'
      for (const [what, value] of Object.entries(named(`thread ${kind}`, await heapOf(worker.client))))
        sample[what] = (sample[what] ?? 0) + value
    }
    return sample
  } finally {
    await session.detach()
  }
}

const named = (whose: string, sample: Sample): Sample =>
  Object.fromEntries(Object.entries(sample).map(([what, value]) => [`${whose}: ${what}`, value]))

async function heapOf(session: CDPSession): Promise<Sample> {
  // Twice: what a finaliser lets go of at the first time is collected at the second.
  for (let time = 0; time < 2; time += 1) await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  const sample: Sample = { 'heap in bytes': usedSize }
  for (const kind of COUNTED) sample[kind] = await sum(session, kind, 'objects.length')
  const bytes = 'objects.reduce((sum, { byteLength }) => sum + byteLength, 0)'
  sample['ArrayBuffers in bytes'] = await sum(session, 'ArrayBuffer', bytes)
  const pages = 'objects.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)'
  sample['WebAssembly in bytes'] = await sum(session, 'WebAssembly.Memory', pages)
  // What this itself holds on to.
  await session.send('Runtime.releaseObjectGroup', { objectGroup: GROUP })
  return sample
}

const GROUP = 'soak'

/** A number worked out over all live objects of a kind: 0 where there is no such kind. */
async function sum(session: CDPSession, kind: string, expression: string): Promise<number> {
  const { result: prototype } = await session.send('Runtime.evaluate', {
    expression: `typeof ${kind.split('.')[0] ?? kind} === 'undefined' ? null : ${kind}.prototype`,
    objectGroup: GROUP,
  })
  if (prototype.objectId === undefined) return 0
  const { objects } = await session.send('Runtime.queryObjects', {
    prototypeObjectId: prototype.objectId,
    objectGroup: GROUP,
  })
  if (objects.objectId === undefined) return 0
  const { result } = await session.send('Runtime.callFunctionOn', {
    functionDeclaration: `function () { const objects = this; return ${expression} }`,
    objectId: objects.objectId,
    returnByValue: true,
  })
  return Number(result.value)
}
