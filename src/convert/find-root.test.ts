import { describe, expect, it } from 'vitest'
import { treeInMemory } from '../pack/bytes.ts'
import { findRoot, nameOfFolder } from './find-root.ts'

function rootOf(files: Record<string, string>): Promise<string | null> {
  const entries = Object.entries(files).map(
    ([path, text]) => [path, new TextEncoder().encode(text).buffer] as const,
  )
  return findRoot(treeInMemory(new Map(entries)))
}

const modelIn = (folder: string): Record<string, string> => ({
  [`${folder}config.json`]: '{}',
  [`${folder}model.safetensors`]: '',
})

describe('the folder of the model', () => {
  it.each<[string, Record<string, string>, string | null]>([
    ['is the one that was chosen', modelIn(''), ''],
    ['is the one that was dropped', modelIn('blip2/'), 'blip2/'],
    ['is the outermost', { ...modelIn('out/'), ...modelIn('out/checkpoint-500/') }, 'out/'],
    ['is one folder down', { ...modelIn('checkpoint-500/'), 'trainer.log': '' }, 'checkpoint-500/'],
    ['is the one with weights', { ...modelIn('model/'), 'tokenizer/config.json': '{}' }, 'model/'],
    ['is the only one with a configuration', { 'model/config.json': '{}' }, 'model/'],
    ['is a pack before a checkpoint', { ...modelIn(''), 'pack/pack.json': '{}' }, 'pack/'],
    [
      'is the only snapshot of a cache',
      { ...modelIn('models--a--b/snapshots/0f/'), 'models--a--b/refs/pr': '1e' },
      'models--a--b/snapshots/0f/',
    ],
    [
      'is the snapshot that the cache calls main',
      { ...modelIn('snapshots/0f/'), ...modelIn('snapshots/1e/'), 'refs/main': '1e\n', 'refs/pr': '0f' },
      'snapshots/1e/',
    ],
    ['is none', { 'picture.png': '' }, null],
  ])('%s', async (_, files, root) => {
    expect(await rootOf(files)).toBe(root)
  })

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'of two',
      { ...modelIn('checkpoint-500/'), ...modelIn('checkpoint-1000/') },
      /checkpoint-500, checkpoint-1000; choose/,
    ],
    [
      'of many',
      Object.assign({}, ...[1, 2, 3, 4, 5].map((n) => modelIn(`c-${n}/`))) as Record<string, string>,
      /c-4 and others; choose/,
    ],
    [
      'of snapshots when the cache names another',
      { ...modelIn('snapshots/0f/'), ...modelIn('snapshots/1e/'), 'refs/main': '2d' },
      /side by side/,
    ],
  ])('is to be chosen %s', async (_, files, message) => {
    await expect(rootOf(files)).rejects.toMatchObject({
      code: 'bad-usage',
      message: expect.stringMatching(message) as string,
    })
  })

  it.each([
    ['/data/blip2/', 'blip2'],
    ['/cache/models--Salesforce--blip2-opt-2.7b/snapshots/59a1/', 'blip2-opt-2.7b'],
    ['C:\\models\\blip2', 'blip2'],
    ['', undefined],
  ])('%j has a name', (path, name) => {
    expect(nameOfFolder(path)).toBe(name)
  })
})
