/**
 * Runs a model apart, where it can be ended. A tokenizer's pattern may backtrack for ever and a graph may be folded for
 * hours: work that hears neither Ctrl+C nor a clock.
 */
import type { Failure } from '../pack/failure.ts'
import { connect } from '../protocol/rpc.ts'
import { startProcess, startThread } from './model-worker.ts'
import { print, remark } from './output.ts'
import type { ProviderFlags } from './provider.ts'
import type { Line, TalkCalls } from './talk-calls.ts'

export interface TimeFlags {
  /** Seconds after which to give up; left out: never. */
  timeout?: number
}

/** How long it has, once it is told to stop. */
const PATIENCE_MS = 2_000

/** Throws `unresponsive` when it had to be ended. */
export async function apart<K extends keyof TalkCalls>(
  command: K,
  input: TalkCalls[K]['in'],
  { timeout }: TimeFlags,
  signal: AbortSignal,
): Promise<TalkCalls[K]['out']> {
  const worker = needsProcess(input) ? startProcess(stopped) : startThread(stopped)
  const client = connect<TalkCalls>(worker.port)
  const timers: NodeJS.Timeout[] = []
  const giveUp = (ms: number, failure: Failure): void =>
    void timers.push(setTimeout(() => client.fail(failure), ms))
  signal.addEventListener('abort', () => giveUp(PATIENCE_MS, NOT_STOPPED), { once: true })
  if (timeout !== undefined) giveUp(timeout * 1000, tooLong(timeout))
  try {
    return await client.call(command, input, { onEvent: say, signal })
  } finally {
    for (const timer of timers) clearTimeout(timer)
    await worker.end()
  }

  function stopped(why: string): void {
    client.fail({ code: 'bug', message: `The model stopped: ${why}` })
  }
}

/** Dawn aborts its whole process when a thread ends with work under way. */
function needsProcess({ flags }: { flags: ProviderFlags }): boolean {
  return flags.provider === 'webgpu'
}

function say(line: Line): void {
  if ('print' in line) print(line.print)
  else remark(line.remark)
}

const NOT_STOPPED: Failure = {
  code: 'unresponsive',
  message: 'The model did not stop when it was told to, so it was ended.',
}

function tooLong(seconds: number): Failure {
  return {
    code: 'unresponsive',
    message: `This took more than ${seconds} s, so it was ended; give it more time with --timeout.`,
  }
}
