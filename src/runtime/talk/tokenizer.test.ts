import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { makeTokenizer, type Tokenizer } from './tokenizer.ts'

async function open(
  name: string,
): Promise<{ tokenizer: Tokenizer; cases: { text: string; ids: number[] }[] }> {
  const read = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(`models/reference/${name}/${file}`, 'utf8'))
  const reference = (await read('reference.json')) as { tokenizerCases: { text: string; ids: number[] }[] }
  const json = (await read('tokenizer.json')) as Parameters<typeof makeTokenizer>[0]
  const config = (await read('tokenizer_config.json')) as object
  return { tokenizer: makeTokenizer(json, config), cases: reference.tokenizerCases }
}

describe.each(['t5-untied', 't5-tied-sharded'])('the unigram tokenizer of %s', (name) => {
  it('cuts text as the reference does, without the ending token', async () => {
    const { tokenizer, cases } = await open(name)
    for (const { text, ids } of cases)
      expect([...tokenizer.encode(text), 1], JSON.stringify(text)).toEqual(ids)
  })

  it('takes the names of special tokens for text', async () => {
    const { tokenizer } = await open(name)
    for (const text of ['</s>', '<pad>', '<unk>', 'a <extra_id_0> b', '<image>']) {
      const ids = tokenizer.encode(text)
      expect(tokenizer.decode(ids), text).toBe(text)
      for (const special of [0, 1, 2, 187, 188, 189, 190, 191]) expect(ids, text).not.toContain(special)
    }
  })

  it('leaves special tokens out of what it reads', async () => {
    const { tokenizer } = await open(name)
    const ids = tokenizer.encode('a photo of')
    expect(tokenizer.decode([0, ...ids, 190, 1])).toBe('a photo of')
  })
})
