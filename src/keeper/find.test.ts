import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { CHECKPOINT, NEVER_STOPPED, requestOf, serveFiles, smallPack } from '../../testing/keeper/tabs.ts'
import { startHubServer } from '../../testing/servers/hub-server.ts'
import { inspectCheckpoint } from '../convert/inspect.ts'
import { readText } from '../pack/bytes.ts'
import type { AddRequest } from '../protocol/keeper-calls.ts'
import { plainNetwork } from '../remote/network.ts'
import { findModel, type FoundCheckpoint, type FoundPack } from './find.ts'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close()
})

function opened<T extends { close(): Promise<void> }>(server: T): T {
  closing.push(server)
  return server
}

function find(request: AddRequest): Promise<FoundPack | FoundCheckpoint> {
  return findModel(request, { network: plainNetwork(), signal: NEVER_STOPPED })
}

function filesOf(paths: Record<string, string | Uint8Array<ArrayBuffer>>): AddRequest {
  const files = Object.entries(paths).map(([path, content]) => ({
    path,
    file: new File([content], path.split('/').at(-1) ?? '', { lastModified: 1 }),
  }))
  return requestOf('', { source: { kind: 'files', files } })
}

describe('finding at an address', () => {
  it('gives a pack, known by its manifest wherever it lies', async () => {
    const files = await smallPack()
    const [here, there] = [opened(await serveFiles(files)), opened(await serveFiles(files))]
    const found = await find(requestOf(here.origin))
    expect(found).toMatchObject({
      what: 'pack',
      manifestText: new TextDecoder().decode(files.get('pack.json')),
      origin: {
        address: `${here.origin}/`,
        base: `${here.origin}/`,
        asked: `${here.origin}/`,
        converted: null,
      },
    })
    expect((await find(requestOf(`${there.origin}/pack.json`))).id).toBe(found.id)
    expect(here.sent(/weights/)).toBe(0)
  })

  it('gives a checkpoint otherwise, another one for each precision', async () => {
    const server = opened(
      await serveFiles(new Map([['config.json', readFileSync(join(CHECKPOINT, 'config.json'))]])),
    )
    const found = await find(requestOf(`${server.origin}/`))
    expect(found).toMatchObject({ what: 'checkpoint', origin: { converted: 'q8' } })
    expect((await find(requestOf(server.origin))).id).toBe(found.id)
    expect((await find(requestOf(server.origin, { precision: 'fp16' }))).id).not.toBe(found.id)
  })

  it('takes the repository of a hub at the commit of that moment, and keeps the token to the hub', async () => {
    const hub = opened(await startHubServer({ 'a/b': CHECKPOINT }, { token: 'secret' }))
    let leaked = 0
    hub.files.fault = (_path, _count, _start, { authorization }) => {
      if (authorization !== undefined) leaked += 1
      return undefined
    }
    const request = requestOf('a/b', { hub: hub.url })
    await expect(find(request)).rejects.toMatchObject({ code: 'forbidden' })
    const found = await find({ ...request, token: 'secret' })
    expect(found).toMatchObject({
      what: 'checkpoint',
      name: 'b',
      origin: { address: `hub:a/b@${hub.commit}`, asked: 'hub:a/b@main' },
    })
    expect(found.what === 'checkpoint' && (await readText(found.tree, 'config.json'))).toContain('blip-2')
    expect(leaked).toBe(0)
  })

  it.each([
    ['no address', 'not an address', 'bad-usage'],
    ['nobody there', 'http://127.0.0.1:1/', 'network'],
  ])('says so for %s', async (_, text, code) => {
    const network = plainNetwork({ wait: () => Promise.resolve() })
    await expect(findModel(requestOf(text), { network, signal: NEVER_STOPPED })).rejects.toMatchObject({
      code,
    })
  })
})

describe('finding among files', () => {
  it('takes the folder that holds the pack, before one that holds a checkpoint', async () => {
    const manifest = (await smallPack()).get('pack.json') ?? new Uint8Array()
    const found = await find(
      filesOf({ 'all/config.json': '{}', 'all/mine/pack.json': manifest, 'other.txt': '' }),
    )
    expect(found).toMatchObject({
      what: 'pack',
      name: 'mine',
      origin: { address: null, base: null, asked: null },
    })
  })

  it('knows a checkpoint again as long as its files are the same', async () => {
    const first = await find(filesOf({ 'm/config.json': '{}', 'm/a.safetensors': 'one' }))
    const again = await find(filesOf({ 'm/a.safetensors': 'one', 'm/config.json': '{}' }))
    const other = await find(filesOf({ 'm/config.json': '{}', 'm/a.safetensors': 'other' }))
    expect(first).toMatchObject({ what: 'checkpoint', name: 'm' })
    expect(again.id).toBe(first.id)
    expect(other.id).not.toBe(first.id)
  })

  it('takes the checkpoint one folder down, and asks where two lie side by side', async () => {
    const one = { 'out/checkpoint-500/config.json': '{}', 'out/checkpoint-500/model.safetensors': '' }
    const found = await find(filesOf({ ...one, 'out/trainer.log': '' }))
    expect(found).toMatchObject({ what: 'checkpoint', name: 'checkpoint-500' })
    expect(found.what === 'checkpoint' && (await readText(found.tree, 'config.json'))).toBe('{}')
    const two = { 'out/checkpoint-900/config.json': '{}', 'out/checkpoint-900/model.safetensors': '' }
    await expect(find(filesOf({ ...one, ...two }))).rejects.toMatchObject({ code: 'bad-usage' })
  })

  it('takes a file of LAVIS with the folder of its language model, whose files are part of what it is', async () => {
    const from = 'models/reference/lavis-opt'
    const chosen = (model: Uint8Array<ArrayBuffer>): AddRequest =>
      filesOf({
        ...Object.fromEntries(
          [
            'blip2_pretrained_small.pth',
            'eva_vit_g.pth',
            'opt-small/config.json',
            'opt-small/vocab.json',
            'opt-small/merges.txt',
          ].map((path) => [`lavis/${path}`, new Uint8Array(readFileSync(join(from, path)))]),
        ),
        'lavis/opt-small/pytorch_model.bin': model,
      })
    const language = new Uint8Array(readFileSync(join(from, 'opt-small/pytorch_model.bin')))
    const found = await find(chosen(language))
    expect(found).toMatchObject({ what: 'checkpoint', name: 'lavis' })
    const report = await inspectCheckpoint((found as FoundCheckpoint).tree, 'q8')
    expect(report.pack).toMatchObject({
      family: 'blip2-opt',
      parts: { decoder: { shape: { hiddenSize: 64 } } },
    })
    expect((await find(chosen(new Uint8Array([...language, 0])))).id).not.toBe(found.id)
  })

  it('says what is missing, and which file cannot be read any more', async () => {
    await expect(find(filesOf({ 'm/picture.png': '' }))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('choose the whole folder') as string,
    })
    const request = filesOf({ 'config.json': '{}' })
    if (request.source.kind !== 'files') throw new Error('These are files.')
    const [first] = request.source.files
    Object.assign(first?.file ?? {}, {
      slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException('Gone.', 'NotFoundError')) }),
    })
    const found = await find(request)
    await expect(found.what === 'checkpoint' && readText(found.tree, 'config.json')).rejects.toMatchObject({
      code: 'not-found',
      message: 'config.json cannot be read any more; choose the files again.',
    })
  })
})
