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

it('takes every file as the command line and Pillow do', async () => {
  const faults: Record<string, string> = {}
  for (const [name, expectation] of TABLE) {
    const response = await fetch(`/testing/pictures/files/${name}`)
    // Chromium makes light of inks by itself, rounding otherwise than Pillow.
    const slack = /cmyk|ycck/.test(name) ? 1 : 0
    const fault = await faultOf(new Uint8Array(await response.arrayBuffer()), expectation, decode, slack)
    if (fault !== null) faults[name] = fault
  }
  expect(faults).toEqual({})
})
