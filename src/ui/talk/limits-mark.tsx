import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { isGuess, type AnswerFacts } from '../../conversation/conversation.ts'
import { strangeWords } from '../../scenes/strange-words.ts'

/** Before an answer that is beyond what its model was taught; nothing where that is not known or not so. */
export function LimitsMark({
  facts,
  question,
}: {
  facts: AnswerFacts
  question: string | null
}): ReactElement | null {
  const { t, i18n } = useTranslation('limits')
  if (facts.outside === undefined) return null
  const strange = question === null ? [] : strangeWords(question)
  const words = new Intl.ListFormat(i18n.language, { type: 'disjunction' }).format(
    strange.slice(0, 3).map((word) => t('quoted', { word: shortened(word) })),
  )
  return (
    <>
      {isGuess(facts) && <p className="stage guess">{t('guess')}</p>}
      {strange.length > 0 && <p className="stage guess">{t('strange', { words })}</p>}
    </>
  )
}

/** What nobody would call a word is not said again at its whole length. */
const LONGEST_WORD = 30

function shortened(word: string): string {
  return word.length > LONGEST_WORD ? `${word.slice(0, LONGEST_WORD)}…` : word
}
