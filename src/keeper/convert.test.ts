import { afterEach, describe, expect, it } from 'vitest'
import {
  CHECKPOINT,
  NEVER_STOPPED,
  openBrowser,
  requestOf,
  until,
  type Browser,
} from '../../testing/keeper/tabs.ts'
import { startHubServer, type HubServer } from '../../testing/servers/hub-server.ts'
import type { AddProgress, AddRequest } from '../protocol/keeper-calls.ts'

const closing: HubServer[] = []
afterEach(async () => {
  for (const hub of closing.splice(0)) await hub.close()
})

async function startHub(): Promise<{ hub: HubServer; request: AddRequest }> {
  const hub = await startHubServer({ 'a/b': CHECKPOINT })
  closing.push(hub)
  return { hub, request: requestOf('a/b', { hub: hub.url }) }
}

/** Converts in a new tab until `vision.weights` is written, and holds the server there. */
async function convertHalf(
  browser: Browser,
  { hub, request }: { hub: HubServer; request: AddRequest },
): Promise<{ stop: AbortController; outcome: Promise<unknown>; id: string; goOn: () => void }> {
  let goOn = (): void => undefined
  const held = new Promise<void>((resolve) => (goOn = resolve))
  const written = (): boolean =>
    [...browser.tables.records.values()].some(
      (one) => one.kind === 'conversion' && 'vision.weights' in one.files,
    )
  hub.files.hold = () => (written() ? held : Promise.resolve())
  const stop = new AbortController()
  const outcome = browser
    .tab()
    .add(request, { signal: stop.signal })
    .catch((error: unknown) => error)
  await until(written)
  const [id = ''] = browser.tables.records.keys()
  return { stop, outcome, id, goOn }
}

describe('converting a checkpoint', () => {
  it('leaves one whole pack, and says how far it is in bytes that add up', async () => {
    const { request } = await startHub()
    const browser = openBrowser()
    const seen: AddProgress[] = []
    const id = await browser.tab().add(request, { report: (progress) => seen.push(progress) })
    expect([...browser.tables.records.values()]).toMatchObject([
      { id, kind: 'pack', complete: true, origin: { converted: 'q8', asked: 'hub:a/b@main' } },
    ])
    expect(seen.at(-1)).toMatchObject({ doing: 'converting', name: 'b', elsewhere: false })
    for (const { doneBytes, totalBytes, parts } of seen) {
      expect(doneBytes).toBeLessThanOrEqual(totalBytes)
      expect(parts.reduce((sum, part) => sum + part.totalBytes, 0)).toBe(totalBytes)
    }
    expect(seen.at(-1)?.doneBytes).toBe(seen.at(-1)?.totalBytes)
  })

  it('goes on after it was cancelled, and after a crash, to the same pack', async () => {
    const { hub, request } = await startHub()
    const browser = openBrowser()
    const { stop, outcome, id, goOn } = await convertHalf(browser, { hub, request })
    const crashed = browser.crash()
    stop.abort()
    goOn()
    expect(await outcome).toMatchObject({ code: 'cancelled' })
    expect(browser.tables.records.get(id)?.kind).toBe('conversion')
    hub.files.served.length = 0
    const resumed = await browser.tab().add(request)
    const rest = hub.files.sent(/safetensors/)
    hub.files.served.length = 0
    expect(await crashed.tab().add(request)).toBe(resumed)
    hub.files.served.length = 0
    expect(await openBrowser().tab().add(request)).toBe(resumed)
    expect(rest).toBeLessThan(hub.files.sent(/safetensors/))
    expect([...browser.tables.records.keys()]).toEqual([resumed])
  })

  it('is seen by other tabs while it is under way', async () => {
    const hub = await startHub()
    const browser = openBrowser()
    const other = browser.tab()
    const seen: boolean[] = []
    other.parts.channel.listen((news) => {
      if (news.kind === 'changed')
        void other.keeper
          .list(null, () => undefined, NEVER_STOPPED)
          .then(({ models }) => seen.push(...models.map(({ complete }) => complete)))
    })
    const { outcome, goOn } = await convertHalf(browser, hub)
    await until(() => seen.length > 0)
    expect(seen).toEqual([false])
    goOn()
    expect(await outcome).toEqual(expect.any(String))
    await until(() => seen.length > 1)
    expect(seen).toEqual([false, true])
  })

  it('is not done twice', async () => {
    const { hub, request } = await startHub()
    const browser = openBrowser()
    const id = await browser.tab().add(request)
    hub.files.served.length = 0
    expect(await browser.tab().add(request)).toBe(id)
    expect(hub.files.sent(/safetensors/)).toBe(0)
  })

  it('says why nothing comes from the server', async () => {
    const { hub, request } = await startHub()
    let refused = 0
    hub.files.fault = (path) => {
      if (!path.endsWith('.safetensors') || openings < 4 || refused > 0) return undefined
      refused += 1
      return { kind: 'answer', status: 503, headers: { 'retry-after': '3' } }
    }
    let openings = 0
    hub.files.hold = () => Promise.resolve(void (openings += 1))
    const delays: AddProgress['delay'][] = []
    await openBrowser()
      .tab()
      .add(request, { report: ({ delay }) => delays.push(delay) })
    expect(refused).toBe(1)
    const message: unknown = expect.stringContaining('is busy (503)')
    expect(delays).toContainEqual({ failure: { code: 'busy', message }, seconds: 3 })
    expect(delays.at(-1)).toBeNull()
  })

  it('is deleted for good by a tab that knows no locks of others', async () => {
    const hub = await startHub()
    const browser = openBrowser({ sharedLocks: false })
    const { outcome, id, goOn } = await convertHalf(browser, hub)
    const other = browser.tab()
    await other.keeper.remove({ id }, () => undefined, NEVER_STOPPED)
    goOn()
    expect(await outcome).toMatchObject({ code: 'not-found' })
    expect(browser.tables.records.size).toBe(0)
    await other.parts.store.sweep()
    expect(browser.tables.chunks.size).toBe(0)
  })

  it('needs room for what is not written yet', async () => {
    const { request } = await startHub()
    const tab = openBrowser().tab({
      space: () => Promise.resolve({ usedBytes: 0, freeBytes: 1000, persisted: false }),
    })
    await expect(tab.add(request)).rejects.toMatchObject({ code: 'no-space' })
  })
})
