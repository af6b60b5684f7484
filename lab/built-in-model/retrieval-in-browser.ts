/**
 * What `retrieval.ts` asks by likeness alone, in Chromium: the engine on WebAssembly, or on what WebGPU has there.
 *   npx tsx lab/built-in-model/retrieval-in-browser.ts [--scenes 1000] [--precision fp32,q8] [--provider wasm|webgpu]
 *     [--adapter software|default]
 * `PICTALK_CHROMIUM_FLAGS` has further flags of Chromium.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { folderSink, folderTree } from '../../src/cli/files.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import type { Provider } from '../../src/pack/device-report.ts'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import { captionsOf } from '../../src/scenes/language.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../src/scenes/scene.ts'
import { drawnRows } from '../search/drawn.ts'
import { call, inMeasuringBrowser, serveMeasuring } from '../speed/measuring-page.ts'
import type { FindRequest } from './retrieval/in-page.ts'

const { values } = parseArgs({
  options: {
    scenes: { type: 'string', default: '1000' },
    precision: { type: 'string', default: PRECISIONS.join(',') },
    provider: { type: 'string', default: 'wasm' },
    adapter: { type: 'string', default: 'software' },
    from: { type: 'string', default: 'models/drawn-scenes/retrieval-checkpoint' },
  },
})
const PREFIX = '/found/'
const PAGE = `import { findInPage } from '/lab/built-in-model/retrieval/in-page.ts'; globalThis.measure = findInPage`

const scenes = Array.from({ length: Number(values.scenes) }, (_, i) =>
  makeScene(FIRST_HELD_OUT_SEED + i, 'trained'),
)
const captions = scenes.map((scene) => captionsOf(scene, 5)[0] ?? '')
const provider: Provider = values.provider === 'webgpu' ? 'webgpu' : 'wasm'

async function measure(folder: string): Promise<void> {
  const wanted = PRECISIONS.filter((precision) => values.precision.split(',').includes(precision))
  let size = 0
  for (const precision of wanted) {
    mkdirSync(join(folder, precision))
    const sink = folderSink(join(folder, precision))
    const made = await convertCheckpoint(folderTree(values.from), sink, { name: 'retrieval', precision })
    size = made.preprocessing.size
  }
  const drawn: Uint8Array[] = []
  for (const scene of scenes) drawn.push((await drawnRows(scene, size)).readRows(0, size))
  writeFileSync(join(folder, 'scenes.bin'), Buffer.concat(drawn))
  const { address, close } = await serveMeasuring(PAGE, folder, PREFIX)
  const at = (path: string): string => new URL(`${PREFIX}${path}`, address).href
  try {
    for (const precision of wanted)
      await inMeasuringBrowser(address, values.adapter, async ({ page }) => {
        page.on('console', (message) => console.warn(message.text()))
        const pack = at(`${precision}/`)
        const request: FindRequest = { pack, scenes: at('scenes.bin'), size, captions, provider }
        const found = await call<string>({ page }, request)
        console.warn(`${precision}: ${found}`)
      })
  } finally {
    await close()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'pictalk-retrieval-'))
try {
  await measure(folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
