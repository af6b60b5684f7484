/**
 * Trying kernels on a device that nobody has seen: what goes wrong there otherwise than by an exception is found out,
 * and nothing is waited for without end.
 */
import type { KernelFailure } from '../../../pack/device-report.ts'

/** Kernels of our own failed on this device. That is nobody's business but of who can go on without them. */
export class KernelsFailed extends Error {
  override readonly name = 'KernelsFailed'
  readonly how: KernelFailure

  constructor(how: KernelFailure, cause?: unknown) {
    super(`Kernels of our own failed here (${how}).`, { cause })
    this.how = how
  }
}

/** What a device tells of in error scopes only, and how kernels have failed then. The last one is opened last. */
const SCOPES: readonly [GPUErrorFilter, KernelFailure][] = [
  ['internal', 'invalid'],
  ['validation', 'invalid'],
  ['out-of-memory', 'memory'],
]

/**
 * As `work`, or throws `KernelsFailed` where the device had complaints about it; those say more than what else failed,
 * but for a `KernelsFailed` of `work`'s own, behind which nothing is waited for. `undo` lets go of what was made all the same.
 */
export async function withoutComplaints<T>(
  device: GPUDevice,
  work: () => Promise<T>,
  undo: (made: T) => Promise<void>,
): Promise<T> {
  for (const [filter] of SCOPES) device.pushErrorScope(filter)
  const [done] = await Promise.allSettled([work()])
  // All at once, so that nothing of what else runs comes between them.
  const told = SCOPES.toReversed().map(async ([, how]) => {
    // A device that went away has nothing to say, and in some browsers rejects.
    const error = await device.popErrorScope().catch(() => null)
    return error === null ? null : new KernelsFailed(how, error)
  })
  if (done.status === 'rejected' && done.reason instanceof KernelsFailed) throw done.reason
  const complaint = (await Promise.all(told)).find((one) => one !== null) ?? null
  if (done.status === 'rejected') throw complaint ?? done.reason
  if (complaint === null) return done.value
  await undo(done.value)
  throw complaint
}

/**
 * As `work`, or throws `KernelsFailed` when it has not settled after `ms`, which may be Infinity; what it comes to later
 * nobody hears of.
 */
export async function within<T>(ms: number, how: KernelFailure, work: Promise<T>): Promise<T> {
  if (ms === Infinity) return work
  work.catch(() => undefined)
  let timer: ReturnType<typeof setTimeout> | undefined
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new KernelsFailed(how)), ms)
  })
  try {
    return await Promise.race([work, overdue])
  } finally {
    clearTimeout(timer)
  }
}
