/** A page and its threads as Chromium's protocol sees them: what they hold once everything that nobody needs is gone. */
import type { CDPSession, Page, WebWorker } from 'puppeteer-core'
import type { Census } from './growth.ts'
import type { Inside, InsideEngine, InsidePage } from './inside.ts'

/** Measured after each thread has collected its garbage; bytes, or how many. */
export type Measured = Record<string, number>

export class Threads {
  readonly #page: Page
  readonly #session: CDPSession

  private constructor(page: Page, session: CDPSession) {
    this.#page = page
    this.#session = session
  }

  static async of(page: Page): Promise<Threads> {
    return new Threads(page, await page.createCDPSession())
  }

  /** The thread of the model. */
  get engine(): WebWorker {
    const engine = this.#page.workers().find((worker) => worker.url().includes('engine.worker'))
    if (engine === undefined) throw new Error('The page has no engine.')
    return engine
  }

  async measure(): Promise<Measured> {
    const { engine } = this
    const [inPage, inEngine] = [await heapOf(this.#session), await heapOf(engine.client)]
    const { nodes, jsEventListeners } = await this.#session.send('Memory.getDOMCounters')
    const counted = await engine.evaluate(() => {
      const { soakInside } = globalThis as unknown as Inside<InsideEngine>
      return [soakInside.tensors(), soakInside.gpuBuffers(), soakInside.wasmBytes()]
    })
    const [tensors = 0, gpuBuffers = 0, wasmBytes = 0] = counted
    return {
      'heap of the page': inPage.usedSize,
      'array buffers of the page': inPage.backingStorageSize,
      'objects of the browser in the page': inPage.embedderHeapUsedSize,
      'heap of the engine': inEngine.usedSize,
      'array buffers of the engine': inEngine.backingStorageSize,
      'objects of the browser in the engine': inEngine.embedderHeapUsedSize,
      'memories of WebAssembly': wasmBytes,
      tensors,
      'buffers on the graphics device': gpuBuffers,
      'DOM nodes': nodes,
      'event listeners': jsEventListeners,
      'object URLs': await this.#page.evaluate(() =>
        (globalThis as unknown as Inside<InsidePage>).soakInside.objectUrls(),
      ),
      threads: this.#page.workers().length,
    }
  }

  /** How many objects of each class the page and the engine hold. */
  async census(): Promise<Census> {
    const [page, engine] = [await censusOf(this.#session), await censusOf(this.engine.client)]
    const named = (census: Census, where: string): [string, number][] =>
      [...census].map(([name, count]) => [`${name} in the ${where}`, count])
    return new Map([...named(page, 'page'), ...named(engine, 'engine')])
  }
}

interface Heap {
  usedSize: number
  embedderHeapUsedSize: number
  backingStorageSize: number
}

/** What a collection lets go of (finalisers, objects of the browser) lets go of more, and some of that in a later task. */
const COLLECTIONS = 4

/** A heap once further collections find next to nothing in it. */
async function heapOf(session: CDPSession): Promise<Heap> {
  let least: Heap | undefined
  for (let times = 0; times < COLLECTIONS; times += 1) {
    await session.send('HeapProfiler.collectGarbage')
    // Older protocols than the browser's leave out what is outside the heap.
    const heap = (await session.send('Runtime.getHeapUsage')) as { usedSize: number } & Partial<Heap>
    const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = heap
    least = {
      usedSize: Math.min(usedSize, least?.usedSize ?? Infinity),
      embedderHeapUsedSize: Math.min(embedderHeapUsedSize, least?.embedderHeapUsedSize ?? Infinity),
      backingStorageSize: Math.min(backingStorageSize, least?.backingStorageSize ?? Infinity),
    }
    await session.send('Runtime.evaluate', {
      expression: 'new Promise((resolve) => setTimeout(resolve, 20))',
      awaitPromise: true,
    })
  }
  return least ?? { usedSize: 0, embedderHeapUsedSize: 0, backingStorageSize: 0 }
}

/** The part of a heap snapshot (V8's own format) that says what kind of object each node is, and how it is called. */
interface Snapshot {
  snapshot: { meta: { node_fields: string[]; node_types: [string[], ...unknown[]] } }
  nodes: number[]
  strings: string[]
}

/** Of JavaScript and of the browser; strings, numbers and code come and go. */
const COUNTED = ['object', 'native', 'closure']
/** What the browser notes of its own accord about speed, up to some hundred entries, and what V8 needs for functions. */
const THE_BROWSERS_OWN = /Performance|LayoutShift|DOMRectReadOnly|Timing|^native system \//

async function censusOf(session: CDPSession): Promise<Census> {
  const pieces: string[] = []
  const hear = ({ chunk }: { chunk: string }): void => void pieces.push(chunk)
  session.on('HeapProfiler.addHeapSnapshotChunk', hear)
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  session.off('HeapProfiler.addHeapSnapshotChunk', hear)
  const { snapshot, nodes, strings } = JSON.parse(pieces.join('')) as Snapshot
  const { node_fields: fields, node_types: types } = snapshot.meta
  const [kind, name] = [fields.indexOf('type'), fields.indexOf('name')]
  const census = new Map<string, number>()
  for (let at = 0; at < nodes.length; at += fields.length) {
    const type = types[0][nodes[at + kind] ?? 0] ?? ''
    if (!COUNTED.includes(type)) continue
    const called = `${type} ${strings[nodes[at + name] ?? 0] ?? ''}`
    if (THE_BROWSERS_OWN.test(called)) continue
    census.set(called, (census.get(called) ?? 0) + 1)
  }
  return census
}
