import { useEffect, useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { AnswerText } from '../../conversation/conversation.ts'
import { keptComparer } from '../../state/search/comparing.ts'
import type { AppState } from '../../state/store.ts'
import { shareText } from '../search/score-text.ts'
import { useApp } from '../store-context.ts'
import { Notice } from '../parts/notice.tsx'

export interface FitProps {
  /** Names the answer: `answerKey`. */
  answer: string
  pictureId: string
  /** The answer, and all of them where there are several. */
  said: { text: string; answers: readonly AnswerText[] }
  /** Whether it can be asked here. What is known is said in any case. */
  isOffered?: boolean
}

/**
 * How well an answer fits the picture, once somebody has asked that of any; of several, the list of them with the best
 * first. Short answers (a colour, yes) say nothing by themselves that a picture could fit.
 */
export function FitsPicture({ answer, pictureId, said, isOffered = true }: FitProps): ReactElement | null {
  const { t, i18n } = useTranslation('search')
  const texts = useMemo(() => textsOf(said), [said])
  const fit = useApp((state) => state.fits[answer])
  const saysFits = useApp((state) => state.saysFits)
  const judge = useApp((state) => state.judgeFit)
  const isThere = useApp(canJudge)
  const isAsked = isThere && saysFits && fit === undefined && says(texts)
  useEffect(() => {
    if (isAsked) void judge(answer, pictureId, texts)
  }, [isAsked, judge, answer, pictureId, texts])
  if (!isThere || !says(texts)) return null
  if (fit === undefined)
    return isOffered ? (
      <button type="button" className="link" onClick={() => void judge(answer, pictureId, texts)}>
        {t('askFit')}
      </button>
    ) : null
  if (fit.status === 'judging') return <p className="hint">{t('judgingFit')}</p>
  if (fit.status === 'failed') return <Notice failure={fit.failure} />
  const ranked = texts
    .map((text, i) => ({ text, share: fit.shares[i] ?? 0 }))
    .sort((a, b) => b.share - a.share)
  return (
    <>
      <p title={t('fitsCaution', { name: fit.by })}>
        {t('fitsPicture', { share: shareText(fit.shares[0] ?? 0, i18n.language) })}
        <span className="visually-hidden"> {t('fitsCaution', { name: fit.by })}</span>
      </p>
      {ranked.length > 1 && (
        <details className="others" open>
          <summary>{t('bySense')}</summary>
          <ol>
            {ranked.map(({ text, share }, i) => (
              <li key={i} dir="auto">
                <span lang="en">{text}</span> <span className="hint">{shareText(share, i18n.language)}</span>
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  )
}

/** What an answer says, all of it where there are several; what says nothing is left out. */
function textsOf({ text, answers }: FitProps['said']): string[] {
  const texts = answers.length > 1 ? answers.map((one) => one.text) : [text]
  return texts.filter((one) => one.trim() !== '')
}

/** The built-in model that compares knows what the built-in one that talks knows, and nothing of photographs. */
export function canJudge({ kept, settings }: Pick<AppState, 'kept' | 'settings'>): boolean {
  return settings.model === null || keptComparer(kept) !== null
}

/** Fewer words than a caption has are taken for an answer that only the question makes one. */
const LEAST_WORDS = 3

export function says([text = '']: readonly string[]): boolean {
  return text.trim().split(/\s+/).length >= LEAST_WORDS
}
