import type { ReactElement } from 'react'
import { useApp } from '../store-context.ts'

/** Of the kinds that the built-in model was trained on; the last one leans on what was said before. */
const QUESTIONS = ['How many things are there?', 'What is on the left?', 'Where is it?']

/** Questions to click, for whoever does not know yet what the built-in model can be asked. */
export function SuggestedQuestions(): ReactElement | null {
  const ask = useApp((state) => state.ask)
  const builtIn = useApp((state) => state.settings.model === null)
  if (!builtIn) return null
  return (
    <ul className="suggested" aria-label="Questions to ask">
      {QUESTIONS.map((question) => (
        <li key={question}>
          <button type="button" className="quiet" onClick={() => ask(question)}>
            {question}
          </button>
        </li>
      ))}
    </ul>
  )
}
