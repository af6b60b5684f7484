import { describe, expect, it } from 'vitest'
import { GREEDY, type DecodingSettings } from '../../pack/decoding.ts'
import type { ScoreRow } from '../language/language-model.ts'
import { BeamSearch } from './beam-search.ts'
import { seededUniform } from './sampling.ts'

/** Rows that depend on seed and step only, so that two searches over them can be compared. */
function rowsAt(seed: number, step: number, beams: number, vocabulary: number): Float32Array<ArrayBuffer>[] {
  const uniform = seededUniform(1000 * seed + step)
  return Array.from({ length: beams }, () => Float32Array.from({ length: vocabulary }, () => 6 * uniform()))
}

/** A row of which all is known. */
function whole(logits: Float32Array<ArrayBuffer>): ScoreRow {
  return { logits, norm: null }
}

/** All rows are alike before anything was chosen. */
function search(settings: DecodingSettings, seed: number, firstRows: 'one' | 'all'): BeamSearch {
  const vocabulary = 40
  const beams = new BeamSearch(settings, { promptIds: [1, 2, 3], eosIds: [5] })
  const [first = new Float32Array(0)] = rowsAt(seed, 0, 1, vocabulary)
  let rows = firstRows === 'one' ? [first] : Array.from({ length: settings.beams }, () => first.slice())
  for (let step = 1; beams.advance(rows.map(whole)) !== null; step += 1)
    rows = rowsAt(seed, step, settings.beams, vocabulary)
  return beams
}

describe('beam search', () => {
  it.each([
    { ...GREEDY, beams: 5, maxNewTokens: 9, answers: 5 },
    { ...GREEDY, beams: 3, maxNewTokens: 6, minNewTokens: 4, repetitionPenalty: 1.3, noRepeatNgram: 2 },
    { ...GREEDY, beams: 16, maxNewTokens: 5, lengthPenalty: -1, answers: 16 },
  ])('begins the same from one row as from equal ones ($beams beams)', (settings) => {
    for (const seed of [1, 2, 3])
      expect(search(settings, seed, 'one').answers).toEqual(search(settings, seed, 'all').answers)
  })

  it('finds the best sequence when it has as many beams as there are prefixes', () => {
    const vocabulary = 4
    const settings = { ...GREEDY, beams: 16, maxNewTokens: 3, lengthPenalty: 0 }
    const tables = [0, 1, 2].map((step) => rowsAt(9, step, 1, vocabulary)[0] ?? new Float32Array(0))
    const beams = new BeamSearch(settings, { promptIds: [], eosIds: [] })
    let step = 0
    let rows = [tables[0]?.slice() ?? new Float32Array(0)]
    while (beams.advance(rows.map(whole)) !== null) {
      step += 1
      rows = Array.from({ length: settings.beams }, () => tables[step]?.slice() ?? new Float32Array(0))
    }
    const best = tables.map((row) => row.indexOf(Math.max(...row)))
    expect(beams.answers[0]?.tokens).toEqual(best)
  })
})
