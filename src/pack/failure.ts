/**
 * One closed list of what can go wrong, so that every boundary (thread, command line, page) can turn a failure
 * into a sentence and an action. Inside a stage errors are thrown; across threads they travel as `Failure` values.
 */
export const FAILURE_CODES = [
  'bad-usage',
  'bad-image',
  'image-too-large',
  'bad-checkpoint',
  'unsupported-model',
  'bad-pack',
  'bad-file',
  'corrupt',
  'not-found',
  'no-space',
  'network',
  'stalled',
  'busy',
  'forbidden',
  'bad-response',
  'upstream-changed',
  'out-of-memory',
  'device-lost',
  'prompt-too-long',
  'cancelled',
  'bug',
] as const

export type FailureCode = (typeof FAILURE_CODES)[number]

/** A failure as plain data: survives `postMessage` and JSON. `message` is one sentence for a person. */
export interface Failure {
  code: FailureCode
  message: string
}

/** What every stage throws. `message` says in one sentence what is wrong and what to do. */
export class AppError extends Error {
  readonly code: FailureCode

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
  }
}

/** Turns anything thrown into a `Failure`. What we did not foresee becomes `bug` with its own text kept. */
export function toFailure(error: unknown): Failure {
  if (error instanceof AppError) return { code: error.code, message: error.message }
  if (error instanceof Error && error.name === 'AbortError') return { code: 'cancelled', message: 'Stopped.' }
  return {
    code: 'bug',
    message: `Something unexpected went wrong: ${error instanceof Error ? error.message : String(error)}`,
  }
}

/** Throws `cancelled` when the signal has fired. Looked at between steps: cancelling is cooperative. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AppError('cancelled', 'Stopped.')
}

/** Settles as `work` does, or rejects `cancelled` as soon as the signal fires; the work itself goes on. */
export async function orCancelled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave = (): void => undefined
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(new AppError('cancelled', 'Stopped.'))
  })
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave)
  try {
    return await Promise.race([work, left])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
