/** What an ONNX graph expects beside it. */
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from './gen/onnx_pb.ts'

export interface ExternalData {
  /** Path of the file within the pack. */
  location: string
  /** One past the last byte that is wanted of it. */
  end: number
}

/** Where the weights of a graph lie, as far as they are not in it; null for bytes that are no graph. */
export function readExternalData(bytes: Uint8Array): ExternalData[] | null {
  try {
    const { graph } = fromBinary(ModelProtoSchema, bytes)
    if (graph === undefined || graph.node.length === 0) return null
    return graph.initializer
      .filter(({ externalData }) => externalData.length > 0)
      .map(({ externalData }) => {
        const entries = new Map(externalData.map(({ key, value }) => [key, value]))
        return {
          location: entries.get('location') ?? '',
          end: Number(entries.get('offset') ?? 0) + Number(entries.get('length') ?? 0),
        }
      })
  } catch {
    return null
  }
}
