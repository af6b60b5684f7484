import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readTokenizer } from '../../src/convert/tokenizer/read-tokenizer.ts'
import { openCharacterMap } from '../../src/runtime/talk/character-map.ts'
import { makeTokenizer, type Tokenizer } from '../../src/runtime/talk/tokenizer.ts'

interface Reference {
  size: number
  words: Record<string, number>
  cases: { text: string; ids: number[] }[]
  blockLength: number
  /** First code point in hexadecimal → hash. */
  blocks: Record<string, string>
}

interface TokenizerJson {
  normalizer: { precompiled_charsmap: string }
  model: { vocab: [string, number][] }
  added_tokens: { id: number; content: string }[]
}

const FOLDER = 'models/reference/spiece'
const reference = JSON.parse(await readFile(`${FOLDER}/ids.json`, 'utf8')) as Reference
const model = new Uint8Array(await readFile(`${FOLDER}/spiece.model`))

async function fromSpiece(): Promise<{ json: TokenizerJson; tokenizer: Tokenizer }> {
  const { tokenizer = '' } = await readTokenizer({
    open: (path) => Promise.resolve(path === 'spiece.model' ? model.slice().buffer : undefined),
  })
  const json = JSON.parse(tokenizer) as TokenizerJson
  return { json, tokenizer: makeTokenizer({ ...json }, {}) }
}

describe('a tokenizer out of spiece.model alone', () => {
  it('has the pieces and the sentinels where transformers has them', async () => {
    const { json } = await fromSpiece()
    expect(json.model.vocab).toHaveLength(reference.size)
    for (const [word, id] of Object.entries(reference.words)) {
      expect(json.model.vocab[id]?.[0]).toBe(word)
      expect(json.added_tokens).toContainEqual(expect.objectContaining({ id, content: word }))
    }
  })

  it('cuts text in all kinds of scripts into the ids of transformers', async () => {
    const { tokenizer } = await fromSpiece()
    for (const { text, ids } of reference.cases)
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids)
  })

  it('maps every code point of the basic plane, and some beyond it, as transformers does', async () => {
    const normalise = openCharacterMap((await fromSpiece()).json.normalizer.precompiled_charsmap)
    const differing = Object.entries(reference.blocks).filter(([first, hash]) => {
      const points = Array.from({ length: reference.blockLength }, (_, i) => parseInt(first, 16) + i)
      const rows = points.map((point) => normalise(`a${String.fromCodePoint(point)}o`))
      return createHash('sha256').update(JSON.stringify(rows)).digest('hex') !== hash
    })
    expect(differing.map(([first]) => first)).toEqual([])
  })
})
