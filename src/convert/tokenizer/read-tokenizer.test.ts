import { describe, expect, it } from 'vitest'
import { Altered } from '../../../testing/checkpoints/altered.ts'
import { treeInMemory, type FileTree } from '../../pack/bytes.ts'
import { readTokenizer } from './read-tokenizer.ts'

const VOCABULARY = JSON.stringify({ '<s>': 0, '<pad>': 1, '</s>': 2, a: 3, b: 4, ab: 5, abb: 6 })
const MERGES = ['#version: 0.2', 'a b', 'ab b', '']

function treeOf(files: Record<string, string>): FileTree {
  const entries = Object.entries(files).map(
    ([path, text]) => [path, new TextEncoder().encode(text).buffer] as const,
  )
  return treeInMemory(new Map(entries))
}

describe('a tokenizer of vocabulary and merges', () => {
  it.each([
    ['Unix', '\n'],
    ['Windows', '\r\n'],
    ['old Macs', '\r'],
  ])('is the same with the line ends of %s', async (_, end) => {
    const { tokenizer = '' } = await readTokenizer(
      treeOf({ 'vocab.json': VOCABULARY, 'merges.txt': MERGES.join(end) }),
    )
    const { model } = JSON.parse(tokenizer) as { model: { merges: string[] } }
    expect(model.merges).toEqual(['a b', 'ab b'])
  })

  it('is none without any file', async () => {
    expect((await readTokenizer(treeOf({}))).tokenizer).toBeUndefined()
  })

  it.each([
    ['vocab.json', VOCABULARY],
    ['merges.txt', MERGES.join('\n')],
  ])('is missed where there is %s alone', async (path, text) => {
    await expect(readTokenizer(treeOf({ [path]: text }))).rejects.toMatchObject({
      code: 'bad-checkpoint',
      message: expect.stringContaining(`${path} without`) as string,
    })
  })

  it.each([
    ['no JSON', { 'tokenizer.json': '{' }],
    ['a list', { 'tokenizer.json': '[]' }],
    ['a vocabulary that is a list', { 'vocab.json': '[]', 'merges.txt': '' }],
  ])('is refused when it is %s', async (_, files) => {
    await expect(readTokenizer(treeOf(files))).rejects.toMatchObject({ code: 'bad-checkpoint' })
  })
})

describe('the number of tokens that a tokenizer knows', () => {
  it.each([
    ['pieces, six of them added tokens, and one beside them', 't5-untied', 192],
    ['merged pieces with their added tokens', 'short-tied', 351],
    ['nothing', undefined, null],
  ])('counts each once: %s', async (_, checkpoint, entries) => {
    const tree = checkpoint === undefined ? treeOf({}) : new Altered(`models/reference/${checkpoint}`).tree
    expect((await readTokenizer(tree)).entries).toBe(entries)
  })
})
