/** The table of pictures, tried by the decoder that ships in whatever browser opens this page. */
import { browserPlatform } from '../../src/image/browser-platform.ts'
import { withPicture } from '../../src/image/decode-picture.ts'
import { rowsOf } from '../../src/image/pixels.ts'
import { plainNetwork } from '../../src/remote/network.ts'
import { faultOf, TABLE, type Decode } from './table.ts'

const platform = browserPlatform(plainNetwork())

const decode: Decode = (file, alpha) =>
  withPicture(file, alpha, platform, (rows) => rowsOf(rows.width, rows.height, rows.readRows(0, rows.height)))

/** What is wrong with each file, by name. Those that match a pattern may be so many levels further off. */
async function faults(
  slack: readonly (readonly [pattern: string, levels: number])[],
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, expectation] of TABLE) {
    const file = new Uint8Array(await (await fetch(`pictures/${name}`)).arrayBuffer())
    const levels = slack.find(([pattern]) => new RegExp(pattern).test(name))?.[1] ?? 0
    const fault = await faultOf(file, expectation, decode, levels)
    if (fault !== null) found[name] = fault
  }
  return found
}

Object.assign(globalThis, { pictureFaults: faults, pictureCount: TABLE.length })
