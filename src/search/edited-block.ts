import { AppError } from '../pack/failure.ts'
import { fileKey, type Block, type PictureFacts, type RefusedFile, type RoundedVectors } from './entries.ts'

export const EMPTY_BLOCK: Block = {
  pictures: [],
  vectors: new Int8Array(),
  scales: new Float32Array(),
  refused: [],
}

export interface BlockEdit {
  /** Keys of files that go. */
  drop?: ReadonlySet<string>
  add?: readonly { facts: PictureFacts; vectors: RoundedVectors }[]
  refuse?: readonly RefusedFile[]
}

/** Another block: without some files, and with others behind those that stay. */
export function editedBlock(
  block: Block,
  { queries, width }: { queries: number; width: number },
  { drop = new Set(), add = [], refuse = [] }: BlockEdit,
): Block {
  const stay = block.pictures.flatMap((facts, i) => (drop.has(fileKey(facts)) ? [] : [i]))
  const pictures = [...stay.flatMap((i) => block.pictures[i] ?? []), ...add.map(({ facts }) => facts)]
  const vectors = new Int8Array(pictures.length * queries * width)
  const scales = new Float32Array(pictures.length * queries)
  const rows = [
    ...stay.map((i) => ({
      vectors: block.vectors.subarray(i * queries * width, (i + 1) * queries * width),
      scales: block.scales.subarray(i * queries, (i + 1) * queries),
    })),
    ...add.map((one) => one.vectors),
  ]
  rows.forEach((row, i) => {
    if (row.vectors.length !== queries * width || row.scales.length !== queries)
      throw new AppError('bug', 'The vectors of a picture have another shape than the index.')
    vectors.set(row.vectors, i * queries * width)
    scales.set(row.scales, i * queries)
  })
  const refused = [...block.refused.filter((one) => !drop.has(fileKey(one))), ...refuse]
  return { pictures, vectors, scales, refused }
}
