import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pictalkHere } from '../../testing/command-line-here.ts'
import { manifestAround } from '../../testing/manifests/manifests.ts'
import { parseManifest } from '../pack/manifest.ts'
import { describePack } from './describe-pack.ts'
import { replaceFile } from './durable.ts'
import { openPackFolder, readWhole } from './files.ts'
import { fromHere } from './from-here.ts'
import { failOf } from './system-errors.ts'

const HOSTILE = 'x\u001b[2J\u009b31m\u202e\nNext'
let root = ''

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'pictalk-refusals-'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  writeFileSync(join(root, 'file'), 'text')
})
afterAll(() => {
  rmSync(root, { recursive: true })
})

function hostilePack(): string {
  const folder = mkdtempSync(join(root, 'pack-'))
  const chunk = { bytes: 2 ** 20, sha256: '0'.repeat(64) }
  const files = ['vision.weights', 'vision.onnx'].map((path) => ({ path, bytes: 2 ** 20, chunks: [chunk] }))
  const manifest = {
    ...manifestAround(files),
    name: HOSTILE,
    licence: HOSTILE,
    licenceNotice: HOSTILE,
    unknownTensors: [HOSTILE],
    checks: [{ name: HOSTILE, ok: true, detail: HOSTILE }],
  }
  writeFileSync(join(folder, 'pack.json'), JSON.stringify(manifest))
  return folder
}

describe('text of others', () => {
  it('gives no orders to the terminal, for people and for programs', async () => {
    const folder = hostilePack()
    const { manifest } = await openPackFolder(folder)
    const people = await pictalkHere('inspect', folder)
    expect(people.stdout).toMatch(/^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]+$/)
    expect(people.stdout.trimEnd().split('\n')).toHaveLength(describePack(manifest).length)
    const programs = await pictalkHere('inspect', folder, '--json')
    expect(programs.stdout).toMatch(/^[^\p{Cc}\u202a-\u202e]+\n$/u)
    expect(parseManifest(programs.stdout)).toEqual(manifest)
    const failing = await pictalkHere('verify', join(root, HOSTILE))
    expect(failing.stderr).toMatch(/^pictalk: [^\p{Cc}\u202a-\u202e]+ \[not-found\]\n$/u)
    const wrong = await pictalkHere('inspect', folder, `--${HOSTILE}`)
    expect(wrong.stderr).toMatch(/^pictalk: [^\p{Cc}\u202a-\u202e]+ \[bad-usage\]\n$/u)
  })
})

describe('paths', () => {
  it('that are empty name nothing', async () => {
    expect(() => fromHere('')).toThrow(expect.objectContaining({ code: 'bad-usage' }))
    const before = readdirSync('.')
    for (const args of [
      ['convert', '--from', 'models/reference/short-tied', '--out', ''],
      ['convert', '--from', '', '--out', join(root, 'none')],
      ['serve', ''],
    ]) {
      const { status, stderr } = await pictalkHere(...args)
      expect(stderr).toMatch(/^pictalk: A path is empty.*\[bad-usage\]\n$/)
      expect(status).toBe(2)
    }
    expect(readdirSync('.')).toEqual(before)
    expect(readdirSync(root)).not.toContain('none')
  })

  it.each(['pipe', '.', '/dev/zero', '/dev/tty', 'file/below'])(
    'of a picture must lead to a file: %s',
    async (path) => {
      await expect(readWhole(join(path.startsWith('/') ? '' : root, path), 100)).rejects.toMatchObject({
        code: 'bad-usage',
      })
    },
  )

  it('of a picture that is not there, too large, or good', async () => {
    await expect(readWhole(join(root, 'none'), 100)).rejects.toMatchObject({ code: 'not-found' })
    await expect(readWhole(join(root, 'file'), 3)).rejects.toMatchObject({ code: 'bad-usage' })
    expect(Buffer.from(await readWhole(join(root, 'file'), 4)).toString()).toBe('text')
  })

  it('of what is written never replace a device, a pipe or a folder', async () => {
    mkdirSync(join(root, 'folder'))
    for (const path of [join(root, 'pipe'), join(root, 'folder')])
      await expect(replaceFile(path, new Uint8Array(1))).rejects.toMatchObject({ code: 'bad-usage' })
    symlinkSync('/dev/full', join(root, 'full.part'))
    await expect(replaceFile(join(root, 'full'), new Uint8Array(1))).rejects.toMatchObject({
      code: 'no-space',
    })
    await replaceFile(join(root, 'new'), [new Uint8Array([1]), new Uint8Array([2])])
    expect([...readFileSync(join(root, 'new'))]).toEqual([1, 2])
  })
})

describe('what the system says', () => {
  it.each([
    ['EROFS', 'bad-usage', /can only be read/],
    ['EACCES', 'bad-usage', /permissions/],
    ['ENOSPC', 'no-space', /disk is full/],
    ['EIO', 'corrupt', /disk reports an error/],
    ['EMFILE', 'busy', /Too many files/],
    ['ENAMETOOLONG', 'bad-usage', /longer than a name/],
    ['ELOOP', 'bad-usage', /ELOOP/],
  ])('%s is said in a true sentence', (code, failure, sentence) => {
    const cause = Object.assign(new Error(code), { code })
    for (const doing of ['read', 'written'] as const) {
      const error: unknown = expect.objectContaining({
        code: failure,
        message: expect.stringMatching(sentence) as string,
      })
      expect(() => failOf(cause, '/x', doing)).toThrow(error)
      expect(() => failOf(cause, '/x', doing)).not.toThrow(/There is no/)
    }
  })

  it('is told apart from our own mistakes', () => {
    expect(() => failOf(new TypeError('ours'), '/x', 'read')).toThrow('ours')
  })
})
