import { expect, it } from 'vitest'
import { plainNetwork } from '../remote/network.ts'
import { faultOf, TABLE, type Decode } from '../../testing/pictures/table.ts'
import { browserPlatform } from './browser-platform.ts'
import { withPicture } from './decode-picture.ts'
import { rowsOf } from './pixels.ts'

const platform = browserPlatform(plainNetwork())

const decode: Decode = (file, alpha) =>
  withPicture(file, alpha, platform, ({ width, height, readRows }) =>
    rowsOf(width, height, readRows(0, height)),
  )

/** By how many levels Chromium's own decoder may differ from Pillow. */
function slackOf(name: string): number {
  // It makes light of inks by itself, rounding otherwise.
  if (/cmyk|ycck/.test(name)) return 1
  // It does not smooth pictures of which only the first scan came.
  return name === 'jpeg-progressive-first-scan.jpg' ? 24 : 0
}

it('takes every file as the command line and Pillow do', async () => {
  const faults: Record<string, string> = {}
  for (const [name, expectation] of TABLE) {
    const response = await fetch(`/testing/pictures/files/${name}`)
    const file = new Uint8Array(await response.arrayBuffer())
    const fault = await faultOf(file, expectation, decode, slackOf(name))
    if (fault !== null) faults[name] = fault
  }
  expect(faults).toEqual({})
})
