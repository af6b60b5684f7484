import { isRecord } from './json.ts'
import { sentence } from './printable.ts'

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
  'unresponsive',
  'prompt-too-long',
  'no-words',
  'cancelled',
  'bug',
] as const

export type FailureCode = (typeof FAILURE_CODES)[number]

/** What a program may want of a failure beside its sentence: a path, a setting's name, numbers. */
export type FailureDetails = Readonly<Record<string, string | number>>

/** The model's or its device's, and no fault of what it was asked about: worth another attempt. */
const OF_THE_MODEL: readonly FailureCode[] = ['device-lost', 'unresponsive', 'out-of-memory']

export function isOfTheModel(code: FailureCode): boolean {
  return OF_THE_MODEL.includes(code)
}

/** A failure as plain data: survives `postMessage` and JSON. `message` is one sentence for a person. */
export interface Failure {
  code: FailureCode
  message: string
  details?: FailureDetails
}

/** What every stage throws. `message` says in one sentence what is wrong and what to do; names in it are made printable and cut. */
export class AppError extends Error {
  readonly code: FailureCode
  readonly details: FailureDetails | undefined

  constructor(code: FailureCode, message: string, options: ErrorOptions & { details?: FailureDetails } = {}) {
    super(sentence(message), options)
    this.name = 'AppError'
    this.code = code
    this.details = options.details
  }
}

/** Turns anything thrown into a `Failure`. What we did not foresee becomes `bug` with its own text kept. */
export function toFailure(error: unknown): Failure {
  if (error instanceof AppError) {
    const { code, message, details } = error
    return { code, message, ...(details !== undefined && { details }) }
  }
  if (error instanceof Error && error.name === 'AbortError') return { code: 'cancelled', message: 'Stopped.' }
  return {
    code: 'bug',
    message: sentence(
      `Something unexpected went wrong: ${error instanceof Error ? error.message : String(error)}`,
    ),
  }
}

/** The failure in a value that was kept or sent, of a later version perhaps; null for what is none. */
export function failureIn(value: unknown): Failure | null {
  if (!isRecord(value) || typeof value['message'] !== 'string' || value['message'] === '') return null
  return { code: FAILURE_CODES.find((code) => code === value['code']) ?? 'bug', message: value['message'] }
}

/** A failure that came as a value, to be thrown again. */
export function fromFailure({ code, message, details }: Failure): AppError {
  return new AppError(code, message, details === undefined ? {} : { details })
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
