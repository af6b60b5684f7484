import { expect, it } from 'vitest'
import { PUBLIC_HUB } from './hub.ts'
import { parseTorchAddress, torchAddressText } from './torch-address.ts'

const hub = new URL(PUBLIC_HUB)
const FILE = 'https://host.example/m/blip2.pth'
const TOWER = 'https://other.example/clip_vit_L.pth'

it.each([
  [FILE, FILE],
  [` ${FILE}?download=1#x `, FILE],
  [`${FILE}  ${TOWER}\n google/flan-t5-xl`, `${FILE} ${TOWER} hub:google/flan-t5-xl@main`],
  [`${FILE} hub:google/flan-t5-xl@abc ${TOWER}`, `${FILE} ${TOWER} hub:google/flan-t5-xl@abc`],
  [`${FILE} https://host.example/flan`, `${FILE} https://host.example/flan/`],
])('%j is a file of LAVIS, and is written the same way again', (text, written) => {
  const address = parseTorchAddress(text, { hub })
  expect(address && torchAddressText(address)).toBe(written)
  expect(parseTorchAddress(written, { hub })).toEqual(address)
})

it.each([
  'Salesforce/blip2-opt-2.7b',
  'https://host.example/m/',
  'blip2.pth',
  'ftp://host.example/blip2.pth',
  '',
])('%j is an address of another kind', (text) => expect(parseTorchAddress(text, { hub })).toBeUndefined())

it.each([
  ['two towers', `${FILE} ${TOWER} ${TOWER}`],
  ['two language models', `${FILE} a/b c/d`],
  ['a password', 'https://user:pw@host.example/blip2.pth'],
  ['a password behind it', `${FILE} https://user:pw@host.example/flan/`],
  ['something that is no address', `${FILE} ../flan`],
])('refuses %s', (_, text) => {
  expect(() => parseTorchAddress(text, { hub })).toThrow(expect.objectContaining({ code: 'bad-usage' }))
})
