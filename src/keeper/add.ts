/** From a request to a kept model, in one tab at a time; the others see how far it is. */
import type { AddRequest, KeptModel } from '../protocol/keeper-calls.ts'
import { deletedMeanwhile } from '../store/records.ts'
import { convertIntoStore } from './convert.ts'
import { fetchPack } from './fetch.ts'
import { findModel } from './find.ts'
import { describeKept } from './kept.ts'
import { modelLock, requireStorage, type KeeperParts } from './keeper-parts.ts'
import { Delays, type Report } from './progress.ts'

/** Cancelling keeps what has arrived. Throws what finding, fetching and converting throw. */
export async function addModel(
  parts: KeeperParts,
  request: AddRequest,
  report: Report,
  signal: AbortSignal,
): Promise<KeptModel> {
  const { store, locks, channel, network } = parts
  await requireStorage(parts)
  const delays = new Delays()
  const found = await findModel(request, { network, signal, onDelay: delays.note })
  const { id } = found
  const work = async (): Promise<KeptModel> => {
    const tell: Report = (progress) => {
      report(progress)
      channel.post({ kind: 'progress', id, progress: { ...progress, elsewhere: true } })
    }
    try {
      const options = { report: tell, signal }
      const keptId =
        found.what === 'pack'
          ? await fetchPack(parts, found, options)
          : await convertIntoStore(parts, found, { ...options, made: request, delays })
      const record = await store.get(keptId)
      if (record === undefined) throw deletedMeanwhile()
      return describeKept(record)
    } finally {
      channel.post({ kind: 'progress', id, progress: null })
      channel.post({ kind: 'changed' })
    }
  }
  const done = await locks.ifFree(modelLock(id), work)
  if (done !== undefined) return done
  // Another tab is at it. Its progress is ours, and when it ends we see what is left to do.
  const deafen = channel.listen((news) => {
    if (news.kind === 'progress' && news.id === id && news.progress !== null) report(news.progress)
  })
  try {
    return await locks.exclusive(modelLock(id), work, signal)
  } finally {
    deafen()
  }
}
