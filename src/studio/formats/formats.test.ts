import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCsv, writeCsv } from './csv.ts'
import { shardOfTable, tableName, TABLES, type TableFormat } from './formats.ts'
import { readJsonLines, writeJsonLines } from './image-folder.ts'
import { readKohya, writeKohya } from './kohya.ts'
import { writeHtml, writeMarkdown } from './pages.ts'
import { mergedRows, type CaptionRow } from './row.ts'
import { sidecarNames } from '../sidecar-names.ts'
import { readSidecar, writeSidecar } from './sidecar.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const ODD = 'a "red", circle;\r\nand =1+1 ’ 🎈 <b>'
const ROWS: CaptionRow[] = [
  { file: 'a.png', text: ODD, fields: { score: -0.25, edited: true } },
  { file: 'sub/b, c.jpg', text: '', fields: {} },
]

describe.each(Object.keys(TABLES) as TableFormat[])('a table in %s', (format) => {
  const { read, write } = TABLES[format]

  it('gives back whatever was written into it', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.record({
            name: fc.string({ minLength: 1, maxLength: 8 }).filter((name) => !name.includes('/')),
            text: fc.string({ unit: 'grapheme', maxLength: 20 }),
          }),
          { selector: ({ name }) => name, maxLength: 5 },
        ),
        (captions) => {
          const rows = captions.map(({ name, text }) => ({ file: `${name}.x`, text, fields: {} }))
          const back = read(bytes(write(rows)), 'table').map(({ file, text }) => [file, text])
          const files = rows.map(({ file, text }) => [file, text])
          expect(back.sort()).toEqual(files.sort())
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is refused in one sentence when it is damaged', () => {
    expect(() => read(Uint8Array.of(0x22, 0xff, 0xfe), 'table')).toThrow(
      expect.objectContaining({ code: 'bad-file' }),
    )
  })

  it('has a name, and one for each share', () => {
    const name = tableName(format, { number: 3, of: 16 })
    expect(shardOfTable(format, name)).toEqual({ number: 3, of: 16 })
    expect(shardOfTable(format, tableName(format, { number: 1, of: 1 }))).toBeNull()
  })
})

it.each(['json', 'kohya', 'jsonl', 'csv'] as const)('what is no UTF-8 is called that in %s', (format) => {
  expect(() => TABLES[format].read(Uint8Array.of(0x22, 0xff, 0x22), 'table')).toThrow('not written in UTF-8')
})

describe('CSV', () => {
  it('is RFC 4180: read by a reader of its rules alone', () => {
    const text = writeCsv(ROWS)
    expect(text.endsWith('\r\n')).toBe(true)
    expect(rfc4180(text)).toEqual([
      ['file_name', 'text', 'score', 'model', 'settings', 'edited'],
      ['a.png', ODD, '-0.25', '', '', 'true'],
      ['sub/b, c.jpg', '', '', '', '', ''],
    ])
  })

  it('begins with a byte order mark only when asked to, and is read with one', () => {
    expect(writeCsv(ROWS).startsWith('file_name')).toBe(true)
    const marked = writeCsv(ROWS, { bom: true })
    expect(marked.startsWith('\ufefffile_name')).toBe(true)
    expect(readCsv(bytes(marked), 'x').map(({ text }) => text)).toEqual(ROWS.map(({ text }) => text))
  })

  it('keeps the columns of others', () => {
    const [row] = readCsv(bytes('label,file_name,text\r\ncat,a.png,x\r\n'), 'x')
    expect(row).toEqual({ file: 'a.png', text: 'x', fields: { label: 'cat' } })
    expect(writeCsv(row === undefined ? [] : [row])).toContain('edited,label\r\na.png,x,,,,,cat')
  })

  it.each([['text\r\nx'], ['file_name,text\r\n,x'], ['file_name,text\r\n"a,x']])('%j is refused', (text) => {
    expect(() => readCsv(bytes(text), 'metadata.csv')).toThrow(expect.objectContaining({ code: 'bad-file' }))
  })
})

/** The grammar of RFC 4180, section 2, and nothing else. */
function rfc4180(text: string): string[][] {
  const rows: string[][] = []
  let at = 0
  while (at < text.length) {
    const row: string[] = []
    for (;;) {
      let field = ''
      if (text[at] === '"') {
        for (at += 1; text[at] !== '"' || text[at + 1] === '"'; at += 1) {
          field += text[at] ?? ''
          if (text[at] === '"') at += 1
        }
        at += 1
      } else
        for (; at < text.length && text[at] !== ',' && text[at] !== '\r'; at += 1) {
          if (text[at] === '"' || text[at] === '\n') throw new Error(`not RFC 4180 at ${at}`)
          field += text[at] ?? ''
        }
      row.push(field)
      if (text[at] !== ',') break
      at += 1
    }
    if (text.slice(at, at + 2) !== '\r\n') throw new Error(`no line end at ${at}`)
    at += 2
    rows.push(row)
  }
  return rows
}

describe('the metadata of an image folder', () => {
  it('is an object a line, with file_name and text', () => {
    const lines = writeJsonLines(ROWS).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { file_name: 'a.png', text: ODD, score: -0.25, edited: true },
      { file_name: 'sub/b, c.jpg', text: '' },
    ])
  })

  it('keeps what others wrote beside a caption that is replaced', () => {
    const earlier = readJsonLines(
      bytes('{"file_name":"a10.png","objects":[1]}\r\n\n{"file_name":"a2.png","text":"x","label":3}\n'),
      'm',
    )
    const merged = mergedRows(earlier, [{ file: 'a2.png', text: 'new', fields: {} }], (a, b) =>
      a.localeCompare(b, 'en', { numeric: true }),
    )
    expect(writeJsonLines(merged)).toBe(
      '{"file_name":"a2.png","text":"new","label":3}\n{"file_name":"a10.png","text":"","objects":[1]}\n',
    )
  })

  it('keeps other captions of a picture, of which the first one is replaced', () => {
    const lines = ['one', 'two', 'three'].map((text) => `{"file_name":"./a.png","text":"${text}"}`)
    const earlier = readJsonLines(bytes(lines.join('\n')), 'm')
    const merged = mergedRows(earlier, [{ file: 'a.png', text: 'new', fields: {} }], () => 0)
    expect(merged.map(({ file, text }) => [file, text])).toEqual([
      ['a.png', 'new'],
      ['a.png', 'two'],
      ['a.png', 'three'],
    ])
  })

  it('is one line even to readers that know more line ends than JSON', () => {
    const line = writeJsonLines([{ file: 'a\u2028b.png', text: 'one\u0085two\u2029', fields: {} }])
    expect(line.trimEnd().split(/[\n\u0085\u2028\u2029]/)).toHaveLength(1)
    expect(readJsonLines(bytes(line), 'm')).toMatchObject([
      { file: 'a\u2028b.png', text: 'one\u0085two\u2029' },
    ])
  })

  it.each([
    '{"text":"x"}',
    '[]',
    '{',
    '{"file_name":"a","text":1}',
    '{"file_name":"./","text":"x"}',
    '{"file_name":7,"text":"x"}',
  ])('%s is refused', (line) => {
    expect(() => readJsonLines(bytes(line), 'm')).toThrow(expect.objectContaining({ code: 'bad-file' }))
  })
})

it('kohya’s table has captions under keys without endings, and keeps tags', () => {
  const [row] = readKohya(bytes('{"sub/a":{"tags":"x, y","caption":"old"}}'), 'm')
  expect(row).toEqual({ file: 'sub/a', text: 'old', fields: { tags: 'x, y' } })
  const merged = mergedRows(
    row === undefined ? [] : [row],
    [{ file: 'sub/a', text: 'new', fields: {} }],
    () => 0,
  )
  expect(JSON.parse(writeKohya(merged))).toEqual({ 'sub/a': { tags: 'x, y', caption: 'new' } })
})

it.each(['jsonl', 'json', 'kohya'] as const)('%s of others keep numbers that are none here', (format) => {
  const numbers = '"id":1234567890123456789,"size":1.0,"small":-0,"many":[1e400,"\\"1.0\\""]'
  const own = { jsonl: `{"file_name":"a","text":"x",${numbers}}`, kohya: `{"a":{${numbers},"caption":"x"}}` }
  const table = format === 'json' ? `[${own.jsonl}]` : own[format]
  const { read, write } = TABLES[format]
  expect(write(read(bytes(table), 'm')).replace(/\n *|(?<=":) /g, '')).toBe(table)
})

it('kohya’s keys may have dots, and none takes the place of another', () => {
  const rows = ['img1', 'img1.b', 'img1.c'].map((file) => ({ file, text: `of ${file}`, fields: {} }))
  expect(readKohya(bytes(writeKohya(rows)), 'm')).toEqual(rows)
})

it('A sidecar is named as its picture and holds one caption', () => {
  const names = sidecarNames(['a.b/photo', 'a.b/photo.tar.jpg'])
  expect([names.of('a.b/photo.tar.jpg')[0], names.of('a.b/photo')[0]]).toEqual(['a.b/photo.tar', 'a.b/photo'])
  expect(readSidecar(bytes(`\ufeff${writeSidecar(ODD)}`), 'x')).toBe(ODD)
})

describe('figures', () => {
  const figure = { path: 'a b/(1)&".png', altText: 'A "red" <circle>.', caption: '*two* [lines]\nhere' }

  it('as HTML say nothing but what they say', () => {
    expect(writeHtml([figure])).toBe(
      '<figure>\n  <img src="a%20b/%281%29%26%22.png" alt="A &quot;red&quot; &lt;circle&gt;.">\n' +
        '  <figcaption>*two* [lines]\nhere</figcaption>\n</figure>\n',
    )
  })

  it('as Markdown, too', () => {
    expect(writeMarkdown([figure])).toBe(
      '![A "red" \\<circle\\>.](a%20b/%281%29%26%22.png)\n\n\\*two\\* \\[lines\\] here\n',
    )
  })
})
