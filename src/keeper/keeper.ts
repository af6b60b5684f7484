/** All that the page can ask of the keeper, over whatever it is given to work with. */
import type { KeeperCalls, StoreNews } from '../protocol/keeper-calls.ts'
import type { Handlers } from '../protocol/rpc.ts'
import { convertingSpeed } from '../convert/converting-speed.ts'
import { addModel } from './add.ts'
import type { KeeperParts } from './keeper-parts.ts'
import { findNewer, listKept, removeKept } from './kept.ts'
import { makeOffer } from './offer.ts'
import { savePack } from './save.ts'

export function keeper(parts: KeeperParts): Handlers<KeeperCalls> {
  return {
    offer: (request, _, signal) => makeOffer(parts, request, signal),
    convertingSpeed: ({ precision }) => Promise.resolve(convertingSpeed(precision)),
    add: (request, report, signal) => addModel(parts, request, report, signal),
    list: () => listKept(parts),
    newer: ({ hub }, _, signal) => findNewer(parts, hub, signal),
    remove: ({ id }) => removeKept(parts, id),
    save: ({ id, folder }, report, signal) =>
      savePack(parts.store, id, folder, {
        signal,
        onBytes: (doneBytes, totalBytes) => report({ doneBytes, totalBytes }),
      }),
    watch: (_, report, signal) => watch(parts, report, signal),
  }
}

function watch(
  { store, channel }: KeeperParts,
  report: (news: StoreNews) => void,
  signal: AbortSignal,
): Promise<null> {
  const deafen = channel.listen(report)
  // What a crash left behind without a name. If that fails, the next visit tries again.
  store.sweep().catch(() => undefined)
  return new Promise((resolve) => {
    const end = (): void => {
      deafen()
      resolve(null)
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
