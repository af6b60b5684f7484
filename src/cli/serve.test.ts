import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import type * as FilePromises from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { FairTurns } from './fair-turns.ts'
import { servePack, type PackServer } from './serve.ts'
import { findServed, readServed } from './served-file.ts'

/** What happens right before and right after the next file is opened. */
const opening = vi.hoisted((): { before?: () => void; after?: () => void } => ({}))
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FilePromises>()
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      const { before, after } = opening
      delete opening.before
      delete opening.after
      before?.()
      const handle = await real.open(...args)
      after?.()
      return handle
    },
  }
})

const LARGE_BYTES = 8 * 2 ** 20
let root = ''
let folder = ''
let server: PackServer

beforeAll(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'pictalk-serve-')))
  folder = join(root, 'served')
  mkdirSync(join(folder, 'sub'), { recursive: true })
  mkdirSync(join(folder, '.git'))
  writeFileSync(join(root, 'secret.txt'), 'secret')
  mkdirSync(join(root, 'served-too'))
  writeFileSync(join(root, 'served-too', 'secret.txt'), 'secret')
  writeFileSync(join(folder, '.git', 'config'), 'hidden')
  writeFileSync(join(folder, 'plain.json'), '{}')
  writeFileSync(join(folder, 'ä b.json'), '{}')
  writeFileSync(join(folder, 'large.bin'), new Uint8Array(LARGE_BYTES).fill(7))
  symlinkSync('plain.json', join(folder, 'link.json'))
  symlinkSync('../plain.json', join(folder, 'sub', 'up.json'))
  symlinkSync(join(root, 'secret.txt'), join(folder, 'out.txt'))
  symlinkSync('../secret.txt', join(folder, 'out-relative.txt'))
  symlinkSync(root, join(folder, 'out-folder'))
  symlinkSync('../served-too', join(folder, 'same-beginning'))
  symlinkSync('.git/config', join(folder, 'to-hidden'))
  symlinkSync('plain.json', join(folder, '.hidden-link.json'))
  // Names that mean something else on other systems.
  writeFileSync(join(folder, 'back\\slash.json'), '{}')
  writeFileSync(join(folder, 'co:lon.json'), '{}')
  symlinkSync('nowhere', join(folder, 'dangling'))
  symlinkSync('loop', join(folder, 'loop'))
  symlinkSync('/dev/zero', join(folder, 'zero'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  server = await servePack(folder, { port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await server.close()
  rmSync(root, { recursive: true })
})

/** A request as it is written: `fetch` would tidy the path up before. */
function raw(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (text) => (answer += text.toString('latin1')))
    socket.on('close', () => resolve(answer))
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
  })
}

describe('the folder that is served', () => {
  it.each([
    '/plain.json',
    '/link.json',
    '/sub/up.json',
    '/%C3%A4%20b.json',
    '/plain.json?x',
    'http://x/plain.json',
  ])('gives %s', async (path) => expect(await raw(path)).toMatch(/^HTTP\/1.1 200 [^]*\{\}$/))

  it.each([
    ...['/out.txt', '/out-relative.txt', '/out-folder/secret.txt', '/same-beginning/secret.txt'],
    ...[
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/sub/../../secret.txt',
      '/sub/../plain.json',
      '/%2e%2e/served/plain.json',
      '/..%5csecret.txt',
    ],
    ...[
      '/.git/config',
      '/%2egit/config',
      '/to-hidden',
      '/.hidden-link.json',
      '/sub/%2e%2e/.git/config',
      '/out-folder/served/.git/config',
    ],
    ...['/dangling', '/loop', '/zero', '/pipe', '/', '/sub', '/sub/', '/nothing'],
    ...['/plain.json%00', '/plain.json%00.txt', '/C:/plain.json', '/plain.json::$DATA', '/%ff', '/%', '*'],
    ...['//secret.txt', '/%2fetc%2fpasswd', '//etc/passwd', 'file:///etc/passwd', '/sub%5cup.json'],
    ...['/back%5cslash.json', '/co:lon.json'],
  ])('does not give %s', async (path) => {
    const answer = await raw(path)
    expect(answer).toMatch(/^HTTP\/1.1 40[04] /)
    expect(answer).not.toMatch(/secret|hidden|root:/)
  })

  it('is not left through a link that is swapped in while a file is being read', async () => {
    const path = join(folder, 'swapped.bin')
    writeFileSync(path, 'plain!')
    const found = await findServed(folder, '/swapped.bin')
    if (found === undefined) throw new Error('not found')
    const target = new Uint8Array(6)
    expect(await readServed(found, 0, target)).toBe(6)
    symlinkSync(join(root, 'secret.txt'), `${path}.new`)
    renameSync(`${path}.new`, path)
    expect(await readServed(found, 0, target)).toBeUndefined()
    writeFileSync(`${path}.new`, 'others')
    renameSync(`${path}.new`, path)
    expect(await readServed(found, 0, target)).toBeUndefined()
    // The folder above turns into a link, too.
    mkdirSync(join(folder, 'turns'))
    writeFileSync(join(folder, 'turns', 'secret.txt'), 'plain!')
    const below = await findServed(folder, '/turns/secret.txt')
    if (below === undefined) throw new Error('not found')
    renameSync(join(folder, 'turns'), join(folder, 'turned'))
    symlinkSync(root, join(folder, 'turns'))
    expect(await readServed(below, 0, target)).toBeUndefined()
    expect(Buffer.from(target).toString()).toBe('plain!')
  })

  const swapIn = (): void => {
    renameSync(join(folder, 'turning'), join(folder, 'turned-away'))
    symlinkSync(join(root, 'served-too'), join(folder, 'turning'))
  }
  const swapOut = (): void => {
    unlinkSync(join(folder, 'turning'))
    renameSync(join(folder, 'turned-away'), join(folder, 'turning'))
  }
  it.each([
    ['becomes a link before its file is opened', { before: swapIn }],
    ['is a link only while its file is opened', { before: swapIn, after: swapOut }],
    ['goes away right behind it', { after: () => rmSync(join(folder, 'turning'), { recursive: true }) }],
  ])('gives nothing of a folder that %s', async (_, atOpening) => {
    mkdirSync(join(folder, 'turning'))
    writeFileSync(join(folder, 'turning', 'secret.txt'), 'secret')
    Object.assign(opening, atOpening)
    expect(await findServed(folder, '/turning/secret.txt')).toBeUndefined()
    for (const name of ['turning', 'turned-away'])
      rmSync(join(folder, name), { recursive: true, force: true })
  })

  it('breaks off when a file becomes another while it is being sent', async () => {
    const path = join(folder, 'shrinks.bin')
    writeFileSync(path, new Uint8Array(LARGE_BYTES))
    const response = await fetch(`${server.url}shrinks.bin`)
    truncateSync(path, 10)
    await expect(response.arrayBuffer()).rejects.toThrow()
  })
})

describe('many clients', () => {
  it('do not keep one more waiting, though hundreds take nothing', async () => {
    const port = Number(new URL(server.url).port)
    const slow = await Promise.all(
      Array.from(
        { length: 600 },
        () =>
          new Promise<Socket>((resolve) => {
            const socket = connect(port, '127.0.0.1', () => resolve(socket)).pause()
            socket.on('error', () => undefined)
            socket.write('GET /large.bin HTTP/1.1\r\nhost: x\r\n\r\n')
          }),
      ),
    )
    await new Promise((resolve) => setTimeout(resolve, 500))
    const before = process.cpuUsage()
    expect(await (await fetch(`${server.url}plain.json`)).text()).toBe('{}')
    const { user, system } = process.cpuUsage(before)
    expect(slow.filter(({ destroyed }) => destroyed)).toEqual([])
    for (const socket of slow) socket.destroy()
    // Whatever else the machine does: some 10 ms of the processor, and not what hundreds of others would take.
    expect((user + system) / 1000).toBeLessThan(5_000)
  })

  it('get all of a large file, and those that go away midway do no harm', async () => {
    const stop = new AbortController()
    const leaving = await fetch(`${server.url}large.bin`, { signal: stop.signal })
    stop.abort()
    await expect(leaving.arrayBuffer()).rejects.toThrow()
    const whole = new Uint8Array(await (await fetch(`${server.url}large.bin`)).arrayBuffer())
    expect(whole.length).toBe(LARGE_BYTES)
    expect(whole.every((byte) => byte === 7)).toBe(true)
  })

  it('have their turns by how much they had', async () => {
    const turns = new FairTurns(1)
    const order: number[] = []
    let end = (): void => undefined
    const first = turns.take(0, () => new Promise<void>((resolve) => (end = resolve)))
    const others = [500, 20, 0, 20].map((had, i) =>
      turns.take(had, () => Promise.resolve(void order.push(i))),
    )
    const failing = turns
      .take(1, () => {
        order.push(9)
        return Promise.reject(new Error('gone'))
      })
      .catch(() => undefined)
    end()
    await Promise.all([first, failing, ...others])
    expect(order).toEqual([2, 9, 1, 3, 0])
    await expect(turns.take(0, () => Promise.resolve('free again'))).resolves.toBe('free again')
  })
})
