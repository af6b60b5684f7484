/**
 * Kills a real Chromium, all of its processes at once, while somebody downloads, converts, talks, brings in and deletes,
 * and looks after each start whether what was said to be kept is there. Wants a built page (`npm run build`).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeArchive } from '../src/conversation/archive-file.ts'
import { MANIFEST_PATH } from '../src/pack/manifest.ts'
import { sha256Hex } from '../src/pack/bytes.ts'
import { seededRandom } from '../src/scenes/random.ts'
import { ACTIONS, hashOfFile, Life, PICTURE, type Place } from '../testing/kills/life.ts'
import { converted, smallCheckpoint, type Files } from '../testing/power/small-models.ts'
import { freePort, openBuiltSite } from '../testing/servers/built-site.ts'
import { startFaultServer, type FaultServer } from '../testing/servers/fault-server.ts'

/** A profile lives so long; what has gathered in it makes each start slower. */
const KILLS_IN_A_LIFE = 15
/** Servers wait up to this long before each file, or everything would be there before the kill. */
const LONGEST_ANSWER_MS = 150

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    /** What is begun before a kill, separated by commas; everything, and talking most often, unless it is given. */
    actions: { type: 'string', default: ['turns', ...ACTIONS].join() },
    /** Ends sooner, after so many seconds. */
    seconds: { type: 'string', default: 'Infinity' },
  },
})

const [firstAction, ...otherActions] = values.actions.split(',').map((name) => {
  const action = ACTIONS.find((one) => one === name)
  if (action === undefined) throw new Error(`There is no ${name}; there are ${ACTIONS.join(', ')}.`)
  return action
})
if (firstAction === undefined) throw new Error('Nothing would be begun.')

const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-kills-'))
const random = seededRandom(Number(values.seed))
const site = openBuiltSite(root, await freePort())
await site.start()
const checkpoint = await smallCheckpoint(1)
const pack = await converted(checkpoint, 'a pack')
const servers = {
  pack: await serve(pack),
  checkpoint: await serve(checkpoint),
}

async function serve(files: Files): Promise<FaultServer> {
  const server = await startFaultServer((path) => files.get(path))
  server.hold = () => new Promise((resolve) => setTimeout(resolve, random.next() * LONGEST_ANSWER_MS))
  return server
}

function manifestIn(files: Files): string {
  return new TextDecoder().decode(files.get(MANIFEST_PATH))
}

async function makePlace(actions: Place['actions']): Promise<Place> {
  const exported = join(root, 'exported.zip')
  const brought = Array.from({ length: 3 }, (_, i) => ({
    id: `c${i}`,
    changedAt: 1,
    pictures: [{ id: `p${i}`, name: `brought ${i}.png` }],
    turns: [{ id: 't', parent: null, question: null, answers: {} }],
    chosen: {},
  }))
  const image = new Blob(['brought'], { type: 'image/png' })
  const { file } = await writeArchive(brought, () => Promise.resolve(image), { modified: new Date(2020, 0) })
  await writeFile(exported, new Uint8Array(await file.arrayBuffer()))
  const hostName = new URL(servers.checkpoint.origin).host
  return {
    actions,
    site: site.url,
    pack: servers.pack.origin,
    checkpoint: servers.checkpoint.origin,
    manifests: {
      pack: manifestIn(pack),
      checkpoint: manifestIn(await converted(checkpoint, hostName)),
    },
    exported,
    pictures: new Set([await hashOfFile(PICTURE), await sha256Hex(await image.arrayBuffer())]),
  }
}

const place = await makePlace([firstAction, ...otherActions])
const began = performance.now()
const counts = new Map<string, number>()
const seen = { changes: 0, models: 0 }
let kills = 0
let failure: unknown = null
try {
  for (let lives = 0; kills < Number(values.count) && !isLate(); lives += 1) {
    const life = new Life(join(root, `profile-${lives}`), place, random)
    for (let i = 0; i < KILLS_IN_A_LIFE && kills < Number(values.count) && !isLate(); i += 1) {
      const { action, ms } = await life.killOnce()
      counts.set(action, (counts.get(action) ?? 0) + 1)
      kills += 1
      console.log(`${kills}: killed ${ms} ms after ${action}`)
    }
    await life.end()
    seen.changes += life.seen.changes
    seen.models += life.seen.models
    await rm(join(root, `profile-${lives}`), { recursive: true, force: true })
  }
} catch (error) {
  failure = error
  console.error(error)
}

function isLate(): boolean {
  return performance.now() - began > 1000 * Number(values.seconds)
}

console.log(`${seen.changes} changes of conversations and ${seen.models} models had been reported as kept.`)
const byAction = [...counts].map(([action, count]) => `${count} ${action}`).join(', ')
const seconds = ((performance.now() - began) / 1000).toFixed(0)
console.log(
  `${kills} kills (${byAction}) in ${seconds} s; seed ${values.seed}; ${failure === null ? 'all' : 'not all'} stood.`,
)
await Promise.all([site.stop(), servers.pack.close(), servers.checkpoint.close()])
await rm(root, { recursive: true, force: true })
process.exit(failure === null ? 0 : 1)
