import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleCommandLine, bundleForNode, type CommandLine } from '../../testing/command-line.ts'
import type { AppError } from '../pack/failure.ts'
import { convertInto, type ConvertIntoOptions } from './convert-into.ts'
import { folderTree } from './files.ts'
import { owningFolder } from './folder-lock.ts'
import { verifyPack } from './verify.ts'

const CHECKPOINT = 'models/reference/short-tied'
let root = ''
let commandLine: CommandLine

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'pictalk-into-'))
  commandLine = await bundleCommandLine()
})
afterAll(() => {
  commandLine.remove()
  rmSync(root, { recursive: true })
})

let count = 0
const fresh = (): string => join(root, `out-${(count += 1)}`)
const options = (onProgress: ConvertIntoOptions['onProgress'] = () => undefined): ConvertIntoOptions => ({
  precision: 'q8',
  name: 'made',
  signal: new AbortController().signal,
  onProgress,
})
const tree = folderTree(CHECKPOINT)
const locksIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.lock'))

describe('owningFolder', () => {
  it('lets one of several in who come at once, and the next when it is done', async () => {
    const folder = fresh()
    let inside = 0
    let most = 0
    const attempts = Array.from({ length: 8 }, () =>
      owningFolder(folder, async () => {
        most = Math.max(most, (inside += 1))
        await new Promise((resolve) => setTimeout(resolve, 100))
        writeFileSync(join(folder, 'kept'), '')
        inside -= 1
      }).then(
        () => 'done',
        (error: unknown) => (error as AppError).code,
      ),
    )
    const outcomes = await Promise.all(attempts)
    expect(most).toBe(1)
    expect(new Set(outcomes)).toEqual(new Set(['busy', 'done']))
    await expect(owningFolder(folder, () => Promise.resolve('next'))).resolves.toBe('next')
    expect(readdirSync(folder)).toEqual(['kept'])
  })

  it('says which process holds it, and takes over from one that was killed', async () => {
    const folder = fresh()
    const holder = join(root, 'holder.mjs')
    await bundleForNode('src/cli/folder-lock.ts', join(root, 'folder-lock.mjs'))
    writeFileSync(
      holder,
      `import { owningFolder } from './folder-lock.mjs'
      await owningFolder(process.argv[2], async () => {
        process.stdout.write('held')
        await new Promise((resolve) => setTimeout(resolve, 60_000))
      })`,
    )
    const child = spawn(process.execPath, [holder, folder])
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await expect(owningFolder(folder, () => Promise.resolve())).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringContaining(`Process ${child.pid} `) as string,
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    expect(locksIn(folder)).toHaveLength(1)
    await expect(owningFolder(folder, () => Promise.resolve('mine'))).resolves.toBe('mine')
  })

  it.runIf(process.platform === 'linux')(
    'takes over from a process whose number another has now, and from before a restart of the machine',
    async () => {
      const folder = fresh()
      let own = ''
      await owningFolder(folder, () => {
        own = locksIn(folder)[0] ?? ''
        writeFileSync(join(folder, 'kept'), '')
        return Promise.resolve()
      })
      const [, pid, started, boot, machine, id] = /^\.pictalk-(.*)-(.*)-(.*)-(.*)-(.*)\.lock$/.exec(own) ?? []
      const claimed = async (...parts: (string | undefined)[]): Promise<string> => {
        writeFileSync(join(folder, `.pictalk-${parts.join('-')}.lock`), 'far-away\n')
        return owningFolder(folder, () => Promise.resolve('mine')).catch(
          (error: unknown) => (error as AppError).message,
        )
      }
      expect(await claimed(pid, '1', boot, machine, id)).toBe('mine')
      expect(await claimed(pid, started, 'abc', machine, id)).toBe('mine')
      // Where the system does not tell when a process began, its number alone counts.
      expect(await claimed('4194304', '0', boot, machine, id)).toBe('mine')
      expect(locksIn(folder)).toEqual([])
      expect(await claimed(pid, '0', boot, machine, id)).toMatch(/is writing into .* just now/)
      rmSync(join(folder, locksIn(folder)[0] ?? ''))
      // Whether a process of another machine has ended cannot be seen from here.
      expect(await claimed(pid, started, boot, 'abc', id)).toMatch(
        /of far-away .* delete .*\.lock if you know/,
      )
    },
  )

  it('takes away the folders that it made when nothing came of it', async () => {
    const folder = join(fresh(), 'deep', 'er')
    await expect(owningFolder(folder, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(readdirSync(root)).not.toContain(`out-${count}`)
  })
})

describe('convertInto', () => {
  it('is done only when the bytes on the disk are those of the manifest', async () => {
    const folder = fresh()
    let spoilt = false
    const spoil = (what: string): void => {
      // Behind the converter's back, once the first chunk is on the disk.
      if (spoilt || !what.startsWith('q-former')) return
      spoilt = true
      writeFileSync(
        join(folder, 'vision.weights'),
        readFileSync(join(folder, 'vision.weights')).fill(1, 7, 8),
      )
    }
    await expect(convertInto(folder, tree, options(spoil))).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('vision.weights') as string,
    })
    expect(spoilt).toBe(true)
    expect(readdirSync(folder)).not.toContain('pack.json')
    await convertInto(folder, tree, options())
    expect(await verifyPack(folder)).toEqual([])
    expect(locksIn(folder)).toEqual([])
  })

  it('keeps two processes out of one folder: one ends well, the other says who is at it, the pack is whole', async () => {
    const folder = fresh()
    const convert = (): ReturnType<CommandLine['run']> =>
      commandLine.run('convert', '--from', CHECKPOINT, '--out', folder, '--precision', 'q8')
    const outcomes = await Promise.all([convert(), convert(), convert()])
    const done = outcomes.filter(({ status }) => status === 0)
    expect(done.length).toBeGreaterThan(0)
    for (const { status, stderr } of outcomes) {
      if (status !== 0) expect(stderr).toMatch(/^pictalk: Process \d+ is writing into .* \[busy\]\n$/)
    }
    expect(await verifyPack(folder)).toEqual([])
  })

  it('does not write into a checkpoint', async () => {
    const checkpoint = fresh()
    cpSync(CHECKPOINT, checkpoint, { recursive: true })
    const before = readdirSync(checkpoint).sort()
    const attempt = convertInto(checkpoint, folderTree(checkpoint), options())
    await expect(attempt).rejects.toMatchObject({ code: 'bad-usage' })
    expect(readdirSync(checkpoint).sort()).toEqual(before)
  })

  it.each(['/proc/x/y', '/dev/null', '/dev/null/x', '/sys/x'])(
    'says at once that nothing can be written to %s',
    async (folder) => {
      await expect(convertInto(folder, tree, options())).rejects.toMatchObject({ code: 'bad-usage' })
    },
  )

  it('says so when a file is in the way', async () => {
    const file = fresh()
    writeFileSync(file, 'mine')
    await expect(convertInto(file, tree, options())).rejects.toMatchObject({ code: 'bad-usage' })
    await expect(convertInto(join(file, 'in'), tree, options())).rejects.toMatchObject({ code: 'bad-usage' })
    const folder = fresh()
    mkdirSync(join(folder, 'vision.weights'), { recursive: true })
    await expect(convertInto(folder, tree, options())).rejects.toMatchObject({ code: 'bad-usage' })
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })
})
