/**
 * Runs a model in a thread that can be ended. A tokenizer's pattern may backtrack for ever and a graph may be folded for
 * hours: work that hears neither Ctrl+C nor a clock.
 */
import { Worker, type Transferable } from 'node:worker_threads'
import type { Failure } from '../pack/failure.ts'
import { connect } from '../protocol/rpc.ts'
import { print, remark } from './output.ts'
import type { Line, TalkCalls } from './talk-calls.ts'

export interface ThreadFlags {
  /** Seconds after which to give up; left out: never. */
  timeout?: number
}

/** How long the thread has, once it is told to stop. */
const PATIENCE_MS = 2_000

/** A thread does not inherit what has Node read TypeScript. */
const BOOT = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
  register()
  return import(${JSON.stringify(new URL('./talk.worker.ts', import.meta.url).href)})
})`

/** Throws `unresponsive` when it had to be ended. */
export async function inThread<K extends keyof TalkCalls>(
  command: K,
  input: TalkCalls[K]['in'],
  { timeout }: ThreadFlags,
  signal: AbortSignal,
): Promise<TalkCalls[K]['out']> {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(BOOT, {
    eval: true,
    workerData: port2,
    // Node's own port, which the types of browsers do not know as one.
    transferList: [port2 as unknown as Transferable],
  })
  const client = connect<TalkCalls>(port1)
  port1.start()
  const timers: NodeJS.Timeout[] = []
  const giveUp = (ms: number, failure: Failure): void =>
    void timers.push(setTimeout(() => client.fail(failure), ms))
  worker.on('error', (error) =>
    client.fail({ code: 'bug', message: `The model's thread stopped: ${error.message}` }),
  )
  signal.addEventListener('abort', () => giveUp(PATIENCE_MS, NOT_STOPPED), { once: true })
  if (timeout !== undefined) giveUp(timeout * 1000, tooLong(timeout))
  try {
    return await client.call(command, input, { onEvent: say, signal })
  } finally {
    for (const timer of timers) clearTimeout(timer)
    port1.close()
    await worker.terminate()
  }
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
