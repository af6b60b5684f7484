import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { AnswerFacts } from '../../conversation/conversation.ts'
import { timeText } from '../../messages/amounts.ts'

/** How an answer came about, for whoever asks. */
export function AnswerFactsList({ facts, tokens }: { facts: AnswerFacts; tokens: number }): ReactElement {
  const { t, i18n } = useTranslation('talk')
  const { finish, lookMs, prefillMs, decodeMs, prefilled, tookMs, model } = facts
  const time = (ms: number): string => timeText(ms, i18n.language)
  const total = lookMs + prefillMs + decodeMs
  const rows: [name: string, value: string][] = [
    [
      t('answer.facts.took'),
      finish === 'stopped' ? t('answer.facts.stopped', { time: tookMs ?? total }) : time(total),
    ],
  ]
  if (lookMs > 0) rows.push([t('answer.facts.looked'), time(lookMs)])
  if (tokens > 0) rows.push([t('answer.facts.first'), time(lookMs + prefillMs)])
  if (tokens > 1 && decodeMs > 0) {
    const speed = (1000 * (tokens - 1)) / decodeMs
    rows.push([t('answer.facts.speed'), t('answer.facts.tokens', { speed })])
  }
  if (prefilled > 0) rows.push([t('answer.facts.read'), t('answer.facts.positions', { count: prefilled })])
  if (finish === 'limit') rows.push([t('answer.facts.length'), t('answer.facts.cut')])
  if (model !== undefined) rows.push([t('answer.facts.by'), model])
  return (
    <dl className="facts answer-facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
