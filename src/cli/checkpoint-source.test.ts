import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkpointSource, type SourceOptions } from './checkpoint-source.ts'
import { fromHere } from './from-here.ts'
import { servePack } from './serve.ts'

const OPTIONS: SourceOptions = {
  hub: 'https://huggingface.co/',
  token: undefined,
  folder: fromHere,
  signal: new AbortController().signal,
}
const NAME = 'my model é.pth'
let folder = ''
let server: Awaited<ReturnType<typeof servePack>>
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pictalk-source-'))
  writeFileSync(join(folder, NAME), 'weights')
  server = await servePack(folder, { port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

it.each<[string, () => string]>([
  ['on a server', () => `${server.url}${encodeURIComponent(NAME)}`],
  ['on this computer', () => join(folder, NAME)],
])('A file whose name has spaces and letters of other languages is found %s', async (_, from) => {
  const { tree, name } = await checkpointSource(from(), OPTIONS)
  expect(name).toBe('my model é')
  expect((await tree.open(NAME))?.byteLength).toBe('weights'.length)
})

it.each(['http://', 'https://a b/'])(
  '%s in front of a file is no address, and that is said',
  async (start) => {
    await expect(checkpointSource(`${start}[x.pth`, OPTIONS)).rejects.toMatchObject({ code: 'bad-usage' })
  },
)
