/** What packs and conversations rely on, over whatever tables and locks there are. */
import type { Turn } from '../../src/conversation/conversation.ts'
import type { KeptConversation } from '../../src/conversation/kept.ts'
import { sha256Hex } from '../../src/pack/bytes.ts'
import type { PackFile, PackReader } from '../../src/pack/manifest.ts'
import { conversationLibrary } from '../../src/store/conversation-library.ts'
import { PackStore, STORE_LOCK } from '../../src/store/pack-store.ts'
import type { Origin, PackRecord } from '../../src/store/records.ts'
import { manifestAround } from '../manifests/manifests.ts'
import { A_WHILE_MS, held } from './lock-contract.ts'
import { rejects, same, soon, type Contract, type StoreUnderTest } from './store-under-test.ts'

const ORIGIN: Origin = { address: 'https://x/', base: 'https://x/', asked: null, converted: null }

/** What a tab opens. */
function tab(store: StoreUnderTest, name: string): PackStore {
  return new PackStore({
    chunks: store.table(`${name}-chunks`),
    parts: store.table(`${name}-parts`),
    records: store.table(`${name}-records`),
    locks: store.locks(),
  })
}

interface MadePack {
  manifest: string
  chunks: Map<string, Uint8Array<ArrayBuffer>>
}

/** A pack of these files, each of one chunk: the longest passes for weights, the shortest for a graph. */
async function packOf(files: Record<string, string>): Promise<MadePack> {
  const chunks: MadePack['chunks'] = new Map()
  const listed: PackFile[] = []
  for (const [path, text] of Object.entries(files)) {
    const bytes = new TextEncoder().encode(text)
    const sha256 = await sha256Hex(bytes)
    chunks.set(sha256, bytes)
    listed.push({ path, bytes: bytes.length, chunks: [{ bytes: bytes.length, sha256 }] })
  }
  return { manifest: JSON.stringify(manifestAround(listed)), chunks }
}

/** Keeps it as a download does. */
async function keep(store: PackStore, { manifest, chunks }: MadePack): Promise<PackRecord> {
  const record = await store.begin(manifest, ORIGIN)
  for (const [hash, bytes] of chunks) await store.shelf(record.id).keep(hash, bytes)
  await store.complete(record)
  return record
}

async function read(reader: PackReader, path: string): Promise<string> {
  const file = await reader.file(path)
  return new TextDecoder().decode(file instanceof Blob ? await file.arrayBuffer() : file)
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code

const turn = (id: string, parent: string | null): Turn => ({ id, parent, question: id, answers: {} })

const conversation = (id: string, turns: Turn[]): KeptConversation => ({
  id,
  revision: 0,
  changedAt: 1,
  pictures: [],
  turns,
  chosen: {},
  removals: [],
})

const GRAPH = 'small.onnx'
const WEIGHTS = 'small.weights'
const SMALL = { [GRAPH]: 'g', [WEIGHTS]: 'the weights' }

export const packContract: Contract = {
  'is there for the next tab, to the byte, once it is whole and not before': async (store, name) => {
    const pack = await packOf(SMALL)
    const record = await tab(store, name).begin(pack.manifest, ORIGIN)
    same(codeOf(await rejects(tab(store, name).open(record.id), 'a pack on its way')), 'not-found', 'code')
    same(codeOf(await rejects(tab(store, name).complete(record), 'a pack with holes')), 'corrupt', 'code')
    await keep(tab(store, name), pack)
    const reader = await tab(store, name).open(record.id)
    same([await read(reader, GRAPH), await read(reader, WEIGHTS)], ['g', 'the weights'], 'its files')
    same((await tab(store, name).begin(pack.manifest, ORIGIN)).complete, true, 'what is begun once more')
    same(await read(await tab(store, name).open(record.id), GRAPH), 'g', 'a file after that')
  },
  'shares chunks with others, and takes only its own along when it is deleted': async (store, name) => {
    const kept = await keep(tab(store, name), await packOf({ ...SMALL, 'own.bin': 'own' }))
    const other = await keep(tab(store, name), await packOf(SMALL))
    same(await tab(store, name).remove(kept.id), 3, 'the bytes that became free')
    same(await read(await tab(store, name).open(other.id), WEIGHTS), 'the weights', 'what is left')
    await tab(store, name).remove(other.id)
    same(await store.table(`${name}-chunks`).keys(), [], 'the chunks')
  },
  'has a chunk that went bad fetched again, and only that': async (store, name) => {
    const pack = await packOf(SMALL)
    const { id } = await keep(tab(store, name), pack)
    const bad = await sha256Hex(new TextEncoder().encode('the weights'))
    const spoil = (): Promise<void> => store.table<Blob>(`${name}-chunks`).set(bad, new Blob(['the weighty']))
    await spoil()
    const alone = await tab(store, name).open(id)
    same(codeOf(await rejects(alone.file(WEIGHTS), 'a bad chunk')), 'corrupt', 'code')
    same(codeOf(await rejects(tab(store, name).open(id), 'a pack with a hole')), 'not-found', 'code')
    await keep(tab(store, name), pack)
    await spoil()
    const fetched: string[] = []
    const reader = await tab(store, name).open(id, {
      refetch: async (record, { sha256 }) => {
        fetched.push(sha256)
        await tab(store, name)
          .shelf(record.id)
          .keep(sha256, pack.chunks.get(sha256) ?? new Uint8Array())
      },
    })
    same([await read(reader, GRAPH), await read(reader, WEIGHTS)], ['g', 'the weights'], 'its files')
    same(fetched, [bad], 'what was fetched')
  },
  'stays deleted when another tab is at work on it': async (store, name) => {
    const pack = await packOf(SMALL)
    const record = await tab(store, name).begin(pack.manifest, ORIGIN)
    const { id } = record
    const [[hash, bytes] = ['', new Uint8Array()]] = pack.chunks
    await tab(store, name).shelf(id).keep(hash, bytes)
    await tab(store, name).remove(id)
    same(codeOf(await rejects(tab(store, name).complete(record), 'a late end')), 'not-found', 'code')
    const late = tab(store, name).shelf(id).keep(hash, bytes)
    same(codeOf(await rejects(late, 'a late chunk')), 'not-found', 'code')
    same(
      [await tab(store, name).list(), await store.table(`${name}-chunks`).keys()],
      [[], []],
      'what is left',
    )
  },
  'waits with a chunk for a sweep, and with being deleted for a chunk': async (store, name) => {
    const pack = await packOf(SMALL)
    const { id } = await tab(store, name).begin(pack.manifest, ORIGIN)
    const [[hash, bytes] = ['', new Uint8Array()]] = pack.chunks
    const chunks = (): Promise<string[]> => store.table(`${name}-chunks`).keys()
    const [sweeping, writing] = [held(), held()]
    const swept = store.locks().exclusive(STORE_LOCK, sweeping.work)
    const kept = tab(store, name).shelf(id).keep(hash, bytes)
    await soon(A_WHILE_MS)
    same(await chunks(), [], 'the chunks during a sweep')
    sweeping.end()
    await Promise.all([swept, kept])
    const written = store.locks().shared(STORE_LOCK, writing.work)
    const removed = tab(store, name).remove(id)
    await soon(A_WHILE_MS)
    same(await chunks(), [hash], 'the chunks while one is written')
    writing.end()
    await Promise.all([written, removed])
    same(await chunks(), [], 'the chunks in the end')
  },
  'is swept of nothing while it is written; what nobody names is swept': async (store, name) => {
    const parts = Array.from({ length: 20 }, (_, i) => [`part-${i}.bin`, `the words of ${i}`] as const)
    await store.table<Blob>(`${name}-chunks`).set('f'.repeat(64), new Blob(['left']))
    const sweeping = Array.from({ length: 10 }, () => tab(store, name).sweep())
    const { id } = await keep(tab(store, name), await packOf({ ...SMALL, ...Object.fromEntries(parts) }))
    const freed = await Promise.all(sweeping)
    same(
      freed.reduce((sum, bytes) => sum + bytes, 0),
      4,
      'the bytes that were swept',
    )
    const reader = await tab(store, name).open(id)
    for (const [path, words] of parts) same(await read(reader, path), words, path)
  },
}

export const conversationContract: Contract = {
  'keep what two tabs add to one of them at once': async (store, name) => {
    const library = () =>
      conversationLibrary({ conversations: store.table(`${name}-c`), pictures: store.table(`${name}-p`) })
    const tabs = [library(), library()] as const
    await tabs[0].addAll([conversation('c', [turn('first', null)])])
    const added = Array.from({ length: 20 }, (_, i) => turn(`t${String(i).padStart(2, '0')}`, 'first'))
    await Promise.all(
      added.map((one, i) => tabs[i % 2 === 0 ? 0 : 1].merge(conversation('c', [turn('first', null), one]))),
    )
    const kept = await tabs[1].conversation('c')
    same(kept?.turns.map(({ id }) => id).sort(), ['first', ...added.map(({ id }) => id)], 'the turns')
    same(kept?.revision, 20, 'how often it was written')
  },
  'have their pictures, type and all, for the next tab': async (store, name) => {
    const library = () =>
      conversationLibrary({ conversations: store.table(`${name}-c`), pictures: store.table(`${name}-p`) })
    await library().keepPicture({
      id: 'p',
      image: new Blob(['picture'], { type: 'image/webp' }),
      addedAt: 5,
    })
    const kept = await library().picture('p')
    same([kept?.id, kept?.addedAt, kept?.image.type], ['p', 5, 'image/webp'], 'what is known of it')
    same(await kept?.image.text(), 'picture', 'its bytes')
    await library().removePictures(['p'])
    same([await library().picture('p'), await library().pictureIds()], [undefined, []], 'what is left')
  },
}
