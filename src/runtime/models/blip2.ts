/**
 * BLIP-2, whole: vision encoder and Q-Former look, a language model talks. Which language model, and how its prompts
 * are written, is what families differ in.
 */
import type { MemoryChoice, MemoryReport } from '../../pack/device-report.ts'
import { memoryOf, type DeviceMemory } from '../../pack/device-memory.ts'
import { throwIfCancelled } from '../../pack/failure.ts'
import type { PartName, TalkingFamily } from '../../pack/families.ts'
import type { PackManifest, PackReader } from '../../pack/manifest.ts'
import { budgetFor, roomTrials, type MemoryBudget, type TalkBudget } from '../../pack/memory-budget.ts'
import { needsOf } from '../../pack/model-needs.ts'
import type { Compute } from '../device/compute.ts'
import { withRoomTried } from '../device/room-trial.ts'
import type { LanguageModel } from '../language/language-model.ts'
import { Runtime } from '../ort/runtime.ts'
import { openTokenizer } from '../talk/tokenizer.ts'
import { ChatFeatures } from './chat-features.ts'
import { disposeAll, openedWhole } from './disposable.ts'
import { Look, LOOK_PARTS } from './look.ts'
import type { Model } from './model.ts'
import { PartsOpener, type OpenOptions } from './open-parts.ts'
import { Talk, type PromptForm } from './talk.ts'
import { towerOf } from './tower.ts'

export interface LoadOptions extends OpenOptions {
  /** What people want of memory; left out: everything stays loaded. */
  memory?: MemoryChoice | undefined
  /** The device's memory, where it is known better than by asking for it. */
  device?: DeviceMemory | undefined
  /** Whether the device may be asked for memory that nobody tells of (`roomTrials`); left out: yes. */
  triesRoom?: boolean | undefined
  /** Told before it is asked: it may go away under that, or later, when what it gave is used. */
  onRoomTrial?: (() => void) | undefined
}

/** How a family talks. */
export interface LanguageFamily<F extends TalkingFamily> {
  /** Parts of the language model, in the order in which they are opened. */
  parts: readonly PartName[]
  /** Opens it within a budget. */
  open(parts: PartsOpener<F>, budget: TalkBudget): Promise<LanguageModel>
  /** How prompts of this model are written. */
  form(manifest: PackManifest<F>): PromptForm
}

/** Tokens of the prompt that is run beforehand: a question of some length. */
const TYPICAL_TOKENS = 16

/** Opens a model whose language model is of `family`; null for one that looks and says nothing. */
export async function openBlip2<F extends TalkingFamily>(
  pack: PackReader<F>,
  compute: Compute,
  family: LanguageFamily<F> | null,
  options: LoadOptions = {},
): Promise<Model> {
  throwIfCancelled(options.signal)
  const { manifest } = pack
  const order = [...LOOK_PARTS, ...(family?.parts ?? [])]
  const needs = needsOf(manifest, compute)
  const choice = options.memory ?? 'keep'
  const told = options.device ?? memoryOf(compute.device, compute)
  const trials = options.triesRoom === false ? [] : roomTrials(needs, told, choice)
  if (trials.length > 0) options.onRoomTrial?.()
  const device = await withRoomTried(compute.device, told, trials)
  const budget = budgetFor(needs, device, choice)
  const parts = new PartsOpener(await Runtime.open(compute), pack, order, options)
  try {
    return await openedWhole(async (opened) => {
      const look = await Look.open(parts)
      opened.push(look)
      const features = new ChatFeatures(parts)
      opened.push(features)
      const talk = family === null || budget.talk === null ? null : await openTalk(parts, family, budget.talk)
      if (talk !== null) opened.push(talk)
      if (!budget.look.keepsAll) await look.keepLoaded(false, { afterNextLook: true })
      const tower = towerOf(pack, compute)
      return new Blip2({ manifest, look, talk, tower, features, memory: budget.look }, (changed) =>
        budgetFor(needs, device, changed),
      )
    })
  } finally {
    parts.finish()
  }
}

class Blip2 implements Model {
  readonly manifest: PackManifest
  readonly look: Look
  readonly talk: Talk | null
  readonly tower: Model['tower']
  readonly features: ChatFeatures
  readonly #budget: (choice: MemoryChoice) => MemoryBudget
  #memory: MemoryReport

  constructor(
    {
      manifest,
      look,
      talk,
      tower,
      features,
      memory,
    }: Pick<Model, 'manifest' | 'look' | 'talk' | 'tower' | 'features' | 'memory'>,
    budget: (choice: MemoryChoice) => MemoryBudget,
  ) {
    this.manifest = manifest
    this.look = look
    this.talk = talk
    this.tower = tower
    this.features = features
    this.#memory = memory
    this.#budget = budget
  }

  get memory(): MemoryReport {
    return this.#memory
  }

  async changeMemory(choice: MemoryChoice): Promise<MemoryReport> {
    this.#memory = this.#budget(choice).look
    await this.look.keepLoaded(this.#memory.keepsAll)
    return this.#memory
  }

  dispose(): Promise<void> {
    return disposeAll([this.look, this.features, ...(this.talk === null ? [] : [this.talk])])
  }
}

async function openTalk<F extends TalkingFamily>(
  parts: PartsOpener<F>,
  family: LanguageFamily<F>,
  budget: TalkBudget,
): Promise<Talk> {
  const tokenizer = await openTokenizer(parts.pack)
  const language = await family.open(parts, budget)
  try {
    await parts.warmUp(() => language.warmUp(TYPICAL_TOKENS))
  } catch (error) {
    await language.dispose()
    throw error
  }
  return new Talk({ language, tokenizer, context: budget.context, form: family.form(parts.manifest) })
}
