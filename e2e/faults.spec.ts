/**
 * Servers that misbehave on cue, against downloads in a real browser. In each case: nothing that was verified is fetched
 * twice, nothing unverified is kept, and the page says in one sentence what happened. The counts go to the report.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { TestInfo } from '@playwright/test'
import { seededRandom } from '../src/scenes/random.ts'
import { startFaultServer, type Fault, type FaultServer } from '../testing/servers/fault-server.ts'
import { expect } from './fixtures.ts'
import { hurryFetching } from './threads.ts'
import { PACK, PACK_FILES, read, storeOf, test, type Models } from './model-fixtures.ts'

const TOTAL_BYTES = PACK_FILES.reduce((sum, path) => sum + statSync(join(PACK, path)).size, 0)
const WEIGHTS = 'vision.weights'
/** What a client's own buffers may swallow when a connection ends under it. */
const UNSEEN_BYTES = 2 ** 16

interface Count {
  fault: string
  /** See `bytesBeyond`. */
  beyond: number
  requests: number
  outcome: string
}

function hashOf(path: string): string {
  return createHash('sha256')
    .update(readFileSync(join(PACK, path)))
    .digest('hex')
}

/** Files that were sent to their end, as often as they were. */
function deliveries({ served }: FaultServer): string[] {
  const whole = served.filter(({ path, start, sent }) => {
    const size = PACK_FILES.includes(path) ? statSync(join(PACK, path)).size : NaN
    return start + sent === size
  })
  return whole.map(({ path }) => path).sort()
}

/** Bytes of the pack's files that were sent beyond one copy of each. */
function bytesBeyond(server: FaultServer): number {
  return server.sent() - server.sent(/^pack\.json$/) - TOTAL_BYTES
}

/** Adds the server's pack, and says what the page says then. */
async function add(models: Models, server: FaultServer): Promise<string> {
  await models.look(server.origin)
  await models.accept('Download')
  const { model } = models.app
  const kept = model.getByText('works without a connection')
  const failure = model.getByText(/ (network|stalled|busy|forbidden|bad-response|not-found|corrupt)$/)
  const outcome = kept.or(failure).first()
  await expect(outcome).toBeVisible()
  return outcome.innerText()
}

async function forget({ page, app }: Models): Promise<void> {
  await page.getByRole('button', { name: /^Delete/ }).click()
  await page.getByRole('button', { name: /^Really delete/ }).click()
  await expect.poll(() => storeOf(page)).toEqual({ packs: [], chunks: {} })
  await expect(app.model.getByText('works without a connection')).toHaveCount(0)
}

/** Puts the counts where the test report lists them. */
async function report(info: TestInfo, counts: Count[]): Promise<void> {
  info.annotations.push(...counts.map((count) => ({ type: 'fault', description: JSON.stringify(count) })))
  await info.attach('counts', { body: JSON.stringify(counts), contentType: 'application/json' })
}

/** Adds the pack under each fault in turn, always to an empty store, and reports what each cost. */
async function underEach<Expectation>(
  faults: readonly (readonly [string, FaultServer['fault'], Expectation])[],
  { models, server }: { models: Models; server: FaultServer },
  info: TestInfo,
  check: (outcome: string, expectation: Expectation) => Promise<void> | void,
): Promise<void> {
  const counts: Count[] = []
  await models.open()
  // Of the weights that are cut something is to be lost on the way only where the fault says so.
  server.untilArrived = (path, end) => models.untilAllBut(path, end)
  for (const [name, fault, expectation] of faults) {
    await test.step(name, async () => {
      await hurryFetching(models.page, { stalls: name === STALLING })
      server.served.length = 0
      server.forgetCounts()
      server.fault = fault
      const outcome = await add(models, server)
      await check(outcome, expectation)
      counts.push({ fault: name, beyond: bytesBeyond(server), requests: server.served.length, outcome })
      await forget(models)
    })
  }
  await report(info, counts)
}

/** Cuts the first answer and gives the second one another fault. */
function afterCut(second: Fault): FaultServer['fault'] {
  return (path, count) => {
    if (path !== WEIGHTS || count > 2) return undefined
    return count === 1 ? { kind: 'cut', after: 300_000 } : second
  }
}

const once =
  (fault: Fault): FaultServer['fault'] =>
  (path, count) =>
    path === WEIGHTS && count === 1 ? fault : undefined

const size = statSync(join(PACK, WEIGHTS)).size
const STALLING = 'a server that stalls'
/** Faults that pass by themselves, and bytes that they cost at most beyond what was lost on the way. */
const passing: [string, FaultServer['fault'], number][] = [
  ['a body that ends early', once({ kind: 'cut', after: 700_000 }), 0],
  ['200 where 206 was asked for', afterCut({ kind: 'no-ranges' }), 300_000],
  ['another ETag in between', afterCut({ kind: 'etag', etag: '"other"' }), size],
  ['a flipped bit', once({ kind: 'flip', at: 9 }), size],
  ['429 with Retry-After', once({ kind: 'answer', status: 429, headers: { 'retry-after': '1' } }), 0],
  ['503 with Retry-After', once({ kind: 'answer', status: 503, headers: { 'retry-after': '1' } }), 0],
  ['500', once({ kind: 'answer', status: 500 }), 0],
  [STALLING, once({ kind: 'stall', after: 300_000 }), 0],
]

const page404 = {
  kind: 'answer',
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<p>',
} as const
/** Faults that do not pass, and what the page says. */
const lasting: [string, FaultServer['fault'], RegExp][] = [
  ['a wrong Content-Range', afterCut({ kind: 'wrong-range', by: 1 }), /sent other bytes of vision\.weights/],
  ['404 for a part', once({ kind: 'answer', status: 404 }), /lacks vision\.weights/],
  ['a web page for a part', once(page404), /sent a web page instead of vision\.weights/],
  ['403 for a part', once({ kind: 'answer', status: 403 }), /refuses vision\.weights \(403\)/],
  [
    'a bit that is always flipped',
    (path) => (path === WEIGHTS ? { kind: 'flip', at: 9 } : undefined),
    /vision\.weights is damaged on the server/,
  ],
]

test('Users get their model through faults that pass', async ({ models, server, expected }, info) => {
  expected.errors.push(/Failed to load resource|ERR_/)
  await underEach(passing, { models, server }, info, (outcome, cost) => {
    expect(outcome).toContain('works without a connection')
    expect(bytesBeyond(server)).toBeLessThanOrEqual(cost + UNSEEN_BYTES)
    const twice = cost === size ? [WEIGHTS] : []
    const delivered = deliveries(server).filter((path, i, all) => all[i - 1] === path)
    expect(twice).toEqual(expect.arrayContaining(delivered))
  })
})

test('Users are told of faults that do not pass, and keep what was right', async ({
  models,
  server,
  expected,
}, info) => {
  expected.errors.push(/Failed to load resource|ERR_/)
  await underEach(lasting, { models, server }, info, async (outcome, sentence) => {
    expect(outcome).toMatch(sentence)
    const { packs, chunks } = await storeOf(models.page)
    const verified = PACK_FILES.filter((path) => hashOf(path) in chunks)
    expect(verified).not.toContain(WEIGHTS)
    expect(packs.map(({ complete }) => complete)).toEqual([false])
    // The server comes to its senses.
    server.fault = () => undefined
    const before = server.served.length
    await models.page.getByRole('button', { name: 'Resume', exact: true }).first().click()
    await expect(models.app.model).toContainText('works without a connection')
    const again = server.served.slice(before).map(({ path }) => path)
    expect(again.filter((path) => verified.includes(path))).toEqual([])
  })
})

test('Users are led to where a redirect points and served from there, and get their model though the connection is cut a hundred times', async ({
  models,
  server,
  expected,
}, info) => {
  const elsewhere = await startFaultServer((path) => read(join(PACK, path)))
  expected.origins.push(elsewhere.origin)
  await models.open()
  await test.step('redirected', async () => {
    server.fault = () => ({ kind: 'redirect', to: (path) => `${elsewhere.origin}/${path}?signed=1` })
    expect(await add(models, server)).toContain('works without a connection')
    expect(server.sent()).toBe(0)
    expect(elsewhere.sent() - elsewhere.sent(/^pack\.json$/)).toBe(TOTAL_BYTES)
    await elsewhere.close()
    await forget(models)
  })

  // Not before there are cuts.
  expected.errors.push(/Failed to load resource|ERR_/)
  server.served.length = 0
  server.forgetCounts()
  const random = seededRandom(7)
  let cuts = 0
  server.fault = (path) => {
    if (!path.endsWith('.weights') || cuts >= 100) return undefined
    cuts += 1
    return { kind: 'cut', after: 1 + Math.floor(random.next() * 80_000) }
  }
  await hurryFetching(models.page)
  expect(await add(models, server)).toContain('works without a connection')
  expect(cuts).toBe(100)
  const beyond = bytesBeyond(server)
  expect(beyond).toBeLessThan(100 * UNSEEN_BYTES)
  const delivered = deliveries(server)
  expect(delivered).toEqual([...new Set(delivered)])
  await report(info, [{ fault: '100 cuts', beyond, requests: server.served.length, outcome: 'kept' }])
})

test('Users are warned of manifests that are not what they seem', async ({ models, server, app }) => {
  const good = JSON.parse(String(read(join(PACK, 'pack.json')))) as Record<string, unknown> & {
    files: { path: string; bytes: number; chunks: unknown[] }[]
  }
  const [first] = good.files
  const hostile: [string, () => string][] = [
    ['a path out of the folder', () => JSON.stringify({ ...good, files: [{ ...first, path: '../x' }] })],
    ['a negative size', () => JSON.stringify({ ...good, files: [{ ...first, bytes: -1 }] })],
    ['an absurd size', () => JSON.stringify({ ...good, files: [{ ...first, bytes: 2 ** 60 }] })],
    ['a name given twice', () => JSON.stringify({ ...good, files: [first, first] })],
    [
      'a million entries',
      () => JSON.stringify({ ...good, files: Array.from({ length: 1_000_000 }, () => ({ path: 'a' })) }),
    ],
    ['another version', () => JSON.stringify({ ...good, version: 99 })],
    ['more text than any manifest has', () => ' '.repeat(65 * 2 ** 20)],
  ]
  await models.open()
  for (const [name, text] of hostile) {
    await test.step(name, async () => {
      const body = Buffer.from(text())
      server.files = (path) => (path === 'pack.json' ? body : read(join(PACK, path)))
      await models.look(server.origin)
      await expect(app.model).toContainText(/This pack cannot be used: .*\./)
    })
  }
  expect(server.sent(/weights/)).toBe(0)
})
