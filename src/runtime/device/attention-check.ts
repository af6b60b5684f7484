/**
 * A self-test of a device: attention as the vision encoder runs it, by ONNX Runtime's shaders and in plain JavaScript.
 * With the `subgroups` feature ONNX Runtime takes other shaders, which are wrong on some adapters
 * (docs/decisions/005-subgroups.md).
 */
import { fromBase64 } from '../../pack/bytes.ts'
import type { Compute } from './compute.ts'
import { Runtime } from '../ort/runtime.ts'
import { disposeTensors, type DeviceTensor } from '../ort/tensor.ts'

/** The vision encoder's head size, which is no multiple of a subgroup. */
export const HEAD_SIZE = 88
export const HEADS = 2
/** Enough rows for the shaders of a prompt or a picture; fewer take those of single steps, which are right everywhere. */
export const QUERIES = 64
/** No multiple of anything, so that the last subgroup is partly empty. */
export const KEYS = 77

/**
 * ONNX files, base64: query [1, QUERIES, HEADS · HEAD_SIZE], key and value [1, KEYS, …] → the output `float32`, and
 * `float16` besides, computed in that type. Made ahead, because the graph builder would bring its protobuf along; the
 * test makes them anew and compares.
 */
export const GRAPHS = {
  float32:
    'CAoSB3BpY3RhbGs6sgIKdAoFcXVlcnkKA2tleQoFdmFsdWUSFE11bHRpSGVhZEF0dGVudGlvbl8xGhRNdWx0aUhlYWRBdHRlbnRpb24vMCISTXVsdGlIZWFkQXR0ZW50aW9uKhAKCW51bV9oZWFkcxgCoAECOg1jb20ubWljcm9zb2Z0CjcKFE11bHRpSGVhZEF0dGVudGlvbl8xEgdmbG9hdDMyGgpJZGVudGl0eS8xIghJZGVudGl0eToAEglhdHRlbnRpb25aHAoFcXVlcnkSEwoRCAESDQoCCAEKAghACgMIsAFaGgoDa2V5EhMKEQgBEg0KAggBCgIITQoDCLABWhwKBXZhbHVlEhMKEQgBEg0KAggBCgIITQoDCLABYh4KB2Zsb2F0MzISEwoRCAESDQoCCAEKAghACgMIsAFCBAoAEBVCEQoNY29tLm1pY3Jvc29mdBAB',
  both: 'CAoSB3BpY3RhbGs6tQUKdAoFcXVlcnkKA2tleQoFdmFsdWUSFE11bHRpSGVhZEF0dGVudGlvbl8xGhRNdWx0aUhlYWRBdHRlbnRpb24vMCISTXVsdGlIZWFkQXR0ZW50aW9uKhAKCW51bV9oZWFkcxgCoAECOg1jb20ubWljcm9zb2Z0CjcKFE11bHRpSGVhZEF0dGVudGlvbl8xEgdmbG9hdDMyGgpJZGVudGl0eS8xIghJZGVudGl0eToACioKBXF1ZXJ5EgZDYXN0XzIaBkNhc3QvMiIEQ2FzdCoJCgJ0bxgKoAECOgAKKAoDa2V5EgZDYXN0XzMaBkNhc3QvMyIEQ2FzdCoJCgJ0bxgKoAECOgAKKgoFdmFsdWUSBkNhc3RfNBoGQ2FzdC80IgRDYXN0KgkKAnRvGAqgAQI6AAp5CgZDYXN0XzIKBkNhc3RfMwoGQ2FzdF80EhRNdWx0aUhlYWRBdHRlbnRpb25fNRoUTXVsdGlIZWFkQXR0ZW50aW9uLzUiEk11bHRpSGVhZEF0dGVudGlvbioQCgludW1faGVhZHMYAqABAjoNY29tLm1pY3Jvc29mdAo5ChRNdWx0aUhlYWRBdHRlbnRpb25fNRIGQ2FzdF82GgZDYXN0LzYiBENhc3QqCQoCdG8YAaABAjoACikKBkNhc3RfNhIHZmxvYXQxNhoKSWRlbnRpdHkvNyIISWRlbnRpdHk6ABIJYXR0ZW50aW9uWhwKBXF1ZXJ5EhMKEQgBEg0KAggBCgIIQAoDCLABWhoKA2tleRITChEIARINCgIIAQoCCE0KAwiwAVocCgV2YWx1ZRITChEIARINCgIIAQoCCE0KAwiwAWIeCgdmbG9hdDMyEhMKEQgBEg0KAggBCgIIQAoDCLABYh4KB2Zsb2F0MTYSEwoRCAESDQoCCAEKAghACgMIsAFCBAoAEBVCEQoNY29tLm1pY3Jvc29mdBAB',
}

/** How far each result may be off; values lie within ±1, right shaders stay below 1e-6 and 2e-3, wrong ones reach 0.1. */
const TOLERANCE = { float32: 1e-4, float16: 2e-2 }

/** Whether the device computes attention right, in float32 and, where it has it, in float16. Throws what running throws. */
export async function attendsRightly(compute: Compute): Promise<boolean> {
  const errors = await attentionErrors(compute)
  return errors.float32 <= TOLERANCE.float32 && (errors.float16 ?? 0) <= TOLERANCE.float16
}

export interface AttentionErrors {
  /** The largest difference from plain JavaScript. */
  float32: number
  /** Null where the device has no float16. */
  float16: number | null
}

/** One session and one run, both let go of. */
export async function attentionErrors(compute: Compute): Promise<AttentionErrors> {
  const runtime = await Runtime.open(compute)
  const graph = fromBase64(compute.f16 ? GRAPHS.both : GRAPHS.float32)
  const session = await runtime.session({ graph, keepOnDevice: [] })
  const width = HEADS * HEAD_SIZE
  const uniform = uniformValues()
  // Sharp enough that a key which counts twice, or not at all, shows.
  const query = Float32Array.from({ length: QUERIES * width }, () => 4 * uniform())
  const key = Float32Array.from({ length: KEYS * width }, uniform)
  const value = Float32Array.from({ length: KEYS * width }, uniform)
  const feeds = {
    query: runtime.tensor('float32', query, [1, QUERIES, width]),
    key: runtime.tensor('float32', key, [1, KEYS, width]),
    value: runtime.tensor('float32', value, [1, KEYS, width]),
  }
  try {
    const outputs = await session.run(feeds)
    const expected = attention(query, key, value)
    const errorOf = async (tensor: DeviceTensor | undefined): Promise<number | null> => {
      if (tensor === undefined) return null
      const values = await tensor.read()
      tensor.dispose()
      return largestDifference(values, expected)
    }
    return { float32: (await errorOf(outputs['float32'])) ?? NaN, float16: await errorOf(outputs['float16']) }
  } finally {
    disposeTensors(feeds)
    await session.dispose()
  }
}

/** softmax(q·k / √HEAD_SIZE)·v for each head; rows × (heads · head size). */
function attention(query: Float32Array, key: Float32Array, value: Float32Array): Float32Array {
  const width = HEADS * HEAD_SIZE
  const out = new Float32Array(QUERIES * width)
  for (let head = 0; head < HEADS; head += 1) {
    const at = (row: number): number => row * width + head * HEAD_SIZE
    for (let row = 0; row < QUERIES; row += 1) {
      const q = query.subarray(at(row), at(row) + HEAD_SIZE)
      const weights = Array.from({ length: KEYS }, (_, k) =>
        Math.exp(q.reduce((sum, x, i) => sum + x * (key[at(k) + i] ?? 0), 0) / Math.sqrt(HEAD_SIZE)),
      )
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      for (let i = 0; i < HEAD_SIZE; i += 1) {
        const sum = weights.reduce((sum, weight, k) => sum + weight * (value[at(k) + i] ?? 0), 0)
        out[at(row) + i] = sum / total
      }
    }
  }
  return out
}

/** NaN when anything is. */
function largestDifference(values: Float32Array, expected: Float32Array): number {
  if (values.length !== expected.length) return NaN
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? NaN))), 0)
}

/** The same values each time, within ±1, in steps that float16 holds exactly. */
function uniformValues(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return ((state >>> 25) - 64) / 64
  }
}
