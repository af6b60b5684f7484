/**
 * A caption in IPTC's dataset 2:120, inside Photoshop's resources. Every other dataset and resource stays byte for byte,
 * but for the sum by which programs see that somebody changed IPTC without XMP (resource 1061): it is made anew where it
 * was right, since XMP says the same.
 */
import { md5 } from '@noble/hashes/legacy.js'
import { concatenated, sameBytes } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import {
  CAPTION,
  CHARACTER_SET,
  characterSetOf,
  datasetBytes,
  datasetsIn,
  IPTC_RESOURCE,
  isSame,
  MOST_DATASET_BYTES,
  resourcesIn,
  UTF8,
  type Dataset,
  type Resource,
} from './iptc.ts'
import { ascii, tooMuch } from './piece.ts'

const DIGEST_RESOURCE = 0x0425
/** Signature, number and an empty name. */
const IPTC_HEAD = Uint8Array.of(0x38, 0x42, 0x49, 0x4d, 0x04, 0x04, 0, 0)
/** Which version of the standard a record follows; every record of this kind has it. */
const RECORD_VERSION: Dataset = { id: [2, 0], bytes: Uint8Array.of(0, 4) }
const IN_UTF8: Dataset = { id: CHARACTER_SET, bytes: ascii(UTF8) }
/** What is added where there is nothing of its kind. */
const OURS = [IN_UTF8, RECORD_VERSION]

/** The resources with this caption; null stands for none. Throws `bad-file` where they are damaged or cannot say it. */
export function withIptcCaption(resources: Uint8Array | null, text: string): Uint8Array {
  if (resources === null) return resourceBytes({ id: IPTC_RESOURCE, head: IPTC_HEAD, data: recordsOf(text) })
  const list = soundResources(resources)
  const known = iptcIn(list)
  const data = known === undefined ? recordsOf(text) : withCaption(known.data, text)
  if (known !== undefined && sameBytes(known.data, data)) return resources
  const next = list.map((resource) => {
    if (resource === known) return { ...resource, data }
    return known !== undefined && isDigestOf(resource, known.data)
      ? { ...resource, data: md5(data) }
      : resource
  })
  if (known === undefined) next.push({ id: IPTC_RESOURCE, head: IPTC_HEAD, data })
  return concatenated([...next.map(resourceBytes), resources.subarray(resourcesIn(resources).end)])
}

/** Whether `after` says `text`, and everything else as `before`. */
export function isIptcButCaption(before: Uint8Array | null, after: Uint8Array, text: string): boolean {
  const [these, those] = [before === null ? [] : soundResources(before), soundResources(after)]
  const [old, next] = [datasetsOf(these), datasetsOf(those)]
  const captions = next.filter(({ id }) => isSame(id, CAPTION))
  const others = (list: readonly Dataset[]): Uint8Array =>
    concatenated(
      list
        .filter((one) => !isSame(one.id, CAPTION) && (isIn(one, old) || !isIn(one, OURS)))
        .map(datasetBytes),
    )
  return (
    captions.length === 1 &&
    captions.every(({ bytes }) => sameBytes(bytes, encoded(text, characterSetOf(next)))) &&
    sameBytes(besideIptc(these), besideIptc(those)) &&
    sameBytes(others(old), others(next))
  )
}

/** What must stay of the resources: all of them but the data of IPTC, and of the sum of it where that is right. */
function besideIptc(list: readonly Resource[]): Uint8Array {
  const iptc = iptcIn(list)
  const others = list.flatMap((one) => {
    if (one === iptc) return []
    return iptc !== undefined && isDigestOf(one, iptc.data) ? one.head : resourceBytes(one)
  })
  return concatenated([...others, iptc?.head ?? IPTC_HEAD])
}

function iptcIn(list: readonly Resource[]): Resource | undefined {
  return list.find(({ id }) => id === IPTC_RESOURCE)
}

function datasetsOf(list: readonly Resource[]): Dataset[] {
  const records = iptcIn(list)?.data
  return records === undefined ? [] : soundDatasets(records)
}

function isIn(one: Dataset, list: readonly Dataset[]): boolean {
  return list.some(({ id, bytes }) => isSame(id, one.id) && sameBytes(bytes, one.bytes))
}

function recordsOf(text: string): Uint8Array {
  const caption = { id: CAPTION, bytes: encoded(text, UTF8) }
  return concatenated([...OURS, caption].map(datasetBytes))
}

function withCaption(records: Uint8Array, text: string): Uint8Array {
  const list = soundDatasets(records)
  // Nothing is said, and nothing depends on it: then it can be said now.
  const isFree =
    characterSetOf(list) === undefined && list.every(({ id, bytes }) => isSame(id, CAPTION) || isAscii(bytes))
  const caption: Dataset = { id: CAPTION, bytes: encoded(text, isFree ? UTF8 : characterSetOf(list)) }
  const at = list.findIndex(({ id }) => isSame(id, CAPTION))
  const others = list.filter(({ id }) => !isSame(id, CAPTION))
  // Records stand in the order of their numbers.
  const later = others.findIndex(({ id: [record] }) => record > CAPTION[0])
  const place = at >= 0 ? at : later < 0 ? others.length : later
  const next = [...others.slice(0, place), caption, ...others.slice(place)]
  // Bytes behind the datasets, which fill up, stay.
  const rest = records.subarray(datasetsIn(records).end)
  return concatenated([...(isFree ? [IN_UTF8, ...next] : next).map(datasetBytes), rest])
}

/** The caption in the character set that the file has. Throws `bad-file` where it has no place in that. */
function encoded(text: string, set: string | undefined): Uint8Array {
  const bytes = set === UTF8 || isAscii(ascii(text)) ? ascii(text) : set === undefined ? inLatin1(text) : null
  if (bytes === null)
    throw new AppError(
      'bad-file',
      'The IPTC in this picture is in a character set that has no place for this caption; write it beside the picture.',
    )
  if (bytes.length > MOST_DATASET_BYTES) throw tooMuch()
  return bytes
}

/** Where no set is said most readers take this one; null for a text that is not in it. */
function inLatin1(text: string): Uint8Array | null {
  const codes = Array.from(text, (letter) => letter.codePointAt(0) ?? 0)
  return codes.every((code) => code < 0x80 || (code >= 0xa0 && code <= 0xff)) ? Uint8Array.from(codes) : null
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80)
}

function isDigestOf({ id, data }: Resource, records: Uint8Array): boolean {
  return id === DIGEST_RESOURCE && sameBytes(data, md5(records))
}

function resourceBytes({ head, data }: Resource): Uint8Array {
  const size = new Uint8Array(4)
  new DataView(size.buffer).setUint32(0, data.length)
  return concatenated([head, size, data, new Uint8Array(data.length % 2)])
}

function soundResources(resources: Uint8Array): Resource[] {
  const { list, end } = resourcesIn(resources)
  const isTwice = list.filter(({ id }) => id === IPTC_RESOURCE).length > 1
  // What follows may only fill up.
  if (isTwice || resources.subarray(end).some((byte) => byte !== 0)) throw damaged()
  return list
}

/** What follows the datasets may only fill up. */
function soundDatasets(records: Uint8Array): Dataset[] {
  const { list, end } = datasetsIn(records)
  if (records.subarray(end).some((byte) => byte !== 0)) throw damaged()
  return list
}

function damaged(): AppError {
  return new AppError(
    'bad-file',
    'The IPTC in this picture is damaged, so nothing is put into it; write its caption beside it.',
  )
}
