/** Writes a safetensors file: an 8-byte header length, a JSON header, the values one after the other. */
import { replaceFile } from './durable.ts'

export interface NamedTensor {
  name: string
  shape: number[]
  values: Float32Array | BigInt64Array
}

export async function writeSafetensors(path: string, tensors: NamedTensor[]): Promise<void> {
  let offset = 0
  const entries = tensors.map(({ name, shape, values }) => {
    const start = offset
    offset += values.byteLength
    return [
      name,
      { dtype: values instanceof Float32Array ? 'F32' : 'I64', shape, data_offsets: [start, offset] },
    ]
  })
  const json = JSON.stringify(Object.fromEntries(entries))
  // Padded with spaces so that the values are aligned, as the format recommends.
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const data = tensors.map(({ values }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength))
  await replaceFile(path, [length, header, ...data])
}
