/**
 * BLIP-2, whole: vision encoder and Q-Former look, a language model talks. Which language model, and how its prompts
 * are written, is what families differ in.
 */
import { throwIfCancelled } from '../../pack/failure.ts'
import type { ContextReport } from '../../pack/device-report.ts'
import type { Family, PartName } from '../../pack/families.ts'
import type { PackManifest, PackReader } from '../../pack/manifest.ts'
import type { Compute } from '../device/compute.ts'
import type { LanguageModel } from '../language/language-model.ts'
import { Runtime } from '../ort/runtime.ts'
import { openTokenizer } from '../talk/tokenizer.ts'
import { Look, LOOK_PARTS } from './look.ts'
import type { Model } from './model.ts'
import { PartsOpener, type OpenOptions } from './open-parts.ts'
import { Talk, type PromptForm } from './talk.ts'

export interface LoadOptions extends OpenOptions {
  /** Whether what looks stays open between pictures; see `Look.keepLoaded`. */
  keepsAll?: boolean | undefined
}

/** How a family talks. */
export interface LanguageFamily<F extends Family> {
  /** Parts of the language model, in the order in which they are opened. */
  parts: readonly PartName[]
  open(parts: PartsOpener<F>): Promise<{ language: LanguageModel; context: ContextReport }>
  /** How prompts of this model are written. */
  form(manifest: PackManifest<F>): PromptForm
}

/** Tokens of the prompt that is run beforehand: a question of some length. */
const TYPICAL_TOKENS = 16

/** Opens a model whose language model is of `family`; null for one that looks and says nothing. */
export async function openBlip2<F extends Family>(
  pack: PackReader<F>,
  compute: Compute,
  family: LanguageFamily<F> | null,
  options: LoadOptions = {},
): Promise<Model> {
  throwIfCancelled(options.signal)
  const runtime = await Runtime.open(compute)
  const order = [...LOOK_PARTS, ...(family?.parts ?? [])]
  const parts = new PartsOpener(runtime, pack, order, options)
  const opened: { dispose: () => Promise<void> }[] = []
  try {
    const look = await Look.open(parts)
    opened.push(look)
    const talk = family === null ? null : await openTalk(parts, family)
    if (talk !== null) opened.push(talk)
    if (options.keepsAll === false) await look.keepLoaded(false, { afterNextLook: true })
    return { manifest: pack.manifest, look, talk, dispose: () => disposeAll(opened) }
  } catch (error) {
    await disposeAll(opened)
    throw error
  } finally {
    parts.finish()
  }
}

async function openTalk<F extends Family>(parts: PartsOpener<F>, family: LanguageFamily<F>): Promise<Talk> {
  const tokenizer = await openTokenizer(parts.pack)
  const { language, context } = await family.open(parts)
  try {
    await parts.warmUp(() => language.warmUp(TYPICAL_TOKENS))
  } catch (error) {
    await language.dispose()
    throw error
  }
  return new Talk({ language, context, tokenizer, form: family.form(parts.manifest) })
}

async function disposeAll(opened: readonly { dispose: () => Promise<void> }[]): Promise<void> {
  for (const one of opened) await one.dispose()
}
