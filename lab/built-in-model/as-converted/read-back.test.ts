import { describe, expect, it } from 'vitest'
import { folderTree } from '../../../src/cli/files.ts'
import { elementsOf, type Checkpoint } from '../../../src/convert/checkpoint.ts'
import { openForConversion } from '../../../src/convert/convert.ts'
import { dequantiseBlocks, quantiseBlocks } from '../../../src/convert/quantise.ts'
import type { Precision } from '../../../src/pack/manifest.ts'
import { readBack } from './read-back.ts'

interface Converted {
  checkpoint: Checkpoint
  tensors: Map<string, Float32Array>
}

async function convert(name: string, precision: Precision): Promise<Converted> {
  const tree = folderTree(`models/reference/${name}`)
  const { checkpoint, plan } = await openForConversion(tree, precision, {})
  const parts = await Promise.all(plan.weights.map((weights) => readBack(weights, checkpoint)))
  return { checkpoint, tensors: new Map(parts.flatMap((part) => [...part])) }
}

function original({ checkpoint }: Converted, tensor: string): Promise<Float32Array> {
  return checkpoint.readElements(tensor, 0, elementsOf(checkpoint.tensors.get(tensor)?.shape ?? []))
}

/** Bit for bit; vitest takes seconds to compare arrays of this size. */
function areSame(a: Float32Array | undefined, b: Float32Array): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
    Buffer.from(buffer, byteOffset, byteLength)
  return a !== undefined && bytes(a).equals(bytes(b))
}

/** A matrix in blocks, straight from the quantiser. */
async function inBlocks(
  of: Converted,
  tensor: string,
  bits: 4 | 8,
  scales: 'float32' | 'float16' = 'float32',
): Promise<Float32Array> {
  const [rows = 0, columns = 0] = of.checkpoint.tensors.get(tensor)?.shape ?? []
  const blocks = quantiseBlocks(await original(of, tensor), rows, columns, bits, scales)
  return dequantiseBlocks(blocks, rows, columns, bits)
}

const VISION = 'vision_model.encoder.layers.0.mlp.fc1.weight'
const Q_FORMER = 'qformer.encoder.layer.0.crossattention.attention.value.weight'
const NORM = 'vision_model.post_layernorm.weight'

describe('a generator read back', () => {
  it.each(['short-tied', 'wide-image'])('is every tensor unchanged at fp32 (%s)', async (name) => {
    const whole = await convert(name, 'fp32')
    expect(whole.tensors.size).toBeGreaterThan(100)
    for (const [tensor, values] of whole.tensors)
      expect(areSame(values, await original(whole, tensor)), tensor).toBe(true)
  })

  it('is what the quantiser makes of each part', async () => {
    const q4 = await convert('wide-image', 'q4')
    expect(areSame(q4.tensors.get(VISION), await inBlocks(q4, VISION, 4))).toBe(true)
    expect(areSame(q4.tensors.get(Q_FORMER), await inBlocks(q4, Q_FORMER, 8))).toBe(true)
    expect(areSame(q4.tensors.get(NORM), await original(q4, NORM))).toBe(true)
    const q4f16 = await convert('wide-image', 'q4f16')
    expect(areSame(q4f16.tensors.get(VISION), await inBlocks(q4f16, VISION, 4, 'float16'))).toBe(true)
    expect(areSame(q4f16.tensors.get(Q_FORMER), await inBlocks(q4, Q_FORMER, 8))).toBe(true)
  })

  it('keeps rows that fill no blocks as they are', async () => {
    const q4 = await convert('short-tied', 'q4')
    expect(areSame(q4.tensors.get(VISION), await original(q4, VISION))).toBe(true)
  })
})
