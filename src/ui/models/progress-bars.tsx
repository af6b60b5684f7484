import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { AddProgress } from '../../protocol/keeper-calls.ts'
import { models } from '../../messages/en/models.ts'
import { FailureWords } from '../parts/failure-words.tsx'

/** How far a model is on its way: the whole, with speed and time left, and each large part. */
export function ProgressBars({ progress }: { progress: AddProgress }): ReactElement {
  const { t } = useTranslation('models')
  const { doing, name, doneBytes, totalBytes, bytesPerSecond, secondsLeft, parts, delay, elsewhere } =
    progress
  const amounts = { name, done: doneBytes, total: totalBytes }
  const label = doing === 'fetching' ? t('progress.fetching', amounts) : t('progress.converting', amounts)
  const details = [
    label,
    ...(bytesPerSecond === null ? [] : [t('progress.speed', { speed: bytesPerSecond })]),
    ...(secondsLeft === null ? [] : [t('progress.left', { seconds: secondsLeft })]),
  ]
  return (
    <div className="loading">
      <span>
        {details.join(', ')} {elsewhere && t('progress.elsewhere')}
      </span>
      <progress aria-label={label} value={doneBytes} max={Math.max(1, totalBytes)} />
      <ul className="parts">
        {parts
          .filter(({ path }) => path.endsWith('.weights'))
          .map((part) => (
            <PartLine key={part.path} {...part} />
          ))}
      </ul>
      {delay === 'offline' && <span>{t('progress.offline')}</span>}
      {typeof delay === 'object' && delay !== null && (
        <span>
          <FailureWords failure={delay.failure} /> {t('progress.nextTry', { seconds: delay.seconds })}
        </span>
      )}
    </div>
  )
}

type NamedPart = keyof typeof models.parts

/** The part whose weights a file holds, as converters call it; null where the file is called otherwise. */
export function partOf(path: string): NamedPart | null {
  const name = path.replace(/\.weights$/, '')
  return isNamed(name) ? name : null
}

const isNamed = (name: string): name is NamedPart => Object.hasOwn(models.parts, name)

function PartLine({ path, doneBytes, totalBytes }: AddProgress['parts'][number]): ReactElement {
  const { t } = useTranslation('models')
  const named = partOf(path)
  const part = named === null ? path : t(`parts.${named}`)
  return <li>{t('progress.part', { part, done: doneBytes, total: totalBytes })}</li>
}
