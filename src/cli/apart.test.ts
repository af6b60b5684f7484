import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleCommandLine, type CommandLine } from '../../testing/command-line.ts'
import { HOSTILE_QUESTION, writeHostilePack } from '../../testing/hostile-pack.ts'

const PICTURE = 'testing/images/good-rgb.png'
let folder = ''
let commandLine: CommandLine

beforeAll(async () => {
  commandLine = await bundleCommandLine()
  folder = mkdtempSync(join(tmpdir(), 'pictalk-hostile-'))
  writeHostilePack(folder)
})
afterAll(() => {
  commandLine.remove()
  rmSync(folder, { recursive: true })
})

interface Command {
  process: ChildProcess
  /** Settles when something was written to stdout. */
  firstWord: Promise<void>
  ended: Promise<{ status: number | null; stdout: string; stderr: string }>
}

function ask(...args: string[]): Command {
  const child = spawn(process.execPath, [...commandLine.command, 'ask', folder, PICTURE, ...args])
  let [stdout, stderr] = ['', '']
  const firstWord = new Promise<void>((resolve) =>
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString()
      resolve()
    }),
  )
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  const ended: Command['ended'] = new Promise((resolve) =>
    child.on('close', (status) => resolve({ status, stdout, stderr })),
  )
  return { process: child, firstWord, ended }
}

describe('a model that never comes back', () => {
  it('is left by Ctrl+C, with what it said before', async () => {
    const command = ask('--question', 'what is it?', '--question', HOSTILE_QUESTION)
    await command.firstWord
    command.process.kill('SIGINT')
    const { status, stdout, stderr } = await command.ended
    expect(status).toBe(1)
    expect(stdout.trim()).not.toBe('')
    expect(stderr).toMatch(/^pictalk: The model did not stop.*\[unresponsive\]\n$/)
  })

  it('is left when its time is over while a graph of it is folded', async () => {
    const folding = join(folder, 'folding')
    writeHostilePack(folding, 'folds')
    const command = spawn(process.execPath, [
      ...commandLine.command,
      ...['caption', folding, PICTURE, '--timeout', '3'],
    ])
    let stderr = ''
    command.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
    const status = await new Promise((resolve) => command.on('close', resolve))
    expect(status).toBe(1)
    expect(stderr).toMatch(/^pictalk: This took more than 3 s.*\[unresponsive\]\n$/)
  })

  it('is left when its time is over', async () => {
    const { status, stdout, stderr } = await ask('--question', HOSTILE_QUESTION, '--timeout', '3').ended
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^pictalk: This took more than 3 s.*--timeout.*\[unresponsive\]\n$/)
  })
})

it('A model that listens ends by itself at Ctrl+C', async () => {
  // So much to say that it is in the midst of it whenever the key is pressed.
  const questions = Array.from({ length: 40 }, (_, i) => ['--question', `why ${i}?`]).flat()
  const command = ask(...questions, '--min-new-tokens', '200', '--max-new-tokens', '200')
  await command.firstWord
  command.process.kill('SIGINT')
  expect(await command.ended).toMatchObject({ status: 1, stderr: 'pictalk: Stopped. [cancelled]\n' })
})

describe('A model on the graphics card, which runs in a process of its own,', () => {
  let pidFile = ''
  beforeAll(() => (pidFile = join(folder, 'pid')))

  /** A Dawn whose adapter is `adapter`: an expression. */
  function fakeDawn(adapter: string): void {
    const at = join(dirname(commandLine.program), 'node_modules/webgpu')
    mkdirSync(at, { recursive: true })
    writeFileSync(join(at, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
    const code = `
      import { writeFileSync } from 'node:fs'
      export const globals = { GPUQueue: class { writeBuffer() {} } }
      export function create() {
        writeFileSync(${JSON.stringify(pidFile)}, String(process.pid))
        return { requestAdapter: () => ${adapter} }
      }`
    writeFileSync(join(at, 'index.js'), code)
  }
  const NEVER = 'new Promise(() => setInterval(() => undefined, 1000))'

  it('is told of in a sentence where there is no card', async () => {
    fakeDawn('Promise.resolve(null)')
    const { status, stderr } = await ask('--question', 'what is it?', '--provider', 'webgpu').ended
    expect(status).toBe(1)
    expect(stderr).toMatch(/^pictalk: WebGPU found no graphics adapter here\. .*\[not-found\]\n$/)
  })

  it('is ended when its time is over', async () => {
    fakeDawn(NEVER)
    rmSync(pidFile, { force: true })
    // On a busy machine the first limit may be over before the process has begun.
    for (const seconds of ['2', '8', '30']) {
      const { status, stderr } = await ask(
        ...['--question', 'what is it?', '--provider', 'webgpu', '--timeout', seconds],
      ).ended
      expect(status).toBe(1)
      expect(stderr).toMatch(/^pictalk: This took more than \d+ s.*\[unresponsive\]\n$/)
      if (existsSync(pidFile)) break
    }
    expect(isRunning(Number(readFileSync(pidFile, 'utf8')))).toBe(false)
  })

  it('goes when the command line is killed', async () => {
    fakeDawn(NEVER)
    rmSync(pidFile, { force: true })
    const command = ask('--question', 'what is it?', '--provider', 'webgpu')
    await expect.poll(() => existsSync(pidFile), { timeout: 30_000 }).toBe(true)
    command.process.kill('SIGKILL')
    const pid = Number(readFileSync(pidFile, 'utf8'))
    await expect.poll(() => isRunning(pid), { timeout: 30_000 }).toBe(false)
  })
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
