import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useApp } from '../store-context.ts'

/** Of the kinds that the built-in model was trained on, in its language; the last one leans on what was said before. */
const QUESTIONS = ['How many things are there?', 'What is on the left?', 'Where is it?']

/** Questions to click, for whoever does not know yet what the built-in model can be asked. */
export function SuggestedQuestions(): ReactElement | null {
  const { t } = useTranslation('talk')
  const ask = useApp((state) => state.ask)
  const builtIn = useApp((state) => state.settings.model === null)
  if (!builtIn) return null
  return (
    <ul className="suggested" aria-label={t('ask.suggested')}>
      {QUESTIONS.map((question) => (
        <li key={question}>
          <button type="button" lang="en" onClick={() => ask(question)}>
            {question}
          </button>
        </li>
      ))}
    </ul>
  )
}
