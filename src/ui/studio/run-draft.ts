/** The fields that say how pictures are captioned, and the settings that they make. */
import { useMemo } from 'react'
import { decodingProblem, type DecodingSettings, type WordRules } from '../../pack/decoding.ts'
import { tunedPrompt } from '../../state/model-slice.ts'
import { decodingOf, type Settings } from '../../state/settings-slice.ts'
import { PLAIN, type Existing } from '../../studio/compose.ts'
import type { RunSettings, Target } from '../../studio/project.ts'
import { useApp } from '../store-context.ts'

/** Words are separated by commas; numbers are empty where the preset's hold. */
export interface RunDraft {
  target: Target
  asks: RunSettings['asked']['kind']
  prompt: string
  question: string
  existing: Existing
  trigger: string
  prefix: string
  suffix: string
  begin: string
  ban: string
  force: string
  shortest: string
  longest: string
  candidates: string
}

/** What was chosen for this folder last; else what holds for the page. */
export function draftOf(kept: RunSettings | null, { prompt }: Pick<Settings, 'prompt'>): RunDraft {
  const words = kept?.decoding.words
  const { trigger, prefix, suffix } = kept?.dress ?? PLAIN
  return {
    target: kept?.target ?? 'caption',
    asks: kept?.asked.kind ?? 'caption',
    prompt: kept?.asked.kind === 'caption' ? kept.asked.prompt : prompt,
    question: kept?.asked.kind === 'question' ? kept.asked.question : '',
    existing: kept?.existing ?? 'skip',
    trigger,
    prefix,
    suffix,
    begin: words?.begin ?? '',
    ban: words?.ban.join(', ') ?? '',
    force: words?.force.join(', ') ?? '',
    shortest: kept === null || kept.decoding.minNewTokens === 0 ? '' : `${kept.decoding.minNewTokens}`,
    longest: kept === null ? '' : `${kept.decoding.maxNewTokens}`,
    candidates: kept === null || kept.decoding.answers === 1 ? '' : `${kept.decoding.answers}`,
  }
}

/** The settings, or what is wrong with them. */
export function settingsFrom(
  draft: RunDraft,
  page: Settings,
): { settings: RunSettings; problem: null } | { settings: null; problem: string } {
  const { target, existing, trigger, prefix, suffix } = draft
  const decoding = decodingFrom(draft, decodingOf(page, 0))
  const problem = decodingProblem(decoding)
  if (problem !== null) return { settings: null, problem }
  const asked: RunSettings['asked'] =
    draft.asks === 'caption'
      ? { kind: 'caption', prompt: draft.prompt }
      : { kind: 'question', question: draft.question.trim(), template: page.template }
  return {
    settings: { target, asked, decoding, existing, dress: { trigger, prefix, suffix } },
    problem: null,
  }
}

function decodingFrom(draft: RunDraft, base: DecodingSettings): DecodingSettings {
  const words: WordRules = { begin: draft.begin, ban: listOf(draft.ban), force: listOf(draft.force) }
  const hasWords = words.begin !== '' || words.ban.length > 0 || words.force.length > 0
  const answers = draft.candidates === '' ? base.answers : Number(draft.candidates)
  return {
    ...base,
    minNewTokens: draft.shortest === '' ? base.minNewTokens : Number(draft.shortest),
    maxNewTokens: draft.longest === '' ? base.maxNewTokens : Number(draft.longest),
    answers,
    // As many beams as answers, where nothing is sampled.
    beams: base.sampling === null ? Math.max(base.beams, answers) : base.beams,
    ...(hasWords && { words }),
  }
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

/** What holds for the page, with the beginning of captions that the model was tuned to where none was chosen. */
export function usePageSettings(): Settings {
  const settings = useApp((state) => state.settings)
  const tuned = useApp((state) => tunedPrompt(state.model))
  return useMemo(
    () => (settings.prompt === '' && tuned !== null ? { ...settings, prompt: tuned } : settings),
    [settings, tuned],
  )
}

/** How a single picture is captioned again: as the folder was last. */
export function useRunSettings(): ReturnType<typeof settingsFrom> {
  const kept = useApp((state) => state.studio.project?.settings ?? null)
  const page = usePageSettings()
  return useMemo(
    () => (kept === null ? settingsFrom(draftOf(null, page), page) : { settings: kept, problem: null }),
    [kept, page],
  )
}
