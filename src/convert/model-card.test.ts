import { describe, expect, it } from 'vitest'
import { treeInMemory } from '../pack/bytes.ts'
import { readLicence } from './model-card.ts'

function licenceIn(card: string): Promise<string | null> {
  return readLicence(treeInMemory(new Map([['README.md', new TextEncoder().encode(card).buffer]])))
}

describe('the licence on a card', () => {
  it.each<[string, string, string | null]>([
    ['plain', '---\nlicense: mit\n---\n# BLIP-2', 'mit'],
    ['with the line ends of Windows', '---\r\nlicense: mit\r\ntags:\r\n- x\r\n---\r\n# BLIP-2', 'mit'],
    ['quoted', '---\nlicense: "apache-2.0"\n---\n', 'apache-2.0'],
    ['with a comment', '---\nlicense: mit # as the code\n---\n', 'mit'],
    ['as a list', '---\nlicense:\n- mit\n- other\n---\n', 'mit, other'],
    ['as a list in brackets', '---\nlicense: [mit]\n---\n', 'mit'],
    [
      'with a name of its own',
      '---\nlicense: other\nlicense_name: opt-175b\nlicense_link: x\n---\n',
      'opt-175b',
    ],
    [
      'other, with a link',
      '---\nlicense: other\nlicense_link: https://a.b/c\n---\n',
      'other (https://a.b/c)',
    ],
    ['an address', '---\nlicense: https://a.b/c\n---\n', 'https://a.b/c'],
    ['above a very long text', `---\nlicense: mit\n---\n${'x'.repeat(2 ** 21)}`, 'mit'],
    ['other, without a name', '---\nlicense: other\n---\n', 'other'],
    ['behind blank lines', '\n---\nlicense: mit\n---\n', 'mit'],
    ['after a mark of byte order', '\ufeff---\nlicense: mit\n---\n', 'mit'],
    ['not named', '---\ntags: [x]\n---\n', null],
    ['empty', '---\nlicense:\n---\n', null],
    ['an object', '---\nlicense: {a: mit}\n---\n', null],
    ['in the text only', '# BLIP-2\nlicense: mit\n', null],
    ['in front matter that is no YAML', '---\nlicense: mit\n: : [\n---\n', null],
  ])('%s', async (_, card, wanted) => {
    expect(await licenceIn(card)).toBe(wanted)
  })

  it.each([
    [
      'UTF-16',
      Uint8Array.from([
        0xff,
        0xfe,
        ...new Uint8Array(
          new Uint16Array(Array.from('---\nlicense: mit\n---\n', (c) => c.charCodeAt(0))).buffer,
        ),
      ]),
    ],
    [
      'no encoding at all',
      Uint8Array.from([...new TextEncoder().encode('---\nlicense: mit\n---\n'), 0xff, 0xfe, 0xc3]),
    ],
  ])('is read in a card of %s', async (_, bytes) => {
    expect(await readLicence(treeInMemory(new Map([['README.md', bytes.buffer]])))).toBe('mit')
  })

  it('does not grow by references to references', async () => {
    const lines = [
      'a: &a [x, x]',
      ...'bcdefghij'
        .split('')
        .map((name, i) => `${name}: &${name} [*${'abcdefghi'[i] ?? 'a'}, *${'abcdefghi'[i] ?? 'a'}]`),
    ]
    await expect(licenceIn(`---\nlicense: mit\n${lines.join('\n')}\n---\n`)).resolves.toBe(null)
  })
})
