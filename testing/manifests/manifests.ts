/** Manifests that are right: what tests begin with and then spoil. Runs in Node and in any page. */
import { chunkSizes } from '../../src/pack/chunks.ts'
import type { PackFile, PackManifest } from '../../src/pack/manifest.ts'

/** A small pack of the present format in which every optional field is there and one file has two chunks. */
export function goodManifest(): PackManifest<'blip2-opt'> {
  return {
    format: 'pictalk-pack',
    version: 2,
    name: 'a model',
    precision: 'q4f16',
    fingerprint: 'a'.repeat(64),
    licence: 'mit',
    licenceNotice: 'For tests only.',
    parameters: 100_000,
    family: 'blip2-opt',
    parts: {
      vision: {
        graphs: { wasm: 'vision.f32.onnx', webgpu: 'vision.f32.onnx', 'webgpu-f16': 'vision.f16.onnx' },
        weights: 'vision.weights',
        shape: { imageSize: 28, patchSize: 14, hiddenSize: 16, layers: 2, heads: 2, tokens: 5 },
      },
      'q-former': {
        graphs: { wasm: 'q-former.f32.onnx', webgpu: 'q-former.f32.onnx', 'webgpu-f16': 'q-former.f32.onnx' },
        weights: 'q-former.weights',
        shape: { queries: 4, hiddenSize: 8, layers: 2, heads: 2, embeddingSize: 24 },
      },
      decoder: {
        graphs: { wasm: 'decoder.wasm.onnx', webgpu: 'decoder.f32.onnx', 'webgpu-f16': 'decoder.f16.onnx' },
        weights: 'decoder.weights',
        shape: {
          queries: 4,
          hiddenSize: 24,
          layers: 2,
          heads: 2,
          headSize: 12,
          cacheHeadSize: 16,
          vocabulary: 100,
          positions: 64,
          bosId: 2,
          eosIds: [50, 51],
          imageTokenIds: [99],
          padId: 1,
        },
      },
    },
    preprocessing: { size: 28, rescaleFactor: 1 / 255, mean: [0.5, 0.4, 0.3], std: [0.25, 0.25, 0.5] },
    tokenizer: { tokenizer: 'tokenizer.json', config: 'tokenizer_config.json' },
    files: [
      fileOf('vision.weights', 20_000),
      fileOf('q-former.weights', 10_000),
      fileOf('decoder.weights', 33 * 2 ** 20),
      ...['vision.f16', 'vision.f32', 'q-former.f32', 'decoder.f16', 'decoder.f32', 'decoder.wasm'].map(
        (name) => fileOf(`${name}.onnx`, 1000),
      ),
      fileOf('tokenizer.json', 500),
      fileOf('tokenizer_config.json', 2),
    ],
    checks: [{ name: 'query tokens', ok: true, detail: 'not zero' }],
    unknownTensors: ['left.over'],
  }
}

function fileOf(path: string, bytes: number): PackFile {
  return { path, bytes, chunks: chunkSizes(bytes).map((size) => ({ bytes: size, sha256: '0'.repeat(64) })) }
}

/** The smallest model there can be, of which the largest file is all weights and the smallest every graph. */
export function manifestAround(files: readonly PackFile[]): PackManifest<'blip2-opt'> {
  const good = goodManifest()
  const bySize = files.toSorted((a, b) => a.bytes - b.bytes).map(({ path }) => path)
  const places = { graphs: { wasm: bySize[0] ?? '' }, weights: bySize.at(-1) ?? '' }
  const size = { hiddenSize: 1, layers: 1, heads: 1 }
  const ids = { bosId: 0, eosIds: [0], imageTokenIds: [], padId: 0 }
  return {
    ...good,
    precision: 'q4',
    preprocessing: { ...good.preprocessing, size: 1 },
    parts: {
      vision: { ...places, shape: { ...size, imageSize: 1, patchSize: 1, tokens: 2 } },
      'q-former': { ...places, shape: { ...size, queries: 1, embeddingSize: 1 } },
      decoder: {
        ...places,
        shape: { ...size, ...ids, queries: 1, headSize: 1, cacheHeadSize: 8, vocabulary: 1, positions: 2 },
      },
    },
    tokenizer: {},
    files: [...files],
  }
}
