/** The thread that compares pictures with texts: the model of stage 1, its GPU device and ONNX Runtime live here. */
import { readPicture } from '../image/read-picture.ts'
import type { CompareCalls } from '../protocol/compare-calls.ts'
import { serve } from '../protocol/rpc.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { browserNetwork } from '../store/browser-network.ts'
import { openBrowserStore } from '../store/browser-store.ts'
import { Comparer } from './comparer.ts'
import { openPack } from './open-pack.ts'

const network = browserNetwork()
const store = openBrowserStore()

serve<CompareCalls>(
  self,
  new Comparer({
    openPack: (place, { signal }) => openPack(store, place, { signal, onBytes: () => undefined }),
    openCompute,
    readPicture: (image, preprocessing) => readPicture(image, preprocessing, network),
  }),
)
