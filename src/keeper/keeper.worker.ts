/** The thread of everything that is kept: looking, downloading, converting, deleting, saving. */
import { convertBlip2 } from '../convert/convert.ts'
import { inspectCheckpoint } from '../convert/inspect.ts'
import { AppError } from '../pack/failure.ts'
import { MANIFEST_PATH, parseManifest } from '../pack/manifest.ts'
import type {
  AddProgress,
  AddRequest,
  KeptModel,
  Offer,
  PackCalls,
  StoreNews,
} from '../protocol/keeper-calls.ts'
import { serve } from '../protocol/rpc.ts'
import type { Waiting } from '../remote/retry.ts'
import { estimateSpace, openBrowserStore, requireSpace } from '../store/browser-store.ts'
import { browserLocks } from '../store/locks.ts'
import { downloadPack } from '../store/download.ts'
import { Pace } from '../store/pace.ts'
import { distinctChunks, type StoreRecord } from '../store/pack-store.ts'
import { browserNetwork } from '../store/browser-network.ts'
import { checkDevice, type ModelNeeds } from './device-check.ts'
import { findModel, type FoundCheckpoint, type FoundPack } from './find-model.ts'
import { savePack } from './save-pack.ts'

const store = openBrowserStore()
const locks = browserLocks()
const network = browserNetwork()
/** What a tab tells the others. A channel does not hear itself. */
const channel = new BroadcastChannel('pictalk-packs')

type Report = (progress: AddProgress) => void

/** Less is there before anybody has read how long it takes. */
const WORTH_MEASURING_BYTES = 64 * 2 ** 20

async function look(request: AddRequest, _: unknown, signal: AbortSignal): Promise<Offer> {
  const found = await findModel(request, { network, signal })
  const { largestFile, needs, resumes, ...offer } =
    found.what === 'pack' ? await lookAtPack(found) : await lookAtCheckpoint(found, request, signal)
  const { freeBytes } = await estimateSpace()
  // A pack's chunks may be here already; a conversion writes all of them.
  const missingBytes = found.what === 'pack' ? offer.fetchBytes : offer.keepBytes
  const measure = offer.fetchBytes >= WORTH_MEASURING_BYTES
  return {
    id: found.id,
    what: found.what,
    pinned: found.origin.address,
    ...offer,
    resumes,
    bytesPerSecond: measure ? await found.measure(largestFile, signal) : null,
    findings: await checkDevice(needs, freeBytes, missingBytes),
  }
}

type Looked = Pick<
  Offer,
  'name' | 'precision' | 'parameters' | 'licence' | 'licenceNotice' | 'fetchBytes' | 'keepBytes' | 'resumes'
> & { needs: ModelNeeds; largestFile: string }

async function lookAtPack({ manifestText }: FoundPack): Promise<Looked> {
  const manifest = parseManifest(manifestText)
  const { name, precision, parameters, licence, licenceNotice = null, parts } = manifest
  const missing = await store.missing(manifest)
  const fetchBytes = sum(missing)
  const keepBytes = sum(distinctChunks(manifest))
  return {
    name,
    precision,
    parameters,
    licence,
    licenceNotice,
    fetchBytes,
    keepBytes,
    resumes: fetchBytes < keepBytes,
    needs: { decoder: parts.decoder.shape, precision, packBytes: keepBytes, largestTensorBytes: null },
    largestFile: missing.reduce((a, b) => (b.bytes > a.bytes ? b : a), { path: MANIFEST_PATH, bytes: 0 })
      .path,
  }
}

async function lookAtCheckpoint(
  { id, name, tree }: FoundCheckpoint,
  { precision }: AddRequest,
  signal: AbortSignal,
): Promise<Looked> {
  const report = await inspectCheckpoint(tree, precision, signal)
  const { parameters, licence, licenceNotice = null, fetchBytes, keepBytes, largestFile } = report
  const { model, largestTensorBytes } = report
  return {
    name,
    precision,
    parameters,
    licence,
    licenceNotice,
    fetchBytes,
    keepBytes,
    resumes: (await store.get(id)) !== undefined,
    needs: { decoder: model.parts.decoder.shape, precision, packBytes: keepBytes, largestTensorBytes },
    largestFile,
  }
}

async function add(request: AddRequest, report: Report, signal: AbortSignal): Promise<KeptModel> {
  const waiting: { current: (news: Waiting | null) => void } = { current: () => undefined }
  const found = await findModel(request, {
    network,
    signal,
    onWaiting: (news) => waiting.current(news),
  })
  const lock = `pictalk-pack:${found.id}`
  const work = async (): Promise<KeptModel> => {
    const tell: Report = (progress) => {
      report(progress)
      post({ kind: 'progress', id: found.id, progress: { ...progress, elsewhere: true } })
    }
    try {
      const id =
        found.what === 'pack'
          ? await fetchPack(found, tell, signal)
          : await convert(found, request, tell, signal, waiting)
      return describe(await recordOf(id))
    } finally {
      post({ kind: 'progress', id: found.id, progress: null })
      post({ kind: 'changed' })
    }
  }
  const done = await locks.ifFree(lock, work)
  if (done !== undefined) return done
  // Another tab is at it. Its progress is ours, and when it ends we look what is left to do.
  const follow = ({ data }: MessageEvent<StoreNews>): void => {
    if (data.kind === 'progress' && data.id === found.id && data.progress !== null) report(data.progress)
  }
  channel.addEventListener('message', follow)
  try {
    return await locks.exclusive(lock, work, signal)
  } finally {
    channel.removeEventListener('message', follow)
  }
}

async function fetchPack(found: FoundPack, report: Report, signal: AbortSignal): Promise<string> {
  const manifest = parseManifest(found.manifestText)
  await requireSpace(sum(await store.missing(manifest)))
  const record = await store.begin(found.manifestText, found.origin)
  if (record.complete) return record.id
  post({ kind: 'changed' })
  await downloadPack(store, record, found.source, {
    network,
    signal,
    onProgress: ({ waiting, ...progress }) =>
      report({
        ...progress,
        doing: 'fetching',
        name: manifest.name,
        waiting: waiting && sentenceOf(waiting),
        elsewhere: false,
      }),
  })
  return record.id
}

async function convert(
  { tree, id, name, origin }: FoundCheckpoint,
  { precision }: AddRequest,
  report: Report,
  signal: AbortSignal,
  waiting: { current: (news: Waiting | null) => void },
): Promise<string> {
  const finished = (await store.list()).find(
    (record) =>
      record.kind === 'pack' &&
      record.complete &&
      origin.address !== null &&
      record.origin.address === origin.address &&
      record.origin.converted === precision,
  )
  if (finished !== undefined) return finished.id
  const { fetchBytes, keepBytes, parts } = await inspectCheckpoint(tree, precision, signal)
  const former = await store.get(id)
  const there = former?.kind === 'conversion' ? sum(Object.values(former.files)) : 0
  await requireSpace(Math.max(0, keepBytes - there))
  const done = new Map<string, number>()
  const pace = new Pace(() => network.now())
  let stalled: Waiting | null = null
  const tell = (): void => {
    const doneBytes = [...done.values()].reduce((total, bytes) => total + bytes, 0)
    pace.note(doneBytes)
    report({
      doing: 'converting',
      name,
      doneBytes,
      totalBytes: fetchBytes,
      bytesPerSecond: pace.bytesPerSecond(),
      secondsLeft: pace.secondsLeft(fetchBytes - doneBytes),
      parts: parts.map(({ path, bytes }) => ({
        path,
        doneBytes: done.get(path) ?? 0,
        totalBytes: bytes,
      })),
      waiting: stalled && sentenceOf(stalled),
      elsewhere: false,
    })
  }
  waiting.current = (news) => {
    stalled = news
    tell()
  }
  const sink = await store.sink(id, origin, name)
  post({ kind: 'changed' })
  const manifest = await convertBlip2(tree, sink, {
    name,
    precision,
    signal,
    onProgress: ({ file, tensor, doneBytes }) => {
      done.set(file, doneBytes)
      // What a former run did says nothing about speed.
      if (tensor === null) pace.restart()
      tell()
    },
  })
  const kept = (await store.list()).find(
    (record) => record.kind === 'pack' && parseManifest(record.manifest).fingerprint === manifest.fingerprint,
  )
  return kept?.id ?? id
}

async function list(): Promise<PackCalls['list']['out']> {
  const models = (await store.list()).map(describe)
  return { models, space: await estimateSpace() }
}

async function newer({ hub }: { hub: string }, _: unknown, signal: AbortSignal): Promise<string[]> {
  const outdated: string[] = []
  for (const record of await store.list()) {
    const { asked, converted } = record.origin
    if (record.kind !== 'pack' || !record.complete || asked === null || converted !== null) continue
    const source = { kind: 'address', text: asked } as const
    // Nobody asked for this, so a server that is not there, or wants a token, is no news.
    const found = await findModel(
      { source, hub, precision: 'q4f16', token: null },
      { network, signal },
    ).catch(() => undefined)
    if (found?.what === 'pack' && found.id !== record.id) outdated.push(record.id)
  }
  return outdated
}

async function remove({ id }: { id: string }): Promise<number> {
  const freed = await locks.ifFree(`pictalk-pack:${id}`, () => store.remove(id))
  if (freed === undefined)
    throw new AppError('bad-usage', 'This model is being fetched just now; pause or cancel that first.')
  post({ kind: 'changed' })
  return freed
}

function save(
  { id, folder }: PackCalls['save']['in'],
  report: (event: PackCalls['save']['event']) => void,
  signal: AbortSignal,
): Promise<Blob | null> {
  return savePack(store, id, folder, {
    signal,
    onBytes: (doneBytes, totalBytes) => report({ doneBytes, totalBytes }),
  })
}

function watch(_: null, report: (news: StoreNews) => void, signal: AbortSignal): Promise<null> {
  const listen = ({ data }: MessageEvent<StoreNews>): void => report(data)
  channel.addEventListener('message', listen)
  // What a crash left behind without a name.
  void store.sweep()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      channel.removeEventListener('message', listen)
      resolve(null)
    })
  })
}

function post(news: StoreNews): void {
  channel.postMessage(news)
}

async function recordOf(id: string): Promise<StoreRecord> {
  const record = await store.get(id)
  if (record === undefined) throw new AppError('not-found', 'This model was deleted meanwhile; add it again.')
  return record
}

function describe(record: StoreRecord): KeptModel {
  const { id, origin } = record
  const common = {
    id,
    address: origin.address,
    asked: origin.asked,
    converted: origin.converted,
  }
  if (record.kind === 'conversion') {
    const bytes = sum(Object.values(record.files))
    return {
      ...common,
      name: record.name,
      precision: origin.converted,
      bytes,
      complete: false,
      licence: null,
      licenceNotice: null,
    }
  }
  const manifest = parseManifest(record.manifest)
  const { name, precision, licence, licenceNotice = null } = manifest
  const bytes = sum(distinctChunks(manifest))
  return { ...common, name, precision, bytes, complete: record.complete, licence, licenceNotice }
}

function sum(items: readonly { bytes: number }[]): number {
  return items.reduce((total, { bytes }) => total + bytes, 0)
}

function sentenceOf({ why, message, ms }: Waiting): string {
  if (why === 'offline') return 'There is no connection; it goes on when there is one.'
  return `${message} Next attempt in ${Math.ceil((ms ?? 0) / 1000)} s.`
}

serve<PackCalls>(self, { look, add, list, newer, remove, save, watch })
