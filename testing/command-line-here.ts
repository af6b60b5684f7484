import { vi } from 'vitest'
import { commandsOf } from '../src/cli/commands.ts'
import * as workers from '../src/cli/model-worker.ts'
import { runCommandLine } from '../src/cli/program.ts'
import { serveTalk } from '../src/cli/serve-talk.ts'
import type { Outcome } from './command-line.ts'

/**
 * Calls the command line in this process: to begin one takes longer than most of what it is asked. Models run here, too,
 * behind the same calls as in a thread of their own; a thread that has to be ended is for the program.
 */
export async function pictalkHere(...args: string[]): Promise<Outcome> {
  const said = { stdout: '', stderr: '' }
  const hear =
    (stream: keyof typeof said) =>
    (line: string): void =>
      void (said[stream] += `${line}\n`)
  const log = vi.spyOn(console, 'log').mockImplementation(hear('stdout'))
  const error = vi.spyOn(console, 'error').mockImplementation(hear('stderr'))
  const thread = vi.spyOn(workers, 'startThread').mockImplementation(modelHere)
  try {
    const status = await runCommandLine(args, commandsOf(new AbortController().signal))
    return { status, ...said }
  } finally {
    log.mockRestore()
    error.mockRestore()
    thread.mockRestore()
  }
}

function modelHere(): workers.ModelWorker {
  const { port1, port2 } = new MessageChannel()
  serveTalk(port2)
  for (const port of [port1, port2]) port.start()
  return {
    port: port1,
    end: () => {
      port1.close()
      return Promise.resolve()
    },
  }
}
