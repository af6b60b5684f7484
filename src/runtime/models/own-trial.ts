/** What trials of our kernels have in common, whichever part of a model they are for. */
import type { OwnKernels } from '../../pack/device-report.ts'
import { partNamed } from '../../pack/families.ts'
import type { Compute } from '../device/compute.ts'
import { measuredAlone } from '../device/measured-alone.ts'
import { KernelsFailed, withoutComplaints } from '../wgsl/gpu/guard.ts'
import { NotForKernels } from '../wgsl/weights/stored.ts'
import type { JudgementKey, KernelPart, PartsOpener } from './open-parts.ts'
import type { Trial, TryOptions } from './own-kernels.ts'

/** Why kernels of our own are not even tried for a part; null where they are. */
export function leftOut(
  { trial: { kernels = 'never', without = {} }, runtime: { compute } }: PartsOpener,
  part: KernelPart,
): OwnKernels | null {
  if (compute.device === null) return 'no-gpu'
  if (kernels === 'never') return 'left-out'
  const failure = without[part]
  if (failure !== undefined) return failure
  return compute.software && kernels !== 'always' ? 'software' : null
}

/** A trial of a part's on `device`, where ours must be `gain` times as fast unless they are wanted in any case. */
export function trialOf(
  parts: PartsOpener,
  part: KernelPart,
  { version, gain, device }: { version: number; gain: number; device: GPUDevice },
): Trial {
  const { kernels, judgements, onTrial } = parts.trial
  const { signal } = parts
  // On a software adapter nothing is chosen by what it takes, and others would be waited for in vain.
  const alone: Trial['alone'] = parts.runtime.compute.software
    ? undefined
    : (work) => measuredAlone(work, { signal })
  return {
    key: judgementKey(parts, part, version),
    judgements,
    gain: kernels === 'always' ? 0 : gain,
    alone,
    giveUpDevice: () => device.destroy(),
    onTrial: (ifLost) => onTrial?.(ifLost && { [part]: ifLost }),
  }
}

/** What is planned of our kernels; null where pack or device is not for them, as far as can be said before. */
export function fitting<T>(plan: () => T): T | null {
  try {
    return plan()
  } catch (error) {
    if (error instanceof NotForKernels) return null
    throw error
  }
}

/**
 * Ours, opened and tested, and what the test found out; null where that is null, since they come out otherwise. What is
 * not used is disposed of, but for what does not come back. Throws what both throw, and `KernelsFailed` for complaints of
 * the device while they were opened.
 */
export async function openedAndTested<O, T>(
  device: GPUDevice,
  open: () => Promise<O>,
  test: (own: O) => Promise<T | null>,
  dispose: (own: O) => Promise<void>,
): Promise<{ own: O; outcome: T } | null> {
  const own = await withoutComplaints(device, open, dispose)
  try {
    const outcome = await test(own)
    if (outcome !== null) return { own, outcome }
  } catch (error) {
    // On a device that does not come back nothing is waited for.
    if (!(error instanceof KernelsFailed && error.how === 'stuck')) await dispose(own)
    throw error
  }
  await dispose(own)
  return null
}

/** How kernels are compiled in a trial: at risk, unless the same have been compiled here before. */
export function whileCompiling(
  known: boolean,
  atRisk: TryOptions['atRisk'],
): <T>(compiling: () => Promise<T>) => Promise<T> {
  return (compiling) => (known ? compiling() : atRisk('memory', compiling))
}

/** What a judgement of a part holds for. `version` is that of kernels and test. */
function judgementKey(
  { manifest, runtime: { compute } }: PartsOpener,
  part: KernelPart,
  version: number,
): JudgementKey {
  const weights = partNamed(manifest, part)?.weights
  const hashes = manifest.files.find(({ path }) => path === weights)?.chunks.map(({ sha256 }) => sha256) ?? []
  const device = [compute.adapter, compute.f16 ? 'f16' : 'f32', compute.subgroups ?? '']
  const { navigator } = globalThis as { navigator?: { userAgent?: string } }
  return {
    subject: [part, ...hashes, ...device].join(' '),
    state: [version, navigator?.userAgent ?? ''].join(' '),
  }
}

/**
 * What kernels of ours may take in milliseconds before they are taken not to come back: compiling them, the first runs of
 * a test, and the rest of it. A card takes a second or two for each.
 */
const LIMITS = { compileMs: 60_000, firstRunsMs: 20_000, testMs: 60_000 }

/** The same for a test, in tokens or pictures of ONNX Runtime's: for a device that is slow and nothing else. */
export interface TestWork {
  firstRuns: number
  test: number
}

/** What compiling them may take; a software adapter takes its time, and nobody waits there but who asked for it. */
export function compileLimit({ software }: Pick<Compute, 'software'>): number {
  return software ? Infinity : LIMITS.compileMs
}

/** What a test may take where a token or a picture takes ONNX Runtime `otherMs`. */
export function testLimits(
  { software }: Pick<Compute, 'software'>,
  work: TestWork,
  otherMs: number,
): { firstRunsMs: number; testMs: number } {
  if (software) return { firstRunsMs: Infinity, testMs: Infinity }
  return {
    firstRunsMs: Math.max(LIMITS.firstRunsMs, work.firstRuns * otherMs),
    testMs: Math.max(LIMITS.testMs, work.test * otherMs),
  }
}
