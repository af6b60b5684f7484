/** The thread of everything that is kept, so that converting one model does not hold up another's answers. */
import type { KeeperCalls, StoreNews } from '../protocol/keeper-calls.ts'
import { serve } from '../protocol/rpc.ts'
import { browserNetwork } from '../store/browser-network.ts'
import { estimateSpace, openBrowserStore } from '../store/browser-store.ts'
import { browserChannel } from '../store/channel.ts'
import { storageProblem } from '../store/indexed-db.ts'
import { browserLocks } from '../store/locks.ts'
import { readDevice } from './browser-device.ts'
import { keeper } from './keeper.ts'

serve<KeeperCalls>(
  self,
  keeper({
    store: openBrowserStore(),
    locks: browserLocks(),
    channel: browserChannel<StoreNews>('pictalk-packs'),
    network: browserNetwork(),
    device: readDevice,
    space: estimateSpace,
    storageProblem,
  }),
)
