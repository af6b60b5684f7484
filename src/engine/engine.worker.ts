/** The engine's thread: the model, its GPU device and ONNX Runtime live here, away from the page. */
import { readPicture } from '../image/read-picture.ts'
import type { EngineCalls } from '../protocol/engine-calls.ts'
import { serve } from '../protocol/rpc.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { probeSpeed } from '../runtime/device/probe-speed.ts'
import { browserNetwork } from '../store/browser-network.ts'
import { openBrowserStore } from '../store/browser-store.ts'
import { browserTable } from '../store/indexed-db.ts'
import { chooseCompute, probeDevices, Speeds } from './choose-compute.ts'
import { Engine } from './engine.ts'
import { KeptJudgements } from './judged.ts'
import { openPack } from './open-pack.ts'
import { SeenPictures } from './seen.ts'

const network = browserNetwork()
const store = openBrowserStore()
const speeds = new Speeds(browserTable('pictalk-speeds'), navigator.userAgent)
const computeParts = { openCompute, probeSpeed, speeds }
const seen = new SeenPictures(browserTable('pictalk-seen'))

serve<EngineCalls>(
  self,
  new Engine({
    openPack: (place, options) => openPack(store, place, { ...options, later: true }),
    openCompute: (prefer, manifest) => chooseCompute(manifest, prefer, computeParts),
    probeDevices: (prefer) => probeDevices(prefer, computeParts),
    readPicture: (image, preprocessing) => readPicture(image, preprocessing, network),
    seen,
    judgements: new KeptJudgements(browserTable('pictalk-judged')),
  }),
)
