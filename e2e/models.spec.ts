import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { folderTree } from '../src/cli/files.ts'
import { convertCheckpoint } from '../src/convert/convert.ts'
import { sha256Hex, sinkInMemory, type FileTree } from '../src/pack/bytes.ts'
import { MANIFEST_PATH, parseManifest, type PackManifest } from '../src/pack/manifest.ts'
import { plainNetwork } from '../src/remote/network.ts'
import { openHub } from '../src/remote/hub.ts'
import { startSyntheticHub } from '../testing/servers/synthetic-hub.ts'
import type { FaultServer } from '../testing/servers/fault-server.ts'
import { AppPage, expect } from './fixtures.ts'
import { startHubServer } from '../testing/servers/hub-server.ts'
import {
  CHECKPOINT,
  damageChunk,
  keepBack,
  Models,
  PACK,
  PACK_FILES,
  PICTURE,
  read,
  storeOf,
  test,
} from './model-fixtures.ts'
import { fillDisk, hurryFetching } from './threads.ts'

const { parameters } = JSON.parse(readFileSync(join(PACK, 'pack.json'), 'utf8')) as PackManifest
const PARAMETERS = `${(parameters / 1e6).toFixed(1)} million parameters`

/** What the command line makes of a checkpoint, by path. */
async function convertedInNode(
  tree: FileTree,
  options: { name: string; precision: 'q8' | 'fp16' },
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(tree, sinkInMemory(files), options)
  return files
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes)
}

test.describe('four ways to a caption', () => {
  test('Users can download a pack from a server', async ({ models, server, app }) => {
    await models.open()
    await models.look(server.origin)
    await expect(app.model).toContainText(`A pack: ${PARAMETERS}`)
    expect(server.sent(/weights/)).toBe(0)
    await expect(app.page.getByRole('button', { name: 'Download', exact: true })).toBeDisabled()
    await models.accept('Download')
    const kept = app.model.getByRole('list', { name: 'Models', exact: true })
    await expect(kept).toContainText(`Server: ${new URL(server.origin).host}.`)
    await expect(kept).toContainText('Licence: not stated. Nobody states what is allowed')
    expect(await models.useAndCaption()).toMatch(/[a-z]{2,}/)
    const bytes = readFileSync(join(PACK, 'decoder.weights')).length
    expect(server.sent(/^decoder\.weights$/)).toBe(bytes)
  })

  test('Users can have a checkpoint of the hub converted, to the same bytes as on the command line', async ({
    models,
    hub,
    app,
  }) => {
    await models.open()
    await app.page.getByRole('button', { name: 'Look at it: Test scenes' }).click()
    await expect(app.model).toContainText(`A checkpoint, to be converted here: ${PARAMETERS}, q8`)
    await models.accept('Fetch and convert')
    expect(await models.useAndCaption()).toMatch(/[a-z]{2,}/)

    const address = { repository: 'test/scenes', revision: 'main' }
    const { tree } = await openHub(new URL(hub.url), address, { network: plainNetwork() })
    const files = await convertedInNode(tree, { name: 'scenes', precision: 'q8' })
    const { packs, chunks } = await storeOf(app.page)
    expect(packs.map(({ manifest }) => manifest)).toEqual([textOf(files.get('pack.json'))])
    files.delete('pack.json')
    const hashes = await Promise.all([...files.values()].map((bytes) => sha256Hex(bytes)))
    expect(Object.keys(chunks).sort()).toEqual(hashes.sort())
  })

  test('Users can choose the folder of a checkpoint on their computer, and go on with a conversation', async ({
    models,
    app,
    page,
  }) => {
    await models.open()
    await app.choose(PICTURE)
    const before = await app.finished('good-rgb.png')
    await models.convertTo('fp16')
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Choose a folder' }).click()
    await (await chooser).setFiles(CHECKPOINT)
    await expect(app.model).toContainText('will be read from this computer')
    await models.accept('Fetch and convert')
    await models.use()
    await expect(app.answer('good-rgb.png')).toContainText('Written by drawn-scenes, q8')
    expect(await app.finished('good-rgb.png')).toContain(before.split('\n')[0])
    // Its vision encoder is stored otherwise, so the picture is looked at again.
    await app.ask('what is in the picture?')
    expect(await app.finished('good-rgb.png: what is in the picture?')).toMatch(/[a-z]{2,}/)
    await expect(app.answer('good-rgb.png: what is in the picture?')).not.toContainText('Written by')

    // Wherever a checkpoint lies, it becomes the same pack.
    const { packs } = await storeOf(page)
    const files = await convertedInNode(folderTree(CHECKPOINT), { name: 'checkpoint', precision: 'fp16' })
    expect(packs.map(({ manifest }) => manifest)).toEqual([textOf(files.get('pack.json'))])
  })

  test('Users can choose the files of a pack on their computer', async ({ models, app }) => {
    await models.open()
    const { files } = JSON.parse(readFileSync(join(PACK, 'pack.json'), 'utf8')) as {
      files: { path: string }[]
    }
    const chooser = app.page.waitForEvent('filechooser')
    await app.page.getByRole('button', { name: 'Choose files' }).click()
    await (
      await chooser
    ).setFiles(['pack.json', ...files.map(({ path }) => path)].map((path) => join(PACK, path)))
    await models.accept('Download')
    expect(await models.useAndCaption()).toMatch(/[a-z]{2,}/)
  })
})

test('Users can read a private repository with a token, which nobody else gets and nothing keeps', async ({
  models,
  app,
  page,
  expected,
}) => {
  const token = 'hf_for_this_test_only'
  const hub = await startHubServer({ 'test/private': CHECKPOINT }, { token })
  const sentTo = { hub: 0, files: 0 }
  const answer = hub.hub.fault
  hub.hub.fault = (path, count, start, headers) => {
    if (headers.authorization !== undefined) sentTo.hub += 1
    return answer(path, count, start, headers)
  }
  hub.files.fault = (_path, _count, _start, headers) => {
    if (headers.authorization !== undefined) sentTo.files += 1
    return undefined
  }
  expected.origins.push(hub.hub.origin, hub.files.origin)
  expected.errors.push(/status of 401/)
  await page.route('**/models.json', (route) => route.fulfill({ json: { hub: hub.url, models: [] } }))
  await models.open()
  await models.look('test/private')
  await expect(app.model).toContainText('give a token that may read it')
  await page.getByLabel('Access token').fill(token)
  await models.look('test/private')
  await models.accept('Fetch and convert')
  await expect(app.model).toContainText('works without a connection')
  expect(sentTo.hub).toBeGreaterThan(0)
  expect(sentTo.files).toBe(0)
  const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))
  expect(kept + JSON.stringify(await storeOf(page))).not.toContain(token)
  await models.open()
  await expect(page.getByLabel('Access token')).toHaveValue('')
  await hub.close()
})

test('Users are told before a large download how long it will take', async ({
  models,
  app,
  page,
  expected,
}) => {
  const hub = await startSyntheticHub('test/large', { vision: 2, qFormer: 2, text: 1 })
  expected.origins.push(...hub.origins)
  await page.route('**/models.json', (route) => route.fulfill({ json: { hub: hub.url, models: [] } }))
  await models.open()
  await models.look('test/large')
  await expect(app.model).toContainText(/\d (second|minute)s?, by what was measured just now/)
  await expect(app.model).toContainText(/1\.1 GB will be fetched/)
  // The configuration, the headers, and a mebibyte to measure with.
  expect(hub.sentBytes()).toBeLessThan(2 * 2 ** 20)
  await page.getByRole('button', { name: 'Not now' }).click()
  await hub.close()
})

test('Users can carry a kept model away, as a folder or as a ZIP file', async ({
  models,
  server,
  app,
  page,
}) => {
  // The picker is the browser's own; the folder behind it is one that a test can read.
  await page.addInitScript(() =>
    Object.assign(window, { showDirectoryPicker: () => navigator.storage.getDirectory() }),
  )
  await models.download(server.origin)
  await expect(app.model).toContainText('works without a connection')
  await page.getByRole('button', { name: /^Save to a folder/ }).click()
  await expect(page.getByRole('status')).toContainText('was saved')
  const saved = await page.evaluate(async () => {
    const sums: Record<string, string> = {}
    const folder = (await navigator.storage.getDirectory()) as unknown as {
      values(): AsyncIterable<FileSystemFileHandle>
    }
    for await (const file of folder.values()) {
      const bytes = await (await file.getFile()).arrayBuffer()
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
      sums[file.name] = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
    }
    return sums
  })
  const expectedSums = await Promise.all(
    [...PACK_FILES, MANIFEST_PATH].map(
      async (path) => [path, await sha256Hex(readFileSync(join(PACK, path)))] as const,
    ),
  )
  expect(saved).toEqual(Object.fromEntries(expectedSums))

  await page.evaluate(() => Object.assign(window, { showDirectoryPicker: undefined }))
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: /^Save to a folder/ }).click()
  const zip = unzipSync(readFileSync(await (await download).path()))
  expect(Object.keys(zip).sort()).toEqual([...PACK_FILES, MANIFEST_PATH].sort())
  for (const [path, bytes] of Object.entries(zip))
    expect(await sha256Hex(Uint8Array.from(bytes))).toBe(saved[path])
})

test('Users are told of a new version, and fetch only what is new in it', async ({
  models,
  server,
  app,
  page,
}) => {
  await models.download(server.origin)
  await models.useAndCaption()
  const heading = app.model.getByRole('heading', { level: 2 })

  const path = 'tokenizer_config.json'
  const changed = Buffer.concat([readFileSync(join(PACK, path)), Buffer.from('\n')])
  const manifest = JSON.parse(readFileSync(join(PACK, 'pack.json'), 'utf8')) as PackManifest
  const chunk = { bytes: changed.length, sha256: await sha256Hex(changed) }
  manifest.name = 'drawn scenes, newer'
  manifest.files = manifest.files.map((file) =>
    file.path === path ? { path, bytes: chunk.bytes, chunks: [chunk] } : file,
  )
  const news = new Map([
    ['pack.json', Buffer.from(JSON.stringify(manifest))],
    [path, changed],
  ])
  server.files = (name) => news.get(name) ?? read(join(PACK, name))

  await models.open()
  await page.getByRole('button', { name: /^Look at the newer version/ }).click()
  const before = server.served.length
  await models.accept('Download')
  await expect(heading).toContainText('drawn scenes, newer')
  await expect(app.model).toContainText('Runs on')
  const fetched = server.served.slice(before).map((entry) => entry.path)
  expect([...new Set(fetched)].sort()).toEqual(['pack.json', path].sort())
  expect((await storeOf(page)).packs).toHaveLength(1)
})

test('Users can reload in the middle of a download and go on where it was', async ({
  models,
  server,
  app,
}) => {
  await models.open()
  const release = keepBack(server, 'decoder.weights', 1_000_000)
  await models.look(server.origin)
  await models.accept('Download')
  await models.untilAllBut('decoder.weights', 1_000_000)
  const before = (await storeOf(app.page)).chunks
  await app.open()
  const notice = app.page.getByRole('group', { name: 'Interrupted download' })
  await expect(notice).toContainText(/drawn-scenes is not complete: .* MB have arrived and are kept/)
  const sent = server.sent(/\./)
  release()
  await notice.getByRole('button', { name: 'Continue' }).click()
  await expect(app.model).toContainText('works without a connection')
  await expect(notice).toHaveCount(0)
  // The manifest is looked at again; of the rest only what was not verified.
  const manifest = readFileSync(join(PACK, 'pack.json')).length
  const there = Object.values(before).reduce((sum, bytes) => sum + bytes, 0)
  const { chunks, packs } = await storeOf(app.page)
  const all = Object.values(chunks).reduce((sum, bytes) => sum + bytes, 0)
  expect(server.sent(/\./) - sent).toBeLessThanOrEqual(all - there + 2 * manifest)
  expect(packs).toHaveLength(1)
})

test('Users can pause, go on, cancel and delete, and when their disk is full are told what to do, keep what is there, and go on', async ({
  models,
  server,
  app,
  page,
}) => {
  await models.open()
  const release = keepBack(server, 'decoder.weights', 1_000_000)
  await models.look(server.origin)
  await models.accept('Download')
  await models.untilAllBut('decoder.weights', 1_000_000)
  await page.getByRole('button', { name: 'Pause' }).click()
  await expect(app.model).toContainText('What has arrived is kept')
  // What took long to arrive is let go of only when people say so twice.
  await page.getByRole('button', { name: 'Cancel and delete what has arrived' }).click()
  await expect(page.getByRole('button', { name: /^Really delete .* [kM]B$/ })).toBeVisible()
  await page.getByRole('button', { name: 'Keep it' }).click()
  release()
  await page.getByRole('button', { name: 'Resume', exact: true }).click()
  await expect(app.model).toContainText('works without a connection')
  const bytes = readFileSync(join(PACK, 'decoder.weights')).length
  // A pause costs nothing but what was on its way.
  expect(server.sent(/^decoder\.weights$/) - bytes).toBeLessThan(2 ** 16)
  await page.getByRole('button', { name: /^Delete/ }).click()
  await page.getByRole('button', { name: /^Really delete/ }).click()
  await expect.poll(() => storeOf(page)).toEqual({ packs: [], chunks: {} })
  // What is said next is not said any more.
  await expect(app.model).not.toContainText('works without a connection')

  const makeRoom = await fillDisk(page, 3_000_000)
  await models.look(server.origin)
  await models.accept('Download')
  await expect(app.model).toContainText(/more and the browser allows|no room left/)
  await expect(app.model).toContainText('no-space')
  await makeRoom()
  await app.model.getByRole('button', { name: 'Resume', exact: true }).first().click()
  await expect(app.model).toContainText('works without a connection')
})

test('Users whose tab crashes in the middle of a download go on in another', async ({
  models,
  server,
  page,
  context,
  expected,
}) => {
  expected.errors.push(/crash/i)
  await models.open()
  const release = keepBack(server, 'decoder.weights', 1_000_000)
  await models.look(server.origin)
  await models.accept('Download')
  await models.untilAllBut('decoder.weights', 1_000_000)
  const crashed = page.waitForEvent('crash')
  await page.goto('chrome://crash').catch(() => undefined)
  await crashed
  const next = new Models(new AppPage(await context.newPage()))
  await next.open()
  const { chunks: kept } = await storeOf(next.page)
  expect(Object.keys(kept)).toHaveLength(PACK_FILES.length - 1)
  const asked: string[] = []
  next.page.on('request', (request) => {
    const { origin, pathname } = new URL(request.url())
    if (origin === server.origin && pathname !== '/pack.json') asked.push(pathname.slice(1))
  })
  release()
  await next.page.getByRole('button', { name: /^Resume/ }).click()
  await expect(next.app.model).toContainText('works without a connection')
  // Each of these files is a single chunk.
  const { files } = parseManifest(readFileSync(join(PACK, 'pack.json'), 'utf8'))
  const missing = files.filter(({ chunks }) => chunks.some(({ sha256 }) => !(sha256 in kept)))
  expect(missing.map(({ path }) => path)).toContain('decoder.weights')
  expect(asked.sort()).toEqual(missing.map(({ path }) => path).sort())
})

test('Users who lose the connection are told so, and the download goes on by itself', async ({
  models,
  server,
  app,
  context,
  expected,
}) => {
  expected.errors.push(/Failed to load resource|ERR_INTERNET_DISCONNECTED/)
  await models.open()
  await hurryFetching(models.page)
  server.fault = (path, count) =>
    path === 'decoder.weights' && count === 1 ? { kind: 'cut', after: 1_000_000 } : undefined
  let offline = false
  server.hold = async (path) => {
    if (path !== 'decoder.weights' || offline) return
    offline = true
    await context.setOffline(true)
  }
  await models.look(server.origin)
  await models.accept('Download')
  await expect(app.model).toContainText('There is no connection')
  await context.setOffline(false)
  await expect(app.model).toContainText('works without a connection')
})

test('Users of two tabs download once, and see in one what the other does', async ({
  models,
  server,
  app,
  page,
  context,
}) => {
  await models.open()
  let goOn = (): void => undefined
  const hold = new Promise<void>((resolve) => (goOn = resolve))
  server.hold = (path) => (path === 'decoder.weights' ? hold : Promise.resolve())
  await models.look(server.origin)
  await models.accept('Download')
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible()
  const other = new Models(new AppPage(await context.newPage()))
  await other.open()
  await other.look(server.origin)
  await other.accept('Download')
  await expect(other.app.model).toContainText('in another tab')
  goOn()
  await expect(app.model).toContainText('works without a connection')
  await expect(other.app.model).toContainText('works without a connection')
  expect(server.sent(/^decoder\.weights$/)).toBe(readFileSync(join(PACK, 'decoder.weights')).length)
})

test('Users whose storage has gone bad are told, and get only the bad part again', async ({
  models,
  server,
  app,
  page,
}) => {
  await models.download(server.origin)
  await expect(app.model).toContainText('works without a connection')
  const hash = await sha256Hex(readFileSync(join(PACK, 'decoder.weights')))
  await damageChunk(page, hash)
  const before = server.served.length
  expect(await models.useMendedAndCaption()).toMatch(/[a-z]{2,}/)
  expect(server.served.slice(before).map(({ path }) => path)).toEqual(['decoder.weights'])
})

test('Users who cancel while a model is looked at never see its offer, and look at another at once', async ({
  models,
  server,
  app,
  expected,
}) => {
  expected.errors.push(/Failed to load resource/)
  await models.open()
  let goOn = (): void => undefined
  const held = new Promise<void>((resolve) => (goOn = resolve))
  const asked: string[] = []
  server.hold = (path) => {
    asked.push(path)
    return path === 'pack.json' ? held : Promise.resolve()
  }
  await models.look(server.origin)
  // A request that was cancelled before it left would never be answered.
  await expect.poll(() => asked).toContain('pack.json')
  await app.model.getByRole('button', { name: 'Cancel', exact: true }).click()
  await models.look(`${server.origin}/nothing`)
  await expect(app.model).toContainText('neither a pack nor a checkpoint')
  goOn()
  await expect.poll(() => server.served.map(({ path }) => path)).toContain('pack.json')
  // What came of the first look would be here before what comes of one more.
  await models.look(`${server.origin}/nothing/either`)
  await expect.poll(() => asked).toContain('nothing/either/pack.json')
  await expect(app.model).toContainText('neither a pack nor a checkpoint')
  await expect(app.model).not.toContainText(`A pack: ${PARAMETERS}`)
})

test('Users who delete a model in one tab while another reads it are told so there, and nothing of it comes back', async ({
  models,
  server,
  app,
  page,
  context,
}) => {
  await models.download(server.origin)
  await expect(app.model).toContainText('works without a connection')
  await damageChunk(page, await sha256Hex(readFileSync(join(PACK, 'decoder.weights'))))
  let goOn = (): void => undefined
  const held = new Promise<void>((resolve) => (goOn = resolve))
  server.hold = (path) => (path === 'decoder.weights' ? held : Promise.resolve())
  const asked = page.waitForRequest(/decoder\.weights$/)
  await page.getByRole('button', { name: /^Use it: / }).click()
  await asked

  const other = new Models(new AppPage(await context.newPage()))
  // It remembers the same choice of model; the list is there while that one loads.
  await other.page.goto('/?provider=wasm')
  await other.app.openSheet()
  await other.page.getByRole('button', { name: /^Delete/ }).click()
  await other.page.getByRole('button', { name: /^Really delete/ }).click()
  await expect.poll(async () => (await storeOf(page)).packs).toEqual([])
  goOn()
  await expect(app.model).toContainText(
    'This model was deleted meanwhile, in another tab perhaps; add it again.',
  )
  expect(await storeOf(page)).toEqual({ packs: [], chunks: {} })
})

test('Users are told in one sentence what is wrong', async ({ models, server, app, expected }) => {
  const cases: [string, FaultServer['fault'], RegExp][] = [
    ['when nothing is there', () => ({ kind: 'answer', status: 404 }), /neither a pack nor a checkpoint/],
    [
      'when the server refuses, without CORS',
      () => ({ kind: 'answer', status: 403, cors: false }),
      /cannot be reached or does not let other pages read/,
    ],
    ['when the server refuses', () => ({ kind: 'answer', status: 403 }), /refuses pack\.json \(403\)/],
    [
      'when it is a web page',
      () => ({ kind: 'answer', status: 200, headers: { 'content-type': 'text/html' }, body: '<p>Hello' }),
      /sent a web page instead of pack\.json/,
    ],
    [
      'when it is no pack',
      () => ({
        kind: 'answer',
        status: 200,
        body: '{"format":"pictalk-pack","version":1,"files":[{"path":"../x"}]}',
      }),
      /This pack cannot be used/,
    ],
  ]
  expected.errors.push(/Failed to load resource|blocked by CORS policy/)
  await models.open()
  await hurryFetching(models.page)
  for (const [name, fault, sentence] of cases) {
    await test.step(name, async () => {
      // Nothing said before can pass for the sentence.
      await expect(app.model).not.toContainText(sentence)
      server.fault = fault
      await models.look(server.origin)
      await expect(app.model).toContainText(sentence)
    })
  }
})
