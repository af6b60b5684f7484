/** The engine's thread: the model, its GPU device and ONNX Runtime live here, away from the page. */
<<<<<<< HEAD
import type { DeviceReport, MemoryChoice, MemoryReport } from '../pack/device-report.ts'
import { withImage } from '../image/decode.ts'
import { looksPhotographed } from '../image/drawn-or-photographed.ts'
import { rowsOf } from '../image/pixels.ts'
import { normalise } from '../image/preprocess.ts'
import { resizeBicubic } from '../image/resize.ts'
import { AppError, throwIfCancelled, toFailure, type Failure } from '../pack/failure.ts'
import { GRAPHS, weightsPath, type PackManifest } from '../pack/manifest.ts'
import type {
  Answered,
  AnswerProgress,
  AnswerRequest,
  EngineCalls,
  LoadedModel,
  LoadProgress,
  Looked,
  LookProgress,
} from '../protocol/engine-calls.ts'
import { serve } from '../protocol/rpc.ts'
import { Blip2 } from '../runtime/models/blip2.ts'
import type { AnswerSoFar, Discussion } from '../runtime/talk/discussion.ts'
import { lossOf } from '../runtime/device/loss.ts'
import { openCompute, type Compute } from '../runtime/device/compute.ts'
import { decideMemory } from '../runtime/device/memory-policy.ts'
import { buildFor } from '../runtime/ort/build.ts'
=======
import { readPicture } from '../image/read-picture.ts'
import type { EngineCalls } from '../protocol/engine-calls.ts'
import { serve } from '../protocol/rpc.ts'
import { openCompute } from '../runtime/device/compute.ts'
import { indexedDbTable } from '../store/indexed-db.ts'
import { Engine } from './engine.ts'
>>>>>>> engine
import { openPack } from './open-pack.ts'
import { SeenPictures } from './seen.ts'

// Only Chromium's browsers know it.
const { deviceMemory } = navigator as WorkerNavigator & { deviceMemory?: number }
const seen = new SeenPictures(indexedDbTable('pictalk-seen'))

serve<EngineCalls>(self, new Engine({ openPack, openCompute, readPicture, seen, deviceMemory }))
