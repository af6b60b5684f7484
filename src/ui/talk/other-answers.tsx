import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { AnswerText } from '../../conversation/conversation.ts'
import { numberText } from '../../messages/amounts.ts'

/** The runners-up of a beam search, or the other samples. */
export function Others({ answers }: { answers: AnswerText[] }): ReactElement {
  const { t, i18n } = useTranslation('talk')
  return (
    <details className="others">
      <summary>{t('answer.others', { count: answers.length })}</summary>
      <ol>
        {answers.map(({ text, score }, i) => (
          <li key={i}>
            {text === '' ? (
              t('answer.nothing')
            ) : (
              <span dir="auto" lang="en">
                {text}
              </span>
            )}{' '}
            <span className="hint">{numberText(score, i18n.language, 3)}</span>
          </li>
        ))}
      </ol>
    </details>
  )
}
