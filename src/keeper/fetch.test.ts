import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  NEVER_STOPPED,
  openBrowser,
  requestOf,
  serveFiles,
  smallPack,
  until,
  type Browser,
} from '../../testing/keeper/tabs.ts'
import type { FaultServer } from '../../testing/servers/fault-server.ts'
import { sha256Hex } from '../pack/bytes.ts'
import { parseManifest, type PackManifest } from '../pack/manifest.ts'
import type { AddProgress, StoreNews } from '../protocol/keeper-calls.ts'
import { plainNetwork } from '../remote/network.ts'
import { distinctChunks } from '../store/records.ts'
import { modelLock, sumOfBytes } from './keeper-parts.ts'

const closing: FaultServer[] = []
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close()
})

async function serve(changed: Record<string, Uint8Array<ArrayBuffer>> = {}): Promise<FaultServer> {
  const files = await smallPack()
  const manifest = parseManifest(new TextDecoder().decode(files.get('pack.json')))
  for (const [path, bytes] of Object.entries(changed)) {
    files.set(path, bytes)
    const chunk = { bytes: bytes.length, sha256: await sha256Hex(bytes) }
    manifest.files = manifest.files.map((file) =>
      file.path === path ? { path, bytes: bytes.length, chunks: [chunk] } : file,
    )
  }
  files.set('pack.json', new TextEncoder().encode(JSON.stringify(manifest)))
  const server = await serveFiles(files)
  closing.push(server)
  return server
}

/** Of the pack's distinct chunks: two graphs of it are the same bytes. */
async function packBytes(): Promise<number> {
  return sumOfBytes(distinctChunks(await smallManifest()))
}

async function smallManifest(): Promise<PackManifest> {
  return parseManifest(new TextDecoder().decode((await smallPack()).get('pack.json')))
}

/** A server that has sent everything but stalls within the largest file. */
async function stalled(): Promise<{ server: FaultServer; goOn: () => void }> {
  const server = await serve()
  server.fault = (path) => (path === 'decoder.weights' ? { kind: 'stall', after: 1000 } : undefined)
  return { server, goOn: () => (server.fault = () => undefined) }
}

/** Adds what the server has in a new tab, until it hangs. */
async function addUntilStalled(
  browser: Browser,
  server: FaultServer,
  overrides: Parameters<Browser['tab']>[0] = {},
): Promise<{ stop: AbortController; outcome: Promise<unknown>; id: string }> {
  const stop = new AbortController()
  const outcome = browser
    .tab(overrides)
    .add(requestOf(server.origin), { signal: stop.signal })
    .catch((error: unknown) => error)
  const whole = distinctChunks(await smallManifest())
  await until(() => browser.tables.chunks.size === whole.length - 1 && server.sent(/decoder\.weights/) > 0)
  const [id = ''] = browser.tables.records.keys()
  return { stop, outcome, id }
}

describe('fetching a pack', () => {
  it('keeps it whole, tells how far it is, and fetches nothing the second time', async () => {
    const server = await serve()
    const browser = openBrowser()
    const seen: AddProgress[] = []
    const id = await browser
      .tab()
      .add(requestOf(server.origin), { report: (progress) => seen.push(progress) })
    expect(browser.tables.records.get(id)).toMatchObject({ kind: 'pack', complete: true })
    const files = (await smallManifest()).files
    expect(seen.at(-1)).toMatchObject({
      doing: 'fetching',
      name: 'small',
      doneBytes: sumOfBytes(files),
      totalBytes: sumOfBytes(files),
      delay: null,
    })
    const sent = server.sent(/weights|onnx/)
    expect(await browser.tab().add(requestOf(server.origin))).toBe(id)
    expect(server.sent(/weights|onnx/)).toBe(sent)
  })

  it('goes on after a pause with what is left', async () => {
    const { server, goOn } = await stalled()
    const browser = openBrowser()
    const { stop, outcome, id } = await addUntilStalled(browser, server)
    stop.abort()
    expect(await outcome).toMatchObject({ code: 'cancelled' })
    expect(browser.tables.records.get(id)).toMatchObject({ complete: false })
    goOn()
    await browser.tab().add(requestOf(server.origin))
    expect(browser.tables.records.get(id)).toMatchObject({ complete: true })
    expect(server.sent(/weights|onnx|tokenizer/)).toBeLessThanOrEqual((await packBytes()) + 1000)
    expect(browser.tables.parts.size).toBe(0)
  })

  it('goes on after a crash with what was not verified', async () => {
    const { server, goOn } = await stalled()
    const browser = openBrowser()
    const { stop, outcome, id } = await addUntilStalled(browser, server)
    const after = browser.crash()
    stop.abort()
    await outcome
    goOn()
    server.served.length = 0
    const there = [...after.tables.chunks.values()].reduce((sum, { size }) => sum + size, 0)
    await after.tab().add(requestOf(server.origin))
    expect(after.tables.records.get(id)).toMatchObject({ complete: true })
    expect(server.sent(/weights|onnx|tokenizer/)).toBe((await packBytes()) - there)
  })

  it('is begun only when there is room', async () => {
    const server = await serve()
    const browser = openBrowser()
    const tab = browser.tab({
      space: () => Promise.resolve({ usedBytes: 0, freeBytes: 1000, persisted: false }),
    })
    await expect(tab.add(requestOf(server.origin))).rejects.toMatchObject({
      code: 'no-space',
      message: expect.stringContaining('allows 0 MB') as string,
    })
    expect(browser.tables.records.size).toBe(0)
    expect(server.sent(/weights|onnx/)).toBe(0)
  })
})

describe('a pack that fails for good', () => {
  const text = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content)

  it.each<[string, Record<string, Uint8Array<ArrayBuffer>>, RegExp]>([
    [
      'a graph that is none',
      { 'decoder.wasm.onnx': text('<!doctype html>') },
      /decoder\.wasm\.onnx is no ONNX graph/,
    ],
    ['an empty graph', { 'decoder.wasm.onnx': new Uint8Array() }, /decoder\.wasm\.onnx is no ONNX graph/],
    [
      'a tokenizer that is no JSON',
      { 'tokenizer.json': text('{"model": ') },
      /tokenizer\.json is not valid JSON/,
    ],
    [
      'weights that are too short for the graph',
      { 'decoder.weights': new Uint8Array(110_000) },
      /wants more of decoder\.weights/,
    ],
  ])('for %s costs no byte of its weights', async (_, changed, sentence) => {
    const server = await serve(changed)
    const browser = openBrowser()
    await expect(browser.tab().add(requestOf(server.origin))).rejects.toMatchObject({
      code: 'bad-pack',
      message: expect.stringMatching(sentence) as string,
    })
    expect(server.sent(/weights/)).toBe(0)
  })

  it('for a small file that is not there costs no byte of its weights', async () => {
    const server = await serve()
    server.fault = (path) => (path === 'tokenizer.json' ? { kind: 'answer', status: 404 } : undefined)
    await expect(openBrowser().tab().add(requestOf(server.origin))).rejects.toMatchObject({
      code: 'not-found',
    })
    expect(server.sent(/weights/)).toBe(0)
  })

  it('for weights that are not there stops the others at once', async () => {
    const server = await serve()
    server.fault = (path) => {
      if (path === 'vision.weights') return { kind: 'answer', status: 404 }
      return path.endsWith('.weights') ? { kind: 'stall', after: 10 } : undefined
    }
    await expect(openBrowser().tab().add(requestOf(server.origin))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/lacks vision\.weights.*ask whoever offers it/) as string,
    })
  })

  it('for weights that are always damaged is given up after the second time', async () => {
    const server = await serve()
    server.fault = (path) => (path === 'vision.weights' ? { kind: 'flip', at: 9 } : undefined)
    await expect(openBrowser().tab().add(requestOf(server.origin))).rejects.toMatchObject({ code: 'corrupt' })
    expect(server.served.filter(({ path }) => path === 'vision.weights')).toHaveLength(2)
  })
})

describe('two tabs', () => {
  it('fetch a pack once, and the second sees how far the first is', async () => {
    const { server, goOn } = await stalled()
    const browser = openBrowser()
    const { stop, outcome, id } = await addUntilStalled(browser, server)
    const seen: AddProgress[] = []
    const second = browser.tab()
    // It asks for the lock when it listens to the first.
    const locked = vi.spyOn(second.parts.locks, 'exclusive')
    const follower = second.add(requestOf(server.origin), { report: (progress) => seen.push(progress) })
    await until(() => locked.mock.calls.some(([name]) => name === modelLock(id)))
    goOn()
    stop.abort()
    expect(await outcome).toMatchObject({ code: 'cancelled' })
    // The first gave up; the second goes on from there.
    expect(await follower).toBe(id)
    expect(seen.some(({ elsewhere }) => elsewhere)).toBe(true)
    expect(seen.at(-1)).toMatchObject({ elsewhere: false })
    expect(server.sent(/weights|onnx|tokenizer/)).toBeLessThanOrEqual((await packBytes()) + 1000)
  })

  it('hear of each other’s models, until they listen no more', async () => {
    const server = await serve()
    const browser = openBrowser()
    const [first, second] = [browser.tab(), browser.tab()]
    const heard: StoreNews[] = []
    const stop = new AbortController()
    const watching = second.keeper.watch(null, (news) => heard.push(news), stop.signal)
    const id = await first.add(requestOf(server.origin))
    await first.keeper.remove({ id }, () => undefined, NEVER_STOPPED)
    expect(heard.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['progress', 'changed']))
    expect(heard.filter((news) => news.kind === 'progress').at(-1)).toEqual({
      kind: 'progress',
      id,
      progress: null,
    })
    expect(heard.at(-1)).toEqual({ kind: 'changed' })
    stop.abort()
    expect(await watching).toBeNull()
    const before = heard.length
    await first.add(requestOf(server.origin))
    expect(heard).toHaveLength(before)
  })

  it('do not delete what the other is fetching', async () => {
    const { server } = await stalled()
    const browser = openBrowser()
    const { stop, outcome, id } = await addUntilStalled(browser, server)
    const deleting = browser.tab().keeper.remove({ id }, () => undefined, NEVER_STOPPED)
    await expect(deleting).rejects.toMatchObject({ code: 'bad-usage' })
    expect(browser.tables.records.has(id)).toBe(true)
    stop.abort()
    await outcome
  })

  it('without locks let deleting win: no record and no byte comes back', async () => {
    const { server, goOn } = await stalled()
    const browser = openBrowser({ sharedLocks: false })
    const network = plainNetwork({ wait: () => Promise.resolve(), stallMs: 300 })
    const { outcome, id } = await addUntilStalled(browser, server, { network })
    const other = browser.tab()
    await other.keeper.remove({ id }, () => undefined, NEVER_STOPPED)
    goOn()
    expect(await outcome).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('deleted meanwhile') as string,
    })
    expect(browser.tables.records.size).toBe(0)
    await other.parts.store.sweep()
    expect(browser.tables.chunks.size + browser.tables.parts.size).toBe(0)
  })
})
