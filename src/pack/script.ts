/** Scripts that are fetched when they are needed: an import has neither deadline nor signal, and shows no bytes. */
import { AppError } from './failure.ts'

/**
 * What `loading` gives. `purpose` completes "The part of this page that …". Throws `stalled` when it takes longer than
 * `patienceMs`, and `network` when it fails.
 */
export async function scriptInTime<T>(loading: Promise<T>, purpose: string, patienceMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AppError('stalled', 'It did not arrive in time.')), patienceMs)
  })
  try {
    return await Promise.race([loading, late])
  } catch (cause) {
    throw unfetched(purpose, cause)
  } finally {
    clearTimeout(timer)
  }
}

/** Why a part of the page is not here, in words for somebody who waits for it. */
export function unfetched(purpose: string, cause: unknown): AppError {
  if (cause instanceof AppError && cause.code === 'stalled')
    return new AppError(
      'stalled',
      `The part of this page that ${purpose} did not arrive in time; try again.`,
      { cause },
    )
  return new AppError(
    'network',
    `The part of this page that ${purpose} could not be fetched; try again when you are online.`,
    { cause },
  )
}
