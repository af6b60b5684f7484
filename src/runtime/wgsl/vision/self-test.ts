/**
 * Whether our vision encoder computes on this device what ONNX Runtime computes there with the same weights, and how long
 * each takes. Both do the same work one after the other, so that their weights never lie in memory together.
 */
import { throwIfCancelled } from '../../../pack/failure.ts'
import type { VisionShape } from '../../../pack/shapes.ts'
import type { CacheType } from '../../../pack/targets.ts'
import { seededUniform } from '../../decode/sampling.ts'
import { BOUNDS, differenceOf } from '../../language/rows-check.ts'
import type { Runtime } from '../../ort/runtime.ts'
import type { Encoder } from './open-encoder.ts'

/** Pictures that the clock runs for, of which one is the median. */
const PICTURES = 3

/** To be raised when kernels or the test change: what was found out before holds no longer. */
export const ENCODER_TEST_VERSION = 2

/** What it may take on ours, in pictures of ONNX Runtime's: five times what the work is. */
export const ENCODER_TEST_WORK = { firstRuns: 5, test: 5 * (PICTURES + 1) }

/** How many times as fast as ONNX Runtime ours must be, to be worth having a second way to compute the same. */
export const ENCODER_GAIN = 1.5

/** Pixels [3, size, size] with shades and noise in the range of pictures, so that tokens differ and attend. */
export function testPicture({ imageSize }: Pick<VisionShape, 'imageSize'>): Float32Array<ArrayBuffer> {
  const next = seededUniform(1)
  return Float32Array.from({ length: 3 * imageSize ** 2 }, (_, i) => Math.sin(i / 97) + 2 * next() - 1)
}

/** What is tried. */
export interface TriedEncoder {
  encoder: Pick<Encoder, 'encode'>
  shape: VisionShape
  /** Looked at before each picture. */
  signal: AbortSignal | undefined
}

/** Features [tokens, hidden] of the test's picture. Throws `cancelled`. */
export async function testFeatures({
  encoder,
  shape,
  signal,
}: TriedEncoder): Promise<Float32Array<ArrayBuffer>> {
  throwIfCancelled(signal)
  const features = await encoder.encode(testPicture(shape))
  try {
    return await features.read()
  } finally {
    features.dispose()
  }
}

/** Whether those are features that ONNX Runtime would give. `type`: what its graph computes in. */
export function seesTheSame(features: Float32Array, expected: Float32Array, type: CacheType): boolean {
  // Not where either is no number.
  return differenceOf(features, expected) <= BOUNDS[type]
}

/**
 * Milliseconds until a picture's features are there: the median of several, behind `testFeatures`, which had the shaders
 * compiled. Throws `cancelled`.
 */
export async function pictureMs(
  runtime: Pick<Runtime, 'finished'>,
  { encoder, shape, signal }: TriedEncoder,
  now: () => number = () => performance.now(),
): Promise<number> {
  const pixels = testPicture(shape)
  const taken: number[] = []
  for (let i = 0; i < PICTURES; i += 1) {
    throwIfCancelled(signal)
    const began = now()
    const features = await encoder.encode(pixels)
    try {
      await runtime.finished()
    } finally {
      features.dispose()
    }
    taken.push(now() - began)
  }
  return taken.sort((a, b) => a - b)[PICTURES >> 1] ?? NaN
}
