import { vi } from 'vitest'
import { commandsOf } from '../src/cli/commands.ts'
import { runCommandLine } from '../src/cli/program.ts'
import type { Outcome } from './command-line.ts'

/**
 * Calls the command line in this process: to begin one takes longer than most of what it is asked. For all but models that
 * run, which have a thread of their own whose file only the program finds.
 */
export async function pictalkHere(...args: string[]): Promise<Outcome> {
  const said = { stdout: '', stderr: '' }
  const hear =
    (stream: keyof typeof said) =>
    (line: string): void =>
      void (said[stream] += `${line}\n`)
  const log = vi.spyOn(console, 'log').mockImplementation(hear('stdout'))
  const error = vi.spyOn(console, 'error').mockImplementation(hear('stderr'))
  try {
    const status = await runCommandLine(args, commandsOf(new AbortController().signal))
    return { status, ...said }
  } finally {
    log.mockRestore()
    error.mockRestore()
  }
}
