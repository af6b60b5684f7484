/**
 * What to compute on where nobody chose: the graphics card, unless a measured step says that the processor is faster. A
 * software renderer is WebGPU too, and of a small model launching work may cost more than doing it.
 */
import { captionWork, predictedSeconds, type DeviceSpeed } from '../pack/caption-work.ts'
import { memoryOf } from '../pack/device-memory.ts'
import type { Provider } from '../pack/device-report.ts'
import { weightBytes, type PackManifest } from '../pack/manifest.ts'
import { budgetFor } from '../pack/memory-budget.ts'
import { needsOf } from '../pack/model-needs.ts'
import type { Compute } from '../runtime/device/compute.ts'
import { measuredAlone, type AloneOptions } from '../runtime/device/measured-alone.ts'
import type { ProbedDevice } from '../protocol/engine-calls.ts'
import type { Table } from '../store/table.ts'

export interface ChooseParts {
  openCompute: (prefer: Provider | null) => Promise<Compute>
  probeSpeed: (compute: Compute) => Promise<DeviceSpeed>
  /** What was measured at earlier visits. */
  speeds: Speeds
}

/** Below this even a graphics card is asked: its work may be too little to be worth handing over. */
const SMALL_BYTES = 64 * 2 ** 20
/** The processor has to be so many times faster: a probe of half a second is no more exact than that. */
const CLEARLY = 1.5

/** As `openCompute` opens it. Where the processor was found to be faster, `reason` says that, with both figures. */
export async function chooseCompute(
  manifest: PackManifest,
  prefer: Provider | null,
  { openCompute, probeSpeed, speeds }: ChooseParts,
): Promise<Compute> {
  const gpu = await openCompute(prefer)
  if (prefer !== null || gpu.provider === 'wasm' || !isInQuestion(manifest, gpu)) return gpu
  try {
    const processor = await openCompute('wasm')
    const work = captionWork(manifest)
    const onProcessor = predictedSeconds(work, await speeds.of(processor, probeSpeed), 'wasm')
    const onGpu = predictedSeconds(work, await speeds.of(gpu, probeSpeed), 'webgpu')
    if (!(onProcessor * CLEARLY < onGpu)) return gpu
    gpu.device?.destroy()
    const { adapter, software } = gpu
    const reason = {
      why: 'faster',
      processorSeconds: onProcessor,
      gpuSeconds: onGpu,
      adapter,
      software,
    } as const
    return { ...processor, reason }
  } catch {
    // A device that fails a probe may still run the model, and says what is wrong with it when it does not.
    return gpu
  }
}

/** What a model could run on: the graphics card, and the processor where nobody chose and that card is software. */
export async function probeDevices(
  prefer: Provider | null,
  { openCompute, probeSpeed, speeds }: ChooseParts,
): Promise<ProbedDevice[]> {
  const first = await openCompute(prefer)
  const probed = async (compute: Compute): Promise<ProbedDevice> => {
    const { provider, adapter, software } = compute
    try {
      return { provider, adapter, software, speed: await speeds.of(compute, probeSpeed) }
    } finally {
      compute.device?.destroy()
    }
  }
  const found = [await probed(first)]
  // The first is closed by now: nothing stays open where the second cannot be opened.
  if (prefer === null && first.software) found.push(await probed(await openCompute('wasm')))
  return found
}

function isInQuestion(manifest: PackManifest, { software }: Compute): boolean {
  const onProcessor = { provider: 'wasm', f16: false } as const
  const memory = memoryOf(null, { software: false })
  if (!budgetFor(needsOf(manifest, onProcessor), memory, 'auto').fits) return false
  return software || weightBytes(manifest) <= SMALL_BYTES
}

/** Speeds of devices, kept between visits where the browser lets us. */
export class Speeds {
  readonly #table: Table<DeviceSpeed>
  readonly #browser: string
  readonly #alone: AloneOptions
  readonly #memory = new Map<string, DeviceSpeed>()

  /** `browser` is what the browser calls itself: another version is measured anew. `alone`: how other tabs are waited for. */
  constructor(table: Table<DeviceSpeed>, browser: string, alone: AloneOptions = {}) {
    this.#table = table
    this.#browser = browser
    this.#alone = alone
  }

  /** What was measured of this device, or is measured now, once no other tab does. */
  async of(compute: Compute, probeSpeed: ChooseParts['probeSpeed']): Promise<DeviceSpeed> {
    const { provider, adapter, f16, subgroups } = compute
    const key = [provider, adapter, f16, subgroups, this.#browser].join(' ')
    const kept = (): Promise<DeviceSpeed | undefined> => this.#table.get(key).catch(() => undefined)
    const known = this.#memory.get(key) ?? (await kept())
    const speed =
      known ??
      (await measuredAlone(async () => {
        // Whoever was waited for may have measured the same.
        const found = await kept()
        if (found !== undefined) return found
        const measured = await probeSpeed(compute)
        // Storage may be absent, forbidden or full.
        await this.#table.set(key, measured).catch(() => undefined)
        return measured
      }, this.#alone))
    this.#memory.set(key, speed)
    return speed
  }
}
