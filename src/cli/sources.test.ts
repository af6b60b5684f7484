import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { pictalkHere as pictalk } from '../../testing/command-line-here.ts'
import { startHubServer, type HubServer } from '../../testing/servers/hub-server.ts'
import { LEDGER_PATH } from '../convert/pack-writer.ts'
import { servePack } from './serve.ts'

/** As `npm run pictalk` starts it. */
const AS_INSTALLED = ['node_modules/tsx/dist/cli.mjs', 'src/cli/main.ts']
let folder = ''
let hub: HubServer

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pictalk-sources-'))
  cpSync('models/reference/untied', join(folder, 'checkpoint'), { recursive: true })
  writeFileSync(join(folder, 'checkpoint', 'README.md'), '---\nlicense: mit\n---\n# A model\n')
  hub = await startHubServer({ 'test/untied': join(folder, 'checkpoint') })
})
afterEach(() => void vi.unstubAllGlobals())
afterAll(async () => {
  await hub.close()
  rmSync(folder, { recursive: true })
})

describe('pictalk', () => {
  it('takes a file of LAVIS, with what it leaves out beside it or named, and the same pack comes of it', async () => {
    const from = join('models', 'reference', 'lavis-opt')
    const alone = join(folder, 'blip2_pretrained_small.pth')
    cpSync(join(from, 'blip2_pretrained_small.pth'), alone)
    const tower = ['--vision', join(from, 'eva_vit_g.pth')]
    const out = (name: string): string[] => ['--out', join(folder, name), '--precision', 'q8']
    const refused = await pictalk('convert', '--from', alone, ...tower, ...out('lavis-refused'))
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(
      /its language model .*, or name them with --vision and --language\. \[not-found\]/,
    )
    const named = [...tower, '--language', join(from, 'opt-small')]
    for (const args of [
      [join(from, 'blip2_pretrained_small.pth'), ...out('lavis-beside')],
      [alone, ...named, ...out('lavis-named')],
    ])
      expect(await pictalk('convert', '--from', ...args)).toMatchObject({ status: 0, stderr: '' })
    const weights = (name: string): Buffer => readFileSync(join(folder, name, 'decoder.weights'))
    expect(weights('lavis-named').equals(weights('lavis-beside'))).toBe(true)
    const needless = await pictalk(
      'convert',
      '--from',
      join(folder, 'checkpoint'),
      ...named,
      ...out('needless'),
    )
    expect(needless).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no file of LAVIS') as string,
    })
  })

  it('converts from a folder, the hub and a server to the same bytes, and verifies them', async () => {
    const served = await servePack(join(folder, 'checkpoint'), { port: 0, host: '127.0.0.1' })
    const sources = {
      folder: join(folder, 'checkpoint'),
      hub: 'hub:test/untied@main',
      server: served.url,
    }
    for (const [out, from] of Object.entries(sources)) {
      const args = ['--from', from, '--out', join(folder, out), '--hub', hub.url, '--name', 'untied']
      const { status, stderr } = await pictalk('convert', ...args, '--precision', 'q8')
      expect(stderr).toBe('')
      expect(status).toBe(0)
    }
    await served.close()
    const read = (out: string, file: string): Buffer => readFileSync(join(folder, out, file))
    const names = readdirSync(join(folder, 'folder')).sort()
    for (const out of ['hub', 'server']) {
      expect(readdirSync(join(folder, out)).sort()).toEqual(names)
      for (const name of names.filter((file) => file !== LEDGER_PATH))
        expect(Buffer.compare(read(out, name), read('folder', name))).toBe(0)
    }
    const manifest = JSON.parse(read('hub', 'pack.json').toString()) as { licence: unknown }
    expect(manifest.licence).toBe('mit')
    expect(manifest).not.toHaveProperty('licenceNotice')

    expect((await pictalk('verify', join(folder, 'hub'))).stdout).toContain('Every chunk')
    writeFileSync(join(folder, 'hub', 'vision.weights'), read('hub', 'vision.weights').fill(1, 7, 8))
    rmSync(join(folder, 'hub', 'decoder.f32.onnx'))
    const damaged = await pictalk('verify', join(folder, 'hub'))
    expect(damaged.status).toBe(1)
    expect(damaged.stdout).toMatch(/vision\.weights: .*SHA-256\n(.*\n)*decoder\.f32\.onnx: missing/)
    expect(damaged.stderr).toMatch(/^pictalk: 2 files .*\[corrupt\]\n$/)
  })

  it('converts what lies one folder down, and says it where two lie side by side', async () => {
    const training = join(folder, 'training')
    cpSync(join(folder, 'checkpoint'), join(training, 'checkpoint-500'), { recursive: true })
    const args = ['convert', '--from', training, '--precision', 'q8', '--out', join(folder, 'trained')]
    const { status, stdout } = await pictalk(...args)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^checkpoint-500: /)
    cpSync(join(folder, 'checkpoint'), join(training, 'checkpoint-900'), { recursive: true })
    const { status: second, stderr } = await pictalk(...args)
    expect(second).toBe(2)
    expect(stderr).toMatch(/side by side here, in checkpoint-500, checkpoint-900; .*\[bad-usage\]\n$/)
  })

  it.each<[string, string, RegExp]>([
    ['a repository that is not there', 'hub:test/none', /\[not-found\]/],
    ['a name that is none', 'hub:nonsense', /\[bad-usage\]/],
    ['a server that is not there', 'http://127.0.0.1:9/', /\[network\]/],
  ])('refuses %s in one sentence', async (_, from, sentence) => {
    // Attempts follow each other ten times as soon.
    const wait = setTimeout
    vi.stubGlobal('setTimeout', (work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
      wait(work, ms / 10, ...given),
    )
    const { status, stderr } = await pictalk(
      'convert',
      '--from',
      from,
      '--out',
      join(folder, 'x'),
      '--hub',
      hub.url,
    )
    expect(status).toBeGreaterThan(0)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(sentence)
  })

  it('serves a folder until it is stopped', async () => {
    const child = spawn(process.execPath, [...AS_INSTALLED, 'serve', 'models', '--port', '0'])
    const url = await new Promise<string>((resolve) => {
      child.stderr.on('data', (text: Buffer) => {
        const found = /http:\S+\//.exec(text.toString())?.[0]
        if (found !== undefined) resolve(found)
      })
    })
    const answer = await fetch(`${url}reference/untied/config.json`, { headers: { range: 'bytes=0-0' } })
    expect([answer.status, await answer.text()]).toEqual([206, '{'])
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGINT')
    await ended
  })
})

describe('the static server', () => {
  it('answers ranges, conditions and preflights as the standard says, and stays in its folder', async () => {
    const { url, close } = await servePack('models/reference', { port: 0, host: '127.0.0.1' })
    const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${url}${path}`, { headers })
    const size = readFileSync('models/reference/untied/config.json').length
    const config = 'untied/config.json'
    expect((await get(config)).headers.get('content-length')).toBe(String(size))
    const part = await get(config, { range: 'bytes=5-9' })
    expect(part.status).toBe(206)
    expect(part.headers.get('content-range')).toBe(`bytes 5-9/${size}`)
    expect((await part.arrayBuffer()).byteLength).toBe(5)
    expect((await (await get(config, { range: 'bytes=-4' })).arrayBuffer()).byteLength).toBe(4)
    expect((await get(config, { range: `bytes=${size}-` })).status).toBe(416)
    expect((await get(config, { range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200)
    const etag = part.headers.get('etag') ?? ''
    expect((await get(config, { 'if-none-match': etag })).status).toBe(304)
    expect(part.headers.get('access-control-allow-origin')).toBe('*')
    expect((await fetch(`${url}${config}`, { method: 'OPTIONS' })).status).toBe(204)
    expect((await fetch(`${url}${config}`, { method: 'DELETE' })).status).toBe(405)
    for (const path of ['', 'untied', 'nothing', '..%2f..%2fpackage.json', '.git/config', '%00', '%'])
      expect((await get(path)).status, path).toBe(404)
    await close()
  })
})
