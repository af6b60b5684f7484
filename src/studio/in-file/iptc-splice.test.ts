import { md5 } from '@noble/hashes/legacy.js'
import { describe, expect, it } from 'vitest'
import { concatenated } from '../../pack/bytes.ts'
import { datasetBytes, datasetsIn, iptcCaption, resourcesIn, type Dataset } from './iptc.ts'
import { isIptcButCaption, withIptcCaption } from './iptc-splice.ts'

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))
const dataset = (record: number, number: number, text: string): Dataset => ({
  id: [record, number],
  bytes: bytes(text),
})

function resource(id: number, data: Uint8Array, name = ''): Uint8Array {
  const head = bytes(`8BIM${String.fromCharCode(id >> 8, id & 255, name.length)}${name}`)
  const size = new Uint8Array(4)
  new DataView(size.buffer).setUint32(0, data.length)
  const odd = (length: number): Uint8Array => new Uint8Array(length % 2)
  return concatenated([head, odd(1 + name.length), size, data, odd(data.length)])
}

const iptc = (...list: Dataset[]): Uint8Array => concatenated(list.map(datasetBytes))
const PATH = resource(0x07d0, bytes('a path'), 'Path 1')
const UTF8 = dataset(1, 90, '\x1b%G')
const [CITY, OLD] = [dataset(2, 90, 'Paris'), dataset(2, 120, 'old words')]
const PREVIEW = dataset(7, 10, 'x')

const idsIn = (resources: Uint8Array): string[] =>
  resourcesIn(resources)
    .list.filter(({ id }) => id === 0x0404)
    .flatMap(({ data }) => datasetsIn(data).list.map(({ id }) => id.join(':')))

describe('a caption in IPTC', () => {
  it.each<[string, Uint8Array | null, string[]]>([
    ['where there is nothing', null, ['1:90', '2:0', '2:120']],
    ['beside other resources', PATH, ['1:90', '2:0', '2:120']],
    ['in UTF-8', resource(0x0404, iptc(UTF8, CITY, OLD)), ['1:90', '2:90', '2:120']],
    ['where no set is said and none matters', resource(0x0404, iptc(CITY)), ['1:90', '2:90', '2:120']],
    [
      'before records behind it',
      resource(0x0404, iptc(UTF8, CITY, PREVIEW)),
      ['1:90', '2:90', '2:120', '7:10'],
    ],
    ['in the place of an older one', resource(0x0404, iptc(UTF8, OLD, CITY)), ['1:90', '2:120', '2:90']],
    ['that was there twice', resource(0x0404, iptc(UTF8, OLD, CITY, OLD)), ['1:90', '2:120', '2:90']],
  ])('%s', (_, before, ids) => {
    const text = 'ein Café — 猫'
    const after = withIptcCaption(before, text)
    expect(iptcCaption(after)).toBe(text)
    expect(idsIn(after)).toEqual(ids)
    expect(isIptcButCaption(before, after, text)).toBe(true)
    expect(withIptcCaption(after, text)).toBe(after)
  })

  it('is in Latin 1 beside words that are, and is refused where it has no place there', () => {
    const before = resource(0x0404, iptc(dataset(2, 90, 'Orl\xe9ans'), OLD))
    const after = withIptcCaption(before, 'ein Café')
    expect(idsIn(after)).toEqual(['2:90', '2:120'])
    expect(iptcCaption(after)).toBe('ein Café')
    expect(isIptcButCaption(before, after, 'ein Café')).toBe(true)
    expect(() => withIptcCaption(before, '猫')).toThrow(/character set/)
  })

  it('says plain words alone in a set that is not known', () => {
    const before = resource(0x0404, iptc(dataset(1, 90, '\x1b$B'), OLD))
    expect(iptcCaption(withIptcCaption(before, 'a cat'))).toBe('a cat')
    expect(() => withIptcCaption(before, 'é')).toThrow(/character set/)
  })

  it('leaves other resources where they are, with their names', () => {
    const before = concatenated([PATH, resource(0x0404, iptc(UTF8, OLD)), PATH])
    const after = withIptcCaption(before, 'odd')
    expect(after.subarray(0, PATH.length)).toEqual(PATH)
    expect(after.subarray(after.length - PATH.length)).toEqual(PATH)
  })

  it('makes the sum of it anew where that was right, and only there', () => {
    const records = iptc(UTF8, OLD)
    for (const isRight of [true, false]) {
      const sum = isRight ? md5(records) : new Uint8Array(16)
      const before = concatenated([resource(0x0404, records), resource(0x0425, sum)])
      const after = withIptcCaption(before, 'a cat')
      const [one, other] = resourcesIn(after).list
      expect(other?.data).toEqual(isRight ? md5(one?.data ?? sum) : sum)
      expect(isIptcButCaption(before, after, 'a cat')).toBe(true)
    }
  })

  it('is no good where anything else was changed', () => {
    const records = iptc(UTF8, CITY, OLD)
    const before = concatenated([PATH, resource(0x0404, records), resource(0x0425, md5(records))])
    const after = withIptcCaption(before, 'a cat')
    for (const at of after.keys()) {
      const changed = after.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      let isGood = false
      try {
        isGood = isIptcButCaption(before, changed, 'a cat')
      } catch {
        // They are no resources any more.
      }
      expect(isGood, `byte ${at}`).toBe(false)
    }
  })

  it.each([
    ['resources that are cut off', PATH.subarray(0, 20)],
    ['IPTC that is there twice', concatenated([resource(0x0404, iptc(OLD)), resource(0x0404, iptc(OLD))])],
    ['datasets that are none', resource(0x0404, bytes('\x1c\x02\x78\x00\x01a???'))],
  ])('is refused in %s', (_, resources) => {
    expect(() => withIptcCaption(resources, 'x')).toThrow(/damaged/)
  })

  it('that is longer than a dataset is refused', () => {
    expect(() => withIptcCaption(null, 'x'.repeat(0x8000))).toThrow(/no room/)
  })
})
