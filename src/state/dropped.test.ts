import { describe, expect, it } from 'vitest'
import { sortDropped, type DroppedFile } from './dropped.ts'

function dropped(...paths: string[]): DroppedFile[] {
  return paths.map((path) => ({ path, file: new File([], path) }))
}

function picturesOf(...paths: string[]): { paths: string[]; leftAside: number } {
  const sorted = sortDropped(dropped(...paths))
  if (sorted.kind === 'model') throw new Error('taken for a model')
  return { paths: sorted.pictures.map(({ path }) => path), leftAside: sorted.leftAside }
}

describe('sortDropped', () => {
  it.each([
    ['what macOS leaves', 'a/.DS_Store'],
    ['what macOS notes beside a file', 'a/._x.png'],
    ['what macOS notes in an unpacked archive', 'a/__MACOSX/x.png'],
    ['what Windows leaves', 'a/Thumbs.db'],
    ['how Windows shows a folder', 'a/desktop.ini'],
    ['what a Synology leaves', 'a/@eaDir/x.jpg'],
    ['what lies in a hidden folder', 'a/.git/x.png'],
    ['a text', 'a/notes.txt'],
    ['a caption beside its picture', 'a/x.json'],
    ['a film', 'a/x.mp4'],
  ])('leaves %s aside and counts it', (_, path) => {
    expect(picturesOf('a/x.png', path)).toEqual({ paths: ['a/x.png'], leftAside: 1 })
  })

  it('sorts a folder as people do', () => {
    const { paths } = picturesOf(
      'a/img10.png',
      'a/img2.png',
      'a/IMG1.png',
      'a/b/1.png',
      'a b/1.png',
      'a/ä.png',
    )
    expect(paths).toEqual(['a/ä.png', 'a/b/1.png', 'a/IMG1.png', 'a/img2.png', 'a/img10.png', 'a b/1.png'])
  })

  it('leaves single files in the order in which they were dropped, and what is no picture among them', () => {
    expect(picturesOf('b.png', 'a.txt', 'a.png', 'Thumbs.db')).toEqual({
      paths: ['b.png', 'a.txt', 'a.png'],
      leftAside: 1,
    })
  })

  it('takes a picture without an ending for one when the system says so', () => {
    const file = new File([], 'x', { type: 'image/png' })
    expect(sortDropped([{ path: 'a/x', file }])).toMatchObject({ kind: 'pictures', leftAside: 0 })
  })

  it('takes pictures that cannot be read for pictures, so that it is said why', () => {
    expect(picturesOf('a/x.heic', 'a/y.tif').leftAside).toBe(0)
  })

  it.each([
    ['pictures beside a config.json', ['a/config.json', 'a/x.png'], 'pictures'],
    ['pictures beside a pack.json', ['a/pack.json', 'a/x.png'], 'pictures'],
    ['pictures and some data', ['a/x.png', 'a/data.bin'], 'pictures'],
    ['a checkpoint with an example', ['m/config.json', 'm/model.safetensors', 'm/x.png'], 'model'],
    ['a checkpoint of old', ['m/config.json', 'm/pytorch_model.bin', 'm/x.png'], 'model'],
    ['a pack', ['m/pack.json', 'm/decoder.weights'], 'model'],
    ['a checkpoint without weights', ['m/config.json', 'm/tokenizer.json'], 'model'],
    ['weights alone', ['model.safetensors'], 'model'],
  ])('tells %s apart', (_, paths, kind) => {
    expect(sortDropped(dropped(...paths)).kind).toBe(kind)
  })
})
