import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { allProcesses, killTree, withDescendants } from './process-tree.ts'

/** Starts a process in a group of its own, as browsers are started, says its number and waits. */
const STARTS_ANOTHER = `
  const other = require('node:child_process').spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
  console.log(other.pid)
  setInterval(() => undefined, 1000)
`

it('What a process started ends with it, in whatever group it is', async () => {
  const child = spawn(process.execPath, ['-e', STARTS_ANOTHER], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'close')
  const [told] = (await once(child.stdout, 'data')) as [Buffer]
  const other = told.toString().trim()
  const { pid = -1 } = child
  expect(withDescendants(allProcesses(), [String(pid)])).toEqual(new Set([String(pid), other]))
  killTree(pid)
  await ended
  // A process that was killed may still be listed, without a command, until somebody takes notice of it.
  await expect.poll(() => allProcesses().some((one) => one.pid === other && one.command !== '')).toBe(false)
})
