import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it, vi } from 'vitest'
import { runStages } from './run.ts'
import type { Step } from './steps.ts'

const folder = mkdtempSync(join(tmpdir(), 'pictalk-gate-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => {
  vi.spyOn(console, 'log').mockReturnValue()
})

const shell = (name: string, script: string): Step => ({ name, command: ['sh', '-c', script] })

it('Every step runs, though one failed', async () => {
  const limits = { seconds: 60, graceSeconds: 1 }
  const finished = await runStages([[[shell('first', 'exit 3'), shell('second', 'true')]]], limits)
  expect(finished.map(({ step, ok }) => [step.name, ok])).toEqual([
    ['first', false],
    ['second', true],
  ])
})

it('A step that does not end has failed when the time is up, with what it started, and so has what did not begin', async () => {
  const pidFile = join(folder, 'pid')
  // It hears no request to end, and began another that would outlive it.
  const deaf = shell('deaf', `trap '' INT; sleep 600 & echo $! > ${pidFile}; wait; sleep 600`)
  const stages = [[[deaf]], [[shell('later', `touch ${join(folder, 'later')}`)]]]
  const finished = await runStages(stages, { seconds: 0.5, graceSeconds: 0.2 })
  expect(finished.map(({ step, failed }) => [step.name, failed])).toEqual([
    ['deaf', 1],
    ['later', 1],
  ])
  expect(existsSync(join(folder, 'later'))).toBe(false)
  const pid = Number(readFileSync(pidFile, 'utf8'))
  await expect.poll(() => isRunning(pid)).toBe(false)
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A process that ended stays in the table until its parent asks for it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
