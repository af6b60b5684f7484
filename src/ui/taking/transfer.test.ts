import { describe, expect, it } from 'vitest'
import { draggedAddress, meansFiles, picturesOf } from './transfer.ts'

describe('A paste', () => {
  it.each([
    ['a picture from a folder or a screenshot', '', 1, true],
    ['a picture from a page, with its address beside it', 'https://example.org/cat.png', 1, true],
    ['text from Word or Excel, with a picture of itself beside it', 'Name\tAge\nAda\t36', 1, false],
    ['plain text', 'is there a cat?', 0, false],
    ['nothing', '', 0, false],
  ])('of %s', (_, text, files, isMeant) => {
    expect(meansFiles(text, files)).toBe(isMeant)
  })
})

describe('What was copied', () => {
  const copied = (...types: string[]): ClipboardItem => ({
    types,
    presentationStyle: 'unspecified',
    getType: (type) => Promise.resolve(new Blob([], { type })),
  })

  it('gives its pictures, each once and in its best form', async () => {
    const pictures = await picturesOf([
      copied('text/html', 'image/png', 'image/jpeg'),
      copied('text/plain'),
      copied('image/webp'),
    ])
    expect(pictures.map(({ type }) => type)).toEqual(['image/png', 'image/webp'])
  })
})

describe('A picture dragged from another page', () => {
  it.each([
    [
      'by its own address',
      { html: '<img alt="x" src="https://a.org/cat.png?a=1&amp;b=2">', uriList: 'https://a.org/page' },
      'https://a.org/cat.png?a=1&b=2',
    ],
    [
      'by the address in the list, comments aside',
      { html: '', uriList: '# a comment\r\nhttps://a.org/cat.png\r\n' },
      'https://a.org/cat.png',
    ],
    ['by no address, where there is none', { html: '<b>text</b>', uriList: '' }, null],
  ])('is known %s', (_, transfer, address) => {
    expect(draggedAddress(transfer)).toBe(address)
  })
})
