/** Readers of caption formats that share no line with the writers: what the written rules say, and nothing more. */
import { strict as assert } from 'node:assert'

/** CSV by RFC 4180, section 2, as a machine of states: it takes nothing else. Rows of fields. */
export function parseRfc4180(text: string): string[][] {
  const rows: string[][] = []
  let [row, field, at]: [string[], string, number] = [[], '', 0]
  while (at < text.length) {
    if (text[at] === '"') {
      for (at += 1; ; at += 1) {
        assert(at < text.length, 'a quoted field does not end')
        if (text[at] === '"' && text[at + 1] === '"') at += 1
        else if (text[at] === '"') break
        field += text[at] ?? ''
      }
      at += 1
      assert([',', '\r'].includes(text[at] ?? ''), 'something follows a closing quote')
    } else
      while (at < text.length && text[at] !== ',' && text[at] !== '\r') {
        assert(!['"', '\n'].includes(text[at] ?? ''), 'a quote or line end stands bare')
        field += text[at] ?? ''
        at += 1
      }
    row.push(field)
    field = ''
    if (text[at] === ',') {
      at += 1
      continue
    }
    assert.equal(text.slice(at, at + 2), '\r\n', 'lines end in CR LF')
    at += 2
    rows.push(row)
    row = []
  }
  assert.equal(row.length, 0, 'the last line ends')
  for (const one of rows)
    assert.equal(one.length, rows[0]?.length, 'every line has as many fields as the header')
  return rows
}

/** What `datasets` wants of an ImageFolder: a file of the folder for each line, by its path, and none twice. */
export function readImageFolder(text: string, files: ReadonlySet<string>): Map<string, string> {
  const captions = new Map<string, string>()
  assert(text.endsWith('\n') && !text.startsWith('\ufeff'))
  for (const line of text.slice(0, -1).split('\n')) {
    const { file_name: file, text: caption } = JSON.parse(line) as Record<string, unknown>
    assert(typeof file === 'string' && typeof caption === 'string')
    assert(files.has(file), `${file} is no file of the folder`)
    assert(!captions.has(file), `${file} is there twice`)
    captions.set(file, caption)
  }
  return captions
}

/** As kohya reads it: a key to an object with `caption`. */
export function readMetaCap(text: string): Map<string, string> {
  const entries = Object.entries(JSON.parse(text) as Record<string, Record<string, unknown>>)
  return new Map(
    entries.map(([key, { caption }]) => {
      assert(typeof caption === 'string')
      return [key, caption]
    }),
  )
}
