/** What AVIF's `meta` box says: items, how they refer to each other, their properties and where their bytes lie (ISO/IEC 23008-12). */
import { concatenated } from '../pack/bytes.ts'
import { ascii, u16be, u32be } from './file-bytes.ts'
import { bigEndian, bodyOf, boxesOf, NumberReader, type Box } from './iso-boxes.ts'

/** Which property, counted from 1, an item has; 0 is none. */
export interface Association {
  property: number
  essential: boolean
}

/** The properties of one item. */
export interface ItemProperties {
  item: number
  associations: readonly Association[]
}

/** One `ipma` box. */
export interface PropertyTable {
  /** Version and flags, which say how wide its numbers are. */
  head: Uint8Array
  rows: readonly ItemProperties[]
}

export interface AvifItems {
  primary: number
  /** Types of items by their numbers. */
  types: ReadonlyMap<number, string>
  properties: readonly Box[]
  tables: readonly PropertyTable[]
  /** Which items an item refers to in this way. */
  references: (type: string, from: number) => readonly number[]
  /** Undefined where the bytes are kept in a way that is not read here. */
  bytesOf: (item: number) => Uint8Array | undefined
}

/** `boxes` are those within `meta`. */
export function readItems(file: Uint8Array, boxes: readonly Box[]): AvifItems {
  const inner = boxesOf(bodyOf(boxes, 'iprp') ?? new Uint8Array())
  const references = referencesIn(bodyOf(boxes, 'iref'))
  return {
    primary: primaryItem(bodyOf(boxes, 'pitm')),
    types: typesIn(bodyOf(boxes, 'iinf')),
    properties: boxesOf(bodyOf(inner, 'ipco') ?? new Uint8Array()),
    tables: inner.filter(({ type }) => type === 'ipma').map(({ body }) => readPropertyTable(body)),
    references: (type, from) =>
      references.filter((one) => one.type === type && one.from === from).flatMap(({ to }) => to),
    bytesOf: (item) => extentOf(file, boxes, item),
  }
}

/** The properties that are said to be `item`'s. */
export function propertiesOf({ properties, tables }: AvifItems, item: number): Box[] {
  return tables
    .flatMap(({ rows }) => rows)
    .filter((row) => row.item === item)
    .flatMap(({ associations }) => associations.map(({ property }) => properties[property - 1]))
    .filter((property) => property !== undefined)
}

function primaryItem(pitm: Uint8Array | undefined): number {
  if (pitm === undefined) return 1
  return pitm[0] === 0 ? u16be(pitm, 4) : u32be(pitm, 4)
}

function typesIn(iinf: Uint8Array | undefined): Map<number, string> {
  if (iinf === undefined) return new Map()
  return new Map(
    boxesOf(iinf.subarray(iinf[0] === 0 ? 6 : 8)).map(({ body }) =>
      body[0] === 3 ? [u32be(body, 4), ascii(body, 10, 14)] : [u16be(body, 4), ascii(body, 8, 12)],
    ),
  )
}

function referencesIn(iref: Uint8Array | undefined): { type: string; from: number; to: number[] }[] {
  if (iref === undefined) return []
  const wide = iref[0] === 0 ? 2 : 4
  return boxesOf(iref.subarray(4)).map(({ type, body }) => {
    const numbers = new NumberReader(body, 0)
    const from = numbers.next(wide)
    const to = Array.from({ length: numbers.next(2) }, () => numbers.next(wide))
    return { type, from, to }
  })
}

const idBytes = (head: Uint8Array): number => (head[0] === 0 ? 2 : 4)
const isWide = (head: Uint8Array): boolean => ((head[3] ?? 0) & 1) === 1

function readPropertyTable(body: Uint8Array): PropertyTable {
  const head = body.subarray(0, 4)
  const numbers = new NumberReader(body, 4)
  const count = numbers.next(4)
  const rows: ItemProperties[] = []
  while (rows.length < count && !numbers.isAtEnd) {
    const item = numbers.next(idBytes(head))
    const associations = Array.from({ length: numbers.next(1) }, () => {
      const value = numbers.next(isWide(head) ? 2 : 1)
      const flag = isWide(head) ? 0x8000 : 0x80
      return { property: value & (flag - 1), essential: (value & flag) !== 0 }
    })
    rows.push({ item, associations })
  }
  return { head, rows }
}

/** The body of its box. */
export function propertyTableBytes({ head, rows }: PropertyTable): Uint8Array {
  const flag = isWide(head) ? 0x8000 : 0x80
  const written = rows.flatMap(({ item, associations }) => [
    bigEndian(item, idBytes(head)),
    Uint8Array.of(associations.length),
    ...associations.map(({ property, essential }) =>
      bigEndian(property + (essential ? flag : 0), isWide(head) ? 2 : 1),
    ),
  ])
  return concatenated([head, bigEndian(rows.length, 4), ...written])
}

/** Where `iloc` says that an item lies: in the file, or in `idat`; in one piece. */
function extentOf(file: Uint8Array, boxes: readonly Box[], item: number): Uint8Array | undefined {
  const iloc = bodyOf(boxes, 'iloc')
  if (iloc === undefined) return undefined
  const version = iloc[0] ?? 0
  const [sizes = 0, more = 0] = iloc.subarray(4, 6)
  const numbers = new NumberReader(iloc, 6)
  const wide = version < 2 ? 2 : 4
  const count = numbers.next(wide)
  for (let i = 0; i < count && !numbers.isAtEnd; i += 1) {
    const id = numbers.next(wide)
    const method = version === 0 ? 0 : numbers.next(2) & 15
    numbers.next(2)
    const base = numbers.next(more >> 4)
    const extents = Array.from({ length: numbers.next(2) }, () => {
      numbers.next(version === 0 ? 0 : more & 15)
      const offset = base + numbers.next(sizes >> 4)
      return { offset, length: numbers.next(sizes & 15) }
    })
    const [extent] = extents
    if (id !== item) continue
    const source = method === 0 ? file : method === 1 ? bodyOf(boxes, 'idat') : undefined
    if (extent === undefined || extents.length !== 1) return undefined
    return source?.subarray(extent.offset, extent.offset + extent.length)
  }
  return undefined
}
